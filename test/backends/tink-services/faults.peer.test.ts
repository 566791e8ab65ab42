// What a service may do wrong, on the real one where it can, else by a proxy in front of it that answers in its words.
// F-K01, F-K02, F-K05 to F-K07. No failure shows a secret.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectNoCanary } from '../../contract/canary.ts'
import type { Fault, ServiceAnswer } from '../../peers/service-proxy.ts'
import { keyBytes } from '../tink-files.ts'
import { behindProxy, type Proxied } from './behind-proxy.ts'
import { startAwsKms, startGoogle, startTransit } from './services.ts'

type Name = 'AWS KMS' | "Google's KMS" | 'the transit engine'
const names: readonly Name[] = ['AWS KMS', "Google's KMS", 'the transit engine']
const all = new Map<Name, Proxied>()

beforeAll(async () => {
  all.set('AWS KMS', await behindProxy(await startAwsKms()))
  all.set("Google's KMS", await behindProxy(await startGoogle()))
  all.set('the transit engine', await behindProxy(await startTransit()))
})
afterAll(async () => {
  for (const proxied of all.values()) await proxied.stop()
})

function at(name: Name): Proxied {
  const found = all.get(name)
  if (found === undefined) throw new Error(`no ${name}`)
  return found
}

async function opens(name: Name, ...faults: readonly Fault[]): Promise<number> {
  const proxied = at(name)
  const before = proxied.proxy.exchanges.length
  proxied.proxy.next(...faults)
  await (await proxied.open()).close()
  return proxied.proxy.exchanges.length - before
}

async function refuses(name: Name, expected: object, ...faults: readonly Fault[]): Promise<number> {
  const proxied = at(name)
  proxied.proxy.next(...faults)
  const { error, requests } = await proxied.refusal({ timeoutMilliseconds: 2000 })
  proxied.proxy.next()
  expect(error).toMatchObject(expected)
  expectNoCanary(error, { keyBytes, secret: keyBytes.subarray(4), client: proxied.service.secret })
  return requests
}

const json = (status: number, body: object): Partial<ServiceAnswer> => ({
  status,
  body: Buffer.from(JSON.stringify(body)),
})
const aws = (code: string, status = 400): Fault => json(status, { __type: code, message: 'said by AWS' })
const google = (status: number, word: string, message = 'said by Google'): Fault =>
  json(status, { error: { code: status, message, status: word } })
const transit = (status: number, ...errors: string[]): Fault => json(status, { errors })

const throttled: Readonly<Record<Name, Fault>> = {
  'AWS KMS': aws('ThrottlingException'),
  "Google's KMS": google(429, 'RESOURCE_EXHAUSTED'),
  'the transit engine': transit(429, 'request path "transit/decrypt/kek": rate limit quota exceeded'),
}
const outage: Readonly<Record<Name, Fault>> = {
  'AWS KMS': aws('com.amazonaws.kms#DependencyTimeoutException', 500),
  "Google's KMS": google(503, 'UNAVAILABLE'),
  'the transit engine': transit(503, 'Vault is sealed'),
}

describe.each(names)('F-K01: %s', (name) => {
  it('that throttles twice is asked a third time', async () => {
    expect(await opens(name, throttled[name], throttled[name])).toBe(3)
  })

  it('that fails, or cuts the connection, is asked again', async () => {
    expect(await opens(name, outage[name], 'cut')).toBe(3)
  })

  it('that keeps failing is told as unavailable, which may pass', async () => {
    const expected = { code: 'ERR_DEVICE_UNAVAILABLE', tryAgain: true }
    const requests = await refuses(name, expected, ...Array<Fault>(10_000).fill(outage[name]))
    if (name === 'the transit engine') expect(requests).toBeGreaterThan(3)
    else expect(requests).toBe(3)
  })

  it('that never answers ends at the deadline', async () => {
    await refuses(name, { code: 'ERR_TIMEOUT', tryAgain: true }, 'hang')
  })

  it('answers rightly again afterwards', async () => {
    expect(await opens(name)).toBe(1)
  })
})

const arn = (): string => at('AWS KMS').service.kek.slice('aws-kms://'.length)
const keyName = (): string => at("Google's KMS").service.kek.slice('gcp-kms://'.length)

describe('F-K02: refused for good, asked once, with the name of the key', () => {
  it.each([
    ['AccessDeniedException', 'ERR_POLICY_REFUSED', 'kms:Decrypt'],
    ['com.amazonaws.kms#DisabledException', 'ERR_KEY_UNUSABLE', 'disabled'],
    ['KMSInvalidStateException', 'ERR_KEY_UNUSABLE', 'present state'],
    ['NotFoundException', 'ERR_KEY_NOT_FOUND', 'no key'],
    ['InvalidKeyUsageException', 'ERR_KEY_UNUSABLE', 'not encrypt'],
    ['UnrecognizedClientException', 'ERR_STS_REFUSED', 'refused Decrypt'],
    ['ExpiredTokenException', 'ERR_STS_REFUSED', 'refused Decrypt'],
  ])('AWS KMS with %s', async (code, expected, words) => {
    const message = expect.stringMatching(new RegExp(`${words}.*${arn()}`))
    expect(await refuses('AWS KMS', { code: expected, message, tryAgain: false }, aws(code))).toBe(1)
  })

  it("AWS's clock difference is told where the signature is refused", async () => {
    const date = new Date(Date.now() + 600_000).toUTCString()
    const said = { ...Object(aws('InvalidSignatureException')), headers: { date } }
    const hint = expect.stringMatching(/clock of this machine: it is (59|60)\d s behind/)
    await refuses('AWS KMS', { code: 'ERR_STS_REFUSED', hint }, said)
  })

  it.each([
    [403, 'PERMISSION_DENIED', 'ERR_POLICY_REFUSED', 'decrypt'],
    [401, 'UNAUTHENTICATED', 'ERR_PIN_INCORRECT', 'token'],
    [404, 'NOT_FOUND', 'ERR_KEY_NOT_FOUND', 'no key'],
    [400, 'FAILED_PRECONDITION', 'ERR_KEY_UNUSABLE', 'version'],
  ])("Google's KMS with %i %s", async (status, word, code, words) => {
    const message = expect.stringMatching(new RegExp(`${words}.*${keyName()}`))
    const hint = expect.stringContaining('said by Google')
    expect(await refuses("Google's KMS", { code, message, hint, tryAgain: false }, google(status, word))).toBe(1)
  })

  it('a page to log in, in place of any of them', async () => {
    const page = { status: 302, headers: { location: 'https://login.example/' }, body: Buffer.from('<html>') }
    for (const name of names) expect(await refuses(name, { code: 'ERR_DEVICE_FAILED' }, page)).toBe(1)
    const html = { status: 200, headers: {}, body: Buffer.from('<html>hello</html>') }
    for (const name of names) expect(await refuses(name, { code: 'ERR_DEVICE_FAILED' }, html)).toBe(1)
  })
})
