// The official SigV4 suite through SDK clients whose signing is ours, in every release: the client takes each case in the
// place of its own request, signs it, and the signature is the published one. The clock is the case's. What the SDK's own
// signer cannot express is named.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type KeySigning, type SdkRequest, signWithKey } from '../../src/aws-sdk/index.ts'
import { type SdkRelease, sdkRelease, sdkReleases } from '../peers/sdk-releases.ts'
import { type CountedKey, countedKey } from '../sigv4/counted-key.ts'
import { type OfficialCase, officialCases } from '../vectors/official-cases.ts'

/** The SDK signs every session token that it sends, and sends none that it does not sign. */
const cases = officialCases().filter((one) => !one.omitSessionToken)

/** The case as the SDK holds a request: a path that it encodes itself unless told not to, a query that is not encoded. */
function sdkRequest(one: OfficialCase): SdkRequest {
  const [, host = '', path = '', search = ''] = /^https:\/\/([^/]+)([^?]*)(?:\?(.*))?$/s.exec(one.request.url) ?? []
  const query: Record<string, string | string[]> = {}
  for (const part of search.split('&').filter((text) => text !== '')) {
    const [name = '', value = ''] = part.split(/=(.*)/s).map(decodeURIComponent)
    query[name] = name in query ? [query[name] ?? '', value].flat() : value
  }
  const headers: Record<string, string> = {}
  for (const [name, value] of one.request.headers) {
    const same = Object.keys(headers).find((there) => there.toLowerCase() === name.toLowerCase())
    headers[same ?? name] = same === undefined ? value : `${headers[same]},${value}`
  }
  const place = { protocol: 'https:', hostname: host, path: one.normalize ? path : encodeURI(path) }
  return { method: one.request.method, ...place, query, headers, body: one.request.body }
}

/** The part of a client's middleware stack that is used here: the SDK's own type is a union of all kinds of middleware. */
interface Stack {
  addRelativeTo(middleware: (next: Step) => Step, place: { relation: 'before'; toMiddleware: string }): void
}
type Step = (args: { request: SdkRequest }) => Promise<object>

describe.each(sdkReleases)('the official suite through %s', (name) => {
  let sdk: SdkRelease
  let counted: CountedKey
  beforeAll(async () => {
    sdk = await sdkRelease(name)
    counted = await countedKey()
  })
  afterAll(async () => {
    vi.useRealTimers()
    await counted?.key.close()
  })

  function signingOf(one: OfficialCase): KeySigning {
    vi.useFakeTimers({ toFake: ['Date'], now: one.time })
    const { accessKeyId, sessionToken } = one
    return signWithKey({ key: counted.key, accessKeyId, sessionToken, now: () => one.time })
  }

  /** What a client sends in the end. */
  async function sentFor(one: OfficialCase): Promise<SdkRequest> {
    const { region, service: signingName, signBody: applyChecksum, normalize: signingEscapePath } = one
    let sent: SdkRequest | undefined
    const requestHandler = {
      handle: async (request: SdkRequest) => {
        sent = request
        throw new Error('not sent')
      },
    }
    const more = { signingName, applyChecksum, signingEscapePath, requestHandler }
    const client = new sdk.sts.STSClient(Object.assign({ region, ...signingOf(one) }, more))
    const replaced = sdkRequest(one)
    const stack = client.middlewareStack as unknown as Stack
    stack.addRelativeTo(
      (next) => (args) => {
        // Of the SDK's request nothing but its class stays.
        Object.assign(args.request, { port: undefined }, replaced)
        return next(args)
      },
      { relation: 'before', toMiddleware: 'httpSigningMiddleware' },
    )
    await expect(client.send(new sdk.sts.GetCallerIdentityCommand({}))).rejects.toThrow('not sent')
    if (sent === undefined) throw new Error('the client sent nothing')
    return sent
  }

  it.each(cases)('signs $name', async (one) => {
    const { headers } = await sentFor(one)
    expect(headers.authorization?.slice(-64)).toBe(one.header.signature)
  })

  it.each(cases)('presigns $name', async (one) => {
    const { region, service, signBody, normalize, expiresIn, time } = one
    const options = { ...signingOf(one), region, service, applyChecksum: signBody, uriEscapePath: normalize }
    const signer = new sdk.SignatureV4(options)
    const signed = await signer.presign(sdkRequest(one), { expiresIn, signingDate: time })
    expect(signed.query['X-Amz-Signature']).toBe(one.query.signature)
  })
})
