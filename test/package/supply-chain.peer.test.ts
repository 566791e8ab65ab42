// The same on other versions of Node: the packed bytes (S-06), and the command under the permission model (S-15), which
// lets it read, write and start only what it is allowed.

import { spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CheckedIn, role } from '../cli/checked-in.ts'
import { commandFile } from '../cli/hardkey.ts'
import { root } from '../laws/tree.ts'
import { peer } from '../peers/peer.ts'
import { packedElsewhere } from './packed-elsewhere.ts'

interface Ran {
  readonly status: unknown
  readonly stdout: string
  readonly stderr: string
}

let checkedIn: CheckedIn
beforeAll(async () => {
  checkedIn = await CheckedIn.make()
})
afterAll(() => checkedIn?.remove())

it('S-06: gives the same packed bytes on Node 20 and on Node 24', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hardkey-twice-'))
  try {
    const [old, recent] = [(await peer('node20')).command, (await peer('node24')).command]
    const [first, second] = [packedElsewhere(join(folder, 'a'), old), packedElsewhere(join(folder, 'b'), recent)]
    expect(readFileSync(second).equals(readFileSync(first))).toBe(true)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

describe.each([
  ['node20', ['--experimental-permission', '--no-warnings']],
  ['node22', ['--experimental-permission', '--no-warnings']],
  ['node24', ['--permission', '--no-warnings']],
  ['node26', ['--permission', '--allow-net', '--no-warnings']],
] as const)('S-15: under the permission model of %s', (name, switches) => {
  async function run(words: readonly string[], readable: readonly string[]): Promise<Ran> {
    const { home } = checkedIn
    const { command } = await peer(name)
    const reads = readable.map((path) => `--allow-fs-read=${path}`)
    const child = spawn(command, [...switches, ...reads, commandFile, ...words], {
      cwd: home.folder,
      env: home.environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const status = new Promise<unknown>((resolve) => child.once('close', resolve))
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
    return { status: await status, stdout, stderr }
  }

  // The owner and mode of every folder above a file are looked at, which counts as reading them.
  it('hands out credentials where it may read, and write, start and load nothing', async () => {
    const ran = await run(['credential-process', 'prod', '--role-arn', role], ['*'])
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringMatching(/"AccessKeyId": ?"ASIA/), stderr: '' })
  })

  it('says in one line what it may not read', async () => {
    const ran = await run(['whoami', 'prod'], [dirname(dirname(commandFile)), join(root, 'package.json')])
    expect(ran).toMatchObject({
      status: expect.any(Number),
      stdout: '',
      stderr: expect.stringMatching(/^hardkey: error: [^\n]*\n(?:hardkey: hint: [^\n]*\n)?$/),
    })
  })
})
