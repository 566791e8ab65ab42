// Properties of the signer that need Node alone: HMAC against node:crypto, the whole against the SDK's own signer.

import { createHash, createHmac, createSecretKey, type Hash, type Hmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { HeaderList } from '../../src/sigv4/canonical-headers.ts'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { encodeOnce } from '../../src/sigv4/encoding.ts'
import { sigV4Signer } from '../../src/sigv4/signer.ts'
import { SigningKey } from '../../src/sigv4/signing-key.ts'
import { type RandomRequest, randomRequest } from './random-requests.ts'

const accessKeyId = 'AKIDEXAMPLE'
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'

it('makes the HMAC that node:crypto makes, for every text that can be signed', () => {
  const text = fc.string({ unit: 'binary-ascii', maxLength: 256 })
  const scopePart = fc.stringMatching(/^[a-z0-9-]{1,64}$/)
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      scopePart,
      scopePart,
      fc.array(text),
      (bytes, region, service, texts) => {
        const hmac = (key: Uint8Array, data: string): Buffer => createHmac('sha256', key).update(data).digest()
        const plain = hmac(hmac(hmac(bytes, region), service), 'aws4_request')
        const key = SigningKey.derive(createSecretKey(bytes), region, service)
        for (const one of texts) expect(key.sign(one)).toBe(hmac(plain, one).toString('hex'))
      },
    ),
  )
})

it('encodes once, however often it is asked', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'aF2%/+ é😀~') }), (text) => {
      expect(encodeOnce(encodeOnce(text))).toBe(encodeOnce(text))
    }),
  )
})

it('gives the same canonical headers in whatever order different names come', () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[A-Za-z-]{1,8}$/), { selector: (name) => name.toLowerCase() })
  fc.assert(
    fc.property(names, (given) => {
      const canonical = (order: readonly string[]) =>
        HeaderList.read(order.map((name): [string, string] => [name, 'a'])).canonical()
      expect(canonical([...given].reverse())).toEqual(canonical(given))
    }),
  )
})

const howMany = process.env.TEST_LONG === '1' ? 1_000_000 : 100_000
const batch = 20_000
const batches = Array.from({ length: howMany / batch }, (_, index) => index + 1)

it.each(batches)(`signs ${batch} random requests as @smithy/signature-v4 does, %d`, async () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  for (const one of fc.sample(randomRequest({ uniqueNames: true }), { numRuns: batch, seed })) {
    const { service, region, sessionToken, strictUrl: url, method, time, body } = one
    const keys = secretDateKeys({ accessKeyId, secretAccessKey, sessionToken })
    const signer = sigV4Signer({ keys, service, region, payloadHashHeader: true, now: () => time })
    const { headers } = await signer.sign({ method, url, headers: { 'x-amz-meta-a': ' a  b ' }, body })
    const theirs = await smithyAuthorization(one)
    // Told with the seed, which makes the same requests again.
    if (headers.Authorization !== theirs) expect({ seed, one, ours: headers.Authorization }).toBe(theirs)
  }
})

async function smithyAuthorization(one: RandomRequest): Promise<string | undefined> {
  const { service, region, sessionToken, strictUrl, method, time, body } = one
  const { protocol, host, hostname } = new URL(strictUrl)
  const [path = '', search = ''] = strictUrl.slice(one.origin.length).split('?')
  const query = search === '' ? [] : search.split('&').map((pair) => pair.split('=').map(decodeURIComponent))
  const signer = new SignatureV4({
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    ...{ service, region, uriEscapePath: service !== 's3', sha256: NodeSha256 },
  })
  const request = {
    method,
    protocol,
    hostname,
    path,
    query: Object.fromEntries(query),
    headers: { host, 'x-amz-meta-a': ' a  b ' },
    body,
  }
  const { headers } = await signer.sign(request, { signingDate: time })
  return headers.authorization
}

/** What an SDK client gives its signer as `sha256`. */
class NodeSha256 {
  readonly #hash: Hash | Hmac
  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      key === undefined ? createHash('sha256') : createHmac('sha256', typeof key === 'string' ? key : bytesOf(key))
  }
  update(data: Uint8Array): void {
    this.#hash.update(data)
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
  reset(): void {}
}

function bytesOf(key: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(key) ? new Uint8Array(key.buffer, key.byteOffset, key.byteLength) : new Uint8Array(key)
}
