// Many starts of credential-process at once, as SDKs and parallel builds make them, with nothing kept before. Logins are counted
// at the module, calls at STS. The first wave starts together; the rest comes as fast as the machine lets it.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { fingerprint } from '../../src/files/stamp.ts'
import { ended, type Ran } from '../cli/hardkey.ts'
import { folderInMemory } from '../files/temporary-folder.ts'
import { testPin } from '../peers/softhsm.ts'
import { FaultyCommand, isSession } from './commands.ts'

vi.setConfig({ testTimeout: 900_000 })

const all = 1000
/** So many run at a time: what fits into memory beside other tests. */
const wave = 40

let command: FaultyCommand
let folder: string
beforeAll(async () => {
  command = await FaultyCommand.make()
  // Files that changed within the last two seconds leave no short way (src/cli/session/leave-shortcut.ts).
  await new Promise((resolve) => setTimeout(resolve, 2100))
})
afterAll(() => command?.remove())
beforeEach(() => {
  folder = folderInMemory()
  command.device.shim.forget()
})
afterEach(() => {
  command.device.shim.order()
  rmSync(folder, { recursive: true })
})

const environment = () => ({ ...command.environment, HARDKEY_CACHE_DIR: folder })
const start = (...words: string[]) =>
  command.home.start(['credential-process', 'prod', ...words], { environment: environment() })
const ask = (...words: string[]): Promise<Ran> =>
  command.run(['credential-process', 'prod', ...words], { environment: environment() })

/** So many starts, `wave` at a time. */
async function starts(count: number, words: readonly string[] = []): Promise<readonly Ran[]> {
  const ran: Ran[] = []
  let left = count
  await Promise.all(
    Array.from({ length: wave }, async () => {
      while (left-- > 0) ran.push(await ask(...words))
    }),
  )
  return ran
}

const logins = (): number => command.device.shim.calls().filter((call) => call.startsWith('C_Login pin')).length

function expectOneSession(ran: readonly Ran[]): void {
  expect(ran.filter((one) => !isSession(one)).map(({ stderr }) => stderr)).toEqual([])
  expect(new Set(ran.map(({ stdout }) => stdout)).size).toBe(1)
}

describe('nothing is kept', () => {
  it(`F-W01: ${all} starts at once: one login, at most two calls, equal answers`, async () => {
    const before = command.sts.accepted()
    expectOneSession(await starts(all))
    expect(logins()).toBe(1)
    expect(command.sts.accepted() - before).toBeLessThanOrEqual(2)
  })

  it.each([
    ['killed', 'SIGKILL', 1],
    ['stopped', 'SIGSTOP', 1],
  ] as const)('F-W01, F-D07: the same while the process that asks is %s in its login', async (_what, signal, more) => {
    command.device.shim.order('C_Login +1 hang')
    const holder = start()
    const end = ended(holder)
    while (logins() === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    command.device.shim.order()
    holder.kill(signal)
    const before = command.sts.accepted()
    expectOneSession(await starts(all))
    expect(logins()).toBeLessThanOrEqual(1 + more)
    expect(command.sts.accepted() - before).toBeLessThanOrEqual(2)
    holder.kill('SIGKILL')
    await end
  })

  it('F-D06: two processes that refresh together ask STS once', async () => {
    const before = command.sts.accepted()
    expectOneSession(await Promise.all([ask(), ask()]))
    expect(command.sts.accepted() - before).toBe(1)
  })
})

describe('a wrong PIN', () => {
  let wrong: string
  beforeEach(() => {
    wrong = command.home.write('wrong-pin', 'not-the-pin-8431')
    // CKF_USER_PIN_COUNT_LOW, by which SoftHSM would tell of the first try.
    command.device.shim.order('C_GetTokenInfo * clear 0x10000')
  })
  afterEach(async () => {
    rmSync(command.home.state, { recursive: true })
    // The right PIN takes the flag away.
    await ask('--no-cache', '--cache-dir', 'none')
  })

  it(`F-W02, F-P01: is tried once by ${all} starts, each of which says so and what to do`, async () => {
    const ran = await starts(all, ['--pin-source', `file:${wrong}`])
    expect(logins()).toBe(1)
    expect(ran.filter(({ status, stdout }) => status === 1 && stdout === '')).toHaveLength(all)
    const { stderr } = await ask('--pin-source', `file:${wrong}`)
    expect(stderr).toMatch(/refused the PIN; it is not tried again\n/)
  })

  it('F-P01: is not tried again by another command, whatever is kept', async () => {
    const source = ['--pin-source', `file:${wrong}`]
    await ask(...source)
    for (const words of [
      ['whoami', 'prod', ...source],
      ['credential-process', 'prod', '--no-cache', ...source],
      ['presign', 'prod', 'https://example.com/', '--service', 's3', ...source],
    ]) {
      const { stderr, status } = await command.run(words, { environment: environment() })
      expect(stderr).toContain('it is not tried again')
      expect(stderr).toContain('hardkey doctor --clear-latch')
      expect(status).toBe(1)
    }
    expect(logins()).toBe(1)
  })

  it('F-P01: is tried again once its source has changed', async () => {
    await ask('--pin-source', `file:${wrong}`)
    writeFileSync(wrong, testPin)
    expect(isSession(await ask('--pin-source', `file:${wrong}`))).toBe(true)
    expect(logins()).toBe(2)
  })

  it('F-P01: leaves neither the PIN nor a hash of it on the disk', async () => {
    const tried = 'not-the-pin-8431'
    await ask('--pin-source', `file:${wrong}`)
    const kept = readdirSync(command.home.state).map((name) => readFileSync(join(command.home.state, name), 'utf8'))
    expect(kept.some((text) => text.includes('refused the PIN'))).toBe(true)
    const hashes = ['sha256', 'sha1', 'md5'].map((name) => createHash(name).update(tried).digest('hex'))
    for (const secret of [tried, fingerprint(tried), ...hashes]) expect(kept.join('\n')).not.toContain(secret)
  })
})

describe('STS throttles', () => {
  let throttling: Server
  let url: string
  let calls = 0
  beforeAll(async () => {
    throttling = createServer((asked, answer) => {
      calls += 1
      if (calls % 2 === 1) {
        asked.resume()
        answer.statusCode = 400
        answer.end(
          '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error><RequestId>r</RequestId></ErrorResponse>',
        )
        return
      }
      asked.pipe(request(command.sts.url, { method: 'POST', headers: asked.headers }, (given) => given.pipe(answer)))
    })
    await once(throttling.listen(0, '127.0.0.1'), 'listening')
    url = `http://127.0.0.1:${(throttling.address() as AddressInfo).port}/`
  })
  afterAll(() => throttling?.close())

  it(`F-W03: half of the calls, and each of ${all} starts is answered`, async () => {
    expectOneSession(await starts(all, ['--endpoint-url', url]))
    expect(logins()).toBe(1)
    expect(calls).toBeLessThanOrEqual(4)
  })
})
