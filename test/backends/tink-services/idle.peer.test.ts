// F-K08: the key of a keyset under a service is wiped when it was idle, and the keyset decrypted again for the next use.

import { createHmac } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { openKey } from '../../../src/backends/open.ts'
import { tinkBackend } from '../../../src/backends/tink/backend.ts'
import { OpenedKeyset } from '../../../src/backends/tink/opened-keyset.ts'
import { Secret } from '../../../src/key/secret.ts'
import { Scanner } from '../../leaks/scanner.ts'
import { infoOf, keyBytes, keyset } from '../tink-files.ts'
import { behindProxy, noPin, type Proxied } from './behind-proxy.ts'
import { startTransit } from './services.ts'

const day = Buffer.from('20150830')
const kDate = createHmac('sha256', keyBytes).update(day).digest('hex')
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
let transit: Proxied

beforeAll(async () => {
  transit = await behindProxy(await startTransit())
})
afterAll(async () => transit?.stop())

const asked = (): number => transit.proxy.exchanges.length

it('F-K08: a second use after idling decrypts again, one within the time does not', async () => {
  const before = asked()
  const kept = await transit.open({ idleMilliseconds: 600_000 })
  expect([hex(await kept.hmac(day)), hex(await kept.hmac(day)), asked() - before]).toEqual([kDate, kDate, 1])
  await kept.close()
  const key = await transit.open({ idleMilliseconds: 20 })
  await sleep(100)
  expect([hex(await key.hmac(day)), asked() - before]).toEqual([kDate, 3])
  await key.close()
})

it('F-K08: twenty callers after idling share one decryption', async () => {
  const key = await transit.open({ idleMilliseconds: 20 })
  await sleep(100)
  const before = asked()
  const answers = await Promise.all(Array.from({ length: 20 }, () => key.hmac(day)))
  expect(answers.map(hex)).toEqual(Array(20).fill(kDate))
  expect(asked() - before).toBe(1)
  await key.close()
})

it('F-K08: writes no plaintext to the disk', async () => {
  const key = await transit.open({ idleMilliseconds: 20 })
  await sleep(100)
  await key.hmac(day)
  const scanner = new Scanner({ keyBytes, secret: keyBytes.subarray(4) })
  const files = readdirSync(transit.folder, { recursive: true, encoding: 'utf8' })
  expect(files.sort()).toEqual(['ca.pem', 'prod.keyset.json'])
  for (const file of files) expect([...scanner.search(readFileSync(join(transit.folder, file)))]).toEqual([])
  await key.close()
})

it('F-K08: an outage while it was idle is told, and the next call works again', async () => {
  const key = await transit.open({ idleMilliseconds: 20, timeoutMilliseconds: 5000 })
  await sleep(100)
  transit.proxy.next('hang')
  await expect(key.hmac(day)).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  expect(hex(await key.hmac(day))).toBe(kDate)
  await key.close()
})

it('F-K08: goes on with the keyset that was opened, whatever its file has become', async () => {
  const key = await transit.open({ idleMilliseconds: 20 })
  const path = join(transit.folder, 'prod.keyset.json')
  const file = readFileSync(path)
  transit.write('prod.keyset.json', 'another')
  await sleep(100)
  expect(hex(await key.hmac(day))).toBe(kDate)
  transit.write('prod.keyset.json', file)
  await key.close()
})

it('ends a decryption under way when it is closed', async () => {
  const key = await transit.open({ idleMilliseconds: 20 })
  await sleep(100)
  transit.proxy.next('hang')
  const before = asked()
  const call = expect(key.hmac(day)).rejects.toMatchObject({ code: 'ERR_KEY_CLOSED' })
  await vi.waitUntil(() => asked() > before, { timeout: 60_000 })
  await key.close()
  await call
})

it('a token that was replaced in its file meanwhile is read again', async () => {
  const { service } = transit
  const bao = Object(service).bao
  const policy = 'path "transit/decrypt/kek" { capabilities = ["update"] }'
  const [first, second]: string[] = [await bao.tokenFor(policy), await bao.tokenFor(policy)]
  const file = join(transit.folder, 'token')
  transit.write('token', `${first}\n`)
  const uri = transit.uri().with({ query: { 'token-source': `file:${file}` } })
  const key = await openKey(uri, { backends: [tinkBackend({ idleMilliseconds: 20 })], pin: noPin })
  await bao.done('POST', 'auth/token/revoke', { token: first })
  transit.write('token', `${second}\n`)
  await sleep(100)
  expect(hex(await key.hmac(day))).toBe(kDate)
  await bao.done('POST', 'auth/token/revoke', { token: second })
  await sleep(100)
  await expect(key.hmac(day)).rejects.toMatchObject({ code: 'ERR_PIN_INCORRECT' })
  await key.close()
})

it('a keyset that is decrypted to another key than before is refused, and that key wiped', async () => {
  const other = Secret.join(Buffer.alloc(44, 1))
  const info = { scheme: 'tink', protection: 'memory', device: 'x', attributes: {}, warnings: [] } as const
  const parts = { info, key: Secret.join(keyBytes), decrypt: async () => other, close: () => {}, idleMilliseconds: 1 }
  const key = new OpenedKeyset(parts)
  await sleep(50)
  await expect(key.hmac(day)).rejects.toMatchObject({ code: 'ERR_DEVICE_FAILED' })
  expect(other.length).toBe(0)
  await key.close()
})

it("asks the caller's own key-encryption key again after idling, and wipes what it gave", async () => {
  const given: Buffer[] = []
  transit.write('own.json', JSON.stringify({ encryptedKeyset: 'QUJD', keysetInfo: infoOf() }))
  const kek = async (): Promise<Uint8Array> => {
    const bytes = Buffer.from(keyset())
    given.push(bytes)
    return bytes
  }
  const uri = `tink:file=${join(transit.folder, 'own.json')}`
  const key = await openKey(uri, { backends: [tinkBackend({ kek, idleMilliseconds: 20 })] })
  await sleep(100)
  expect(hex(await key.hmac(day))).toBe(kDate)
  expect(given.map((bytes) => bytes.every((byte) => byte === 0))).toEqual([true, true])
  await key.close()
})
