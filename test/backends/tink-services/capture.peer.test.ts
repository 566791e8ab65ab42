// L-5: what a keyset under a service sends and gets, seen after TLS. The token or signature is in its header alone; the key
// goes out where it checks in, as the service must encrypt it, and otherwise comes in alone.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Scanner } from '../../leaks/scanner.ts'
import type { Exchange } from '../../peers/service-proxy.ts'
import { keyBytes } from '../tink-files.ts'
import { behindProxy, type Proxied } from './behind-proxy.ts'
import { startAwsKms, startGoogle, startTransit } from './services.ts'

const starts = [
  ['AWS KMS', startAwsKms],
  ["Google's KMS", startGoogle],
  ['the transit engine', startTransit],
] as const
const all = new Map<string, Proxied>()

beforeAll(async () => {
  for (const [name, start] of starts) all.set(name, await behindProxy(await start()))
})
afterAll(async () => {
  for (const proxied of all.values()) await proxied.stop()
})

/** Everything of a request but its body. */
const headOf = ({ method, path, headers }: Exchange): string => JSON.stringify([method, path, headers])

describe.each(starts)('L-5: a keyset under %s', (name) => {
  it('is opened by one request, which shows neither the key nor, but in its header, the token', async () => {
    const proxied = all.get(name)
    if (proxied === undefined) throw new Error('not started')
    const before = proxied.proxy.exchanges.length
    await (await proxied.open()).close()
    const [exchange, ...more] = proxied.proxy.exchanges.slice(before)
    expect(more).toEqual([])
    if (exchange === undefined) throw new Error('no request')
    const client = { token: proxied.service.secret }
    const { 'x-vault-token': token, authorization, ...others } = exchange.headers
    expect(token ?? authorization).toMatch(/\S/)
    const rest = headOf({ ...exchange, headers: others })
    const scanner = new Scanner({ ...client, keyBytes, secret: keyBytes.subarray(4) })
    const seen = [Buffer.from(rest), exchange.body, Buffer.from(JSON.stringify(exchange.answer?.headers))]
    for (const bytes of seen) expect([...scanner.search(bytes)]).toEqual([])
    // The scanner does find the key where it is: in what the service answers.
    const decrypted = Buffer.from(/"[Pp]laintext": ?"([^"]+)"/.exec(String(exchange.answer?.body))?.[1] ?? '', 'base64')
    expect([...scanner.search(decrypted)]).not.toEqual([])
    if (name === 'AWS KMS') expect(authorization).not.toContain(proxied.service.secret.toString())
  })

  it('sends no associated data', async () => {
    const bodies = all.get(name)?.proxy.exchanges.map(({ body }) => Object.keys(JSON.parse(body.toString())))
    const known = ['KeyId', 'CiphertextBlob', 'ciphertext', 'ciphertextCrc32c']
    expect(bodies?.flat().filter((member) => !known.includes(member))).toEqual([])
  })
})
