// The device node of a TPM that is not there, not ours, or busy (F-T09, F-T10). A terminal stands for /dev/tpm0; the system's
// refusals are put in its place by strace, on that path alone.

import { spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CommandHome, commandFile, ended, throwAwayKey } from '../cli/hardkey.ts'
import { peer } from '../peers/peer.ts'
import { type Swtpm, startSwtpm } from '../peers/swtpm.ts'

const home = new CommandHome()
const key = throwAwayKey()
let tpm: Swtpm
beforeAll(async () => {
  tpm = await startSwtpm('pty')
  const source = ['--access-key-id', key.accessKeyId, '--from', 'stdin', '--offline', '--region', 'eu-west-1']
  const ran = await home.run(['import', 'prod', '--to', `tpm2:?device=${tpm.device}`, ...source], {
    input: key.secretAccessKey,
  })
  if (ran.status !== 0) throw new Error(ran.stderr)
})
afterAll(async () => {
  await tpm?.stop()
  home.remove()
})

/** Runs the command, while opening the node has this outcome so often. */
async function refused(
  error: string,
  when: string,
): Promise<{ status: number | string; stdout: string; stderr: string }> {
  const { command } = await peer('strace')
  const how = [
    '-f',
    '-o',
    '/dev/null',
    '-e',
    'trace=openat',
    '-P',
    tpm.device,
    '-e',
    `inject=openat:error=${error}:when=${when}`,
  ]
  const words = ['presign', 'prod', 'https://bucket.s3.eu-west-1.amazonaws.com/object', '--verbose']
  const child = spawn(command, [...how, '--', process.execPath, commandFile, ...words], {
    cwd: home.folder,
    env: home.environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  return await ended(child)
}

describe('the device node', () => {
  it('F-T10: that we may not open is named with the group to join', async () => {
    const { stdout, stderr, status } = await refused('EACCES', '1+')
    expect(stderr).toContain('hardkey: code: ERR_DEVICE_UNAVAILABLE')
    expect(stderr).toContain(tpm.device)
    expect(stderr).toMatch(/hint: .*(group|usermod)/)
    expect({ stdout, status }).toEqual({ stdout: '', status: 1 })
  })

  it('F-T10: that is not there is named', async () => {
    const { stdout, stderr, status } = await refused('ENOENT', '1+')
    expect(stderr).toContain('hardkey: code: ERR_DEVICE_UNAVAILABLE')
    expect(stderr).toContain(tpm.device)
    expect({ stdout, status }).toEqual({ stdout: '', status: 1 })
  })

  it('F-T09: that is busy for a moment is waited for', async () => {
    const { stdout, status } = await refused('EBUSY', '1..3')
    expect(stdout).toContain('X-Amz-Signature=')
    expect(status).toBe(0)
  })

  it('F-T09: that stays busy is named with its cause, within the deadline', async () => {
    const { stdout, stderr, status } = await refused('EBUSY', '1+')
    expect(stderr).toContain('hardkey: code: ERR_DEVICE_UNAVAILABLE')
    expect(stderr).toMatch(/in use by another program/)
    expect({ stdout, status }).toEqual({ stdout: '', status: 1 })
  })
})
