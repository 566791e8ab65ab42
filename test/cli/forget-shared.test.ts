// `hardkey forget` where more hangs on a key than one record: another record of the same object, and a rotation that is not over.

import { spawn } from 'node:child_process'
import { existsSync, readFileSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Rotating } from '../rotation/rotating.ts'
import { commandFile, ended, type Ran } from './hardkey.ts'

let at: Rotating
beforeEach(async () => {
  at = await Rotating.make()
})
afterEach(() => at.remove())

const forget = (...words: readonly string[]): Promise<Ran> => at.home.run(['forget', ...words])
const works = async (name: string): Promise<boolean> => (await at.home.run(['whoami', name])).status === 0

/** Another record of the key of `prod`, which is in the device already. */
async function again(file: string): Promise<Ran> {
  const to = `tink:file=${file}?kek=passphrase:&pin-source=file:${join(at.home.folder, 'passphrase')}`
  const words = ['import', 'again', '--from', 'device', '--to', to, '--access-key-id', at.first]
  return await at.home.run([...words, '--region', 'eu-west-1', '--endpoint-url', at.iam.url])
}

describe('a key of two records', () => {
  it.each(['as it is', 'by a link'])('is not destroyed with one of them, named %s', async (way) => {
    const file = join(at.home.records, 'prod.keyset.json')
    const link = join(at.home.folder, 'link.keyset.json')
    if (way === 'by a link') symlinkSync(file, link)
    const imported = await again(way === 'by a link' ? link : file)
    expect(imported).toMatchObject({ status: 0, stderr: expect.stringContaining('the record prod is of this key too') })
    const refused = await forget('again', '--from-device', '--yes')
    expect(refused).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining('also that of the record prod'),
    })
    expect([await works('prod'), await works('again')]).toEqual([true, true])
    expect((await forget('prod')).status).toBe(0)
    expect((await forget('again', '--from-device', '--yes')).stdout).toContain('the key in the device: removed')
  })

  it('is destroyed where the other record has it in a keyset of its own', async () => {
    at.home.write('hardkey/keys/copy.keyset.json', at.home.read('hardkey/keys/prod.keyset.json'))
    expect((await again('copy.keyset.json')).status).toBe(0)
    expect((await forget('again', '--from-device', '--yes')).status).toBe(0)
    expect([at.keysets(), await works('prod')]).toEqual([['prod.keyset.json'], true])
  })

  it('is not destroyed while the rotation of the other one may go back to it', async () => {
    expect((await again(join(at.home.records, 'prod.keyset.json'))).status).toBe(0)
    expect((await at.rotate('--yes')).status).toBe(0)
    const refused = await forget('again', '--from-device', '--yes')
    expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining('the record prod') })
    expect((await at.rotate('--undo', '--yes')).status).toBe(0)
    expect(await works('prod')).toBe(true)
  })
})

describe('a key whose rotation is not over', () => {
  beforeEach(async () => {
    expect((await at.rotate('--yes')).status).toBe(0)
  })

  it('goes with the old one, and both are named', async () => {
    for (const id of at.iam.keys.keys()) at.iam.keys.delete(id)
    const { status, stdout, stderr } = await forget('prod', '--from-device', '--yes')
    expect([status, at.keysets(), at.journalState()]).toEqual([0, [], undefined])
    expect(stdout).toContain(`forgot the rotation with ${at.first}; that key in the device: removed, `)
    expect(stderr).toContain(`${at.first} was not switched off where it was made`)
  })

  it('leaves both in the device without --from-device, and says where, when that is agreed to', async () => {
    expect(await forget('prod')).toMatchObject({ status: 2, stderr: expect.stringContaining('which is not over') })
    const { status, stdout } = await forget('prod', '--yes', '--json')
    expect([status, at.keysets().length, at.journalState()]).toEqual([0, 2, undefined])
    expect(JSON.parse(stdout).others).toMatchObject([
      { accessKeyId: at.first, device: 'kept', uri: expect.stringContaining('prod.keyset.json') },
    ])
  })

  it('is gone after each line that the README gives for an uninstall', async () => {
    const readme = readFileSync(resolve(import.meta.dirname, '../../README.md'), 'utf8')
    const [, block = ''] = /^## Uninstall[^#]*?^```sh\n([\s\S]*?)^```/m.exec(readme) ?? []
    const lines = block.split('\n').filter((line) => line !== '' && !line.startsWith('npm '))
    expect(lines.length).toBeGreaterThanOrEqual(4)
    const asPrinted = lines
      .map((line) => line.replace(/ edge /, ' prod ').replace('~/.config/hardkey', '"$HARDKEY_HOME"'))
      // There is no terminal to ask at.
      .map((line) => line.replace('--apply ', '--apply --yes '))
    const script = `set -e\nhardkey() { '${process.execPath}' '${commandFile}' "$@"; }\n${asPrinted.join('\n')}`
    const child = spawn('sh', ['-c', script], { env: at.home.environment(), stdio: ['ignore', 'pipe', 'pipe'] })
    expect(await ended(child)).toMatchObject({ status: 0 })
    expect([existsSync(join(at.home.folder, 'hardkey')), at.iam.active()]).toEqual([false, []])
  })
})
