// A wrong PIN in a file, given to the commands that open a device for more than a signature, as a timer gives it to `rotate`
// day after day: it is tried once, by whichever comes first. Logins are counted at the module.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Ran } from '../cli/hardkey.ts'
import { FaultyCommand } from '../faults/commands.ts'
import { folderInMemory } from '../files/temporary-folder.ts'
import { testPin } from '../peers/softhsm.ts'

let command: FaultyCommand
let folder: string
let wrong: string
beforeAll(async () => {
  command = await FaultyCommand.make()
})
afterAll(() => command?.remove())
beforeEach(() => {
  folder = folderInMemory()
  wrong = `file:${command.home.write('wrong-pin', 'not-the-pin-8431')}`
  // CKF_USER_PIN_COUNT_LOW, by which SoftHSM would tell of the first try.
  command.device.shim.order('C_GetTokenInfo * clear 0x10000')
  command.device.shim.forget()
})
afterEach(async () => {
  rmSync(command.home.state, { recursive: true, force: true })
  // The right PIN takes the flag away.
  await run('whoami', 'prod')
  command.device.shim.order()
  rmSync(folder, { recursive: true })
})

const run = (...words: readonly string[]): Promise<Ran> =>
  command.run(words, { input: command.key.secretAccessKey, environment: { HARDKEY_CACHE_DIR: folder } })
const logins = (): number => command.device.shim.calls().filter((call) => call.startsWith('C_Login pin')).length

const ofRecord: readonly (readonly string[])[] = [
  ['rotate', 'prod', '--yes'],
  ['rotate', 'prod', '--if-older-than', '0', '--yes', '--json'],
  ['inspect', 'prod'],
  ['doctor', 'prod'],
  ['whoami', 'prod'],
  ['presign', 'prod', 'https://example.com/', '--service', 's3'],
  ['request', 'prod', 'GET', 'https://example.com/', '--service', 's3'],
  ['token', 'prod', 'eks', '--cluster-name', 'c'],
  ['policy', 'prod', 'trust', '--role-arn', 'arn:aws:iam::111122223333:role/deploy'],
  ['revoke', 'prod', '--apply', '--yes'],
  ['export', 'prod', '--format', 'env'],
  ['exec', 'prod', '--env', '--', 'true'],
  ['forget', 'prod', '--from-device', '--yes'],
  ['credential-process', 'prod', '--no-cache'],
]

describe('a wrong PIN', () => {
  it('F-P01: is tried by no command again, once `rotate` has', async () => {
    for (const words of ofRecord) {
      const [name = '', ...more] = words
      const { stdout, stderr, status } = await run(name, '--pin-source', wrong, ...more)
      const isFirst = words === ofRecord[0]
      const told = `${stdout}${stderr}`
      expect([words, told.includes('it is not tried again'), status]).toEqual([words, !isFirst, 1])
    }
    expect(logins()).toBe(1)
  })

  it.each([
    ['import', '--from', 'stdin'],
    ['import', '--from', 'device'],
    ['wrapping-key', '--create'],
  ])('F-P01: is tried once by `%s %s`', async (name, ...more) => {
    const to = String(command.device.uri('token=prod;object=prod'))
    const words =
      name === 'import'
        ? ['import', 'two', '--access-key-id', command.key.accessKeyId, '--to', to, '--offline']
        : [name, to]
    for (const message of ['refused the PIN\n', 'it is not tried again', 'it is not tried again']) {
      const ran = await run(...words, ...more, '--pin-source', wrong)
      expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining(message) })
    }
    expect(logins()).toBe(1)
  })

  it('F-P01: in a systemd credential, a new file at each start of the unit, is tried once', async () => {
    for (const message of ['refused the PIN\n', 'once it is corrected, run hardkey doctor --clear-latch']) {
      command.home.write(`${message.length}/pin`, 'not-the-pin-8431')
      const environment = {
        HARDKEY_CACHE_DIR: folder,
        CREDENTIALS_DIRECTORY: join(command.home.folder, String(message.length)),
      }
      const words = ['rotate', 'prod', '--yes', '--pin-source', 'credential:pin']
      expect((await command.run(words, { environment })).stderr).toContain(message)
    }
    expect(logins()).toBe(1)
  })

  it('F-P01: in the URI of --to is tried once by `import`, and the right one after it', async () => {
    const path = command.home.write('pin-of-two', 'not-the-pin-8431')
    const to = `${command.device.uri('token=prod;object=two')}&pin-source=file:${path}`
    const words = ['import', 'two', '--access-key-id', command.key.accessKeyId, '--to', to, '--from', 'stdin']
    for (const message of ['refused the PIN\n', 'it is not tried again']) {
      expect((await run(...words, '--offline')).stderr).toContain(message)
    }
    command.home.write('pin-of-two', testPin)
    expect(await run(...words, '--offline')).toMatchObject({ status: 0 })
    expect(await run('forget', 'two', '--from-device', '--yes')).toMatchObject({ status: 0 })
  })
})

it('F-P04: `rotate` tries no PIN of a file at a token that had a wrong one', async () => {
  command.device.shim.order('C_GetTokenInfo * set 0x10000')
  const ran = await run('rotate', 'prod', '--yes')
  expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining('none was tried') })
  expect(logins()).toBe(0)
})
