// 100,000 random requests against botocore (10^6 in the long run), half of them in each form, in batches. A failure prints the seed,
// which makes the same requests again.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory/backend.ts'
import { openKey } from '../../src/backends/open.ts'
import type { HmacKey } from '../../src/key/hmac-key.ts'
import { aws4Key } from '../../src/sigv4/aws4-key.ts'
import { deviceDateKeys } from '../../src/sigv4/date-key.ts'
import { type SigV4Signer, sigV4Signer } from '../../src/sigv4/signer.ts'
import { builtEnvironment, peer } from '../peers/peer.ts'
import { type RandomRequest, randomRequest } from './random-requests.ts'

const accessKeyId = 'AKIDEXAMPLE'
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const howMany = process.env.TEST_LONG === '1' ? 1_000_000 : 100_000
const batch = 10_000

let python: string
let key: HmacKey
beforeAll(async () => {
  python = (await peer('python')).command
  const bytes = aws4Key(new TextEncoder().encode(secretAccessKey)).lend((lent) => Uint8Array.from(lent))
  key = await openKey('memory:', { pin: async () => bytes, backends: [memoryBackend()] })
})
afterAll(async () => {
  await key?.close()
})

const batches = Array.from({ length: howMany / 2 / batch }, (_, index) => index + 1)

it.each(batches)(`signs ${batch} random requests in the header as botocore does, %d`, async () => {
  const { seed, requests } = sample({ uniqueNames: false })
  const ours: unknown[] = []
  for (const { looseUrl, unsignedPayload, ...one } of requests) {
    const signer = signerOf(one)
    // The second signature of a signer goes the fast way where it can.
    await signer.sign({ ...one, url: looseUrl }, { unsignedPayload })
    const { headers } = await signer.sign({ ...one, url: looseUrl }, { unsignedPayload })
    ours.push({ authorization: headers.Authorization, payloadHeader: headers['x-amz-content-sha256'] ?? null })
  }
  expect(firstDifference({ seed, requests, ours, expected: botocore(requests, 'header') })).toBeUndefined()
})

it.each(batches)(`presigns ${batch} random requests as botocore does, %d`, async () => {
  const { seed, requests } = sample({ uniqueNames: true })
  const ours: unknown[] = []
  for (const { looseUrl, expiresIn, method, headers, ...one } of requests) {
    const signer = signerOf(one)
    await signer.presign({ method, headers, url: looseUrl }, { expiresIn })
    const url = await signer.presign({ method, headers, url: looseUrl }, { expiresIn })
    ours.push(signatureParameters(url))
  }
  const expected = botocore(requests, 'query').map(({ url }) => signatureParameters(String(url)))
  expect(firstDifference({ seed, requests, ours, expected })).toBeUndefined()
})

function sample(kind: { readonly uniqueNames: boolean }): { seed: number; requests: RandomRequest[] } {
  const seed = Math.floor(Math.random() * 2 ** 31)
  return { seed, requests: fc.sample(randomRequest(kind), { numRuns: batch, seed }) }
}

interface Comparison {
  readonly seed: number
  readonly requests: readonly RandomRequest[]
  readonly ours: readonly unknown[]
  readonly expected: readonly unknown[]
}

/** What a failure needs to be made again, or undefined when all are equal. */
function firstDifference({ seed, requests, ours, expected }: Comparison): unknown {
  const at = ours.findIndex((one, index) => !isDeepStrictEqual(one, expected[index]))
  return at < 0 ? undefined : { seed, at, request: requests[at], ours: ours[at], expected: expected[at] }
}

type Scope = Pick<RandomRequest, 'service' | 'region' | 'sessionToken' | 'time'>

function signerOf({ service, region, sessionToken, time }: Scope): SigV4Signer {
  const now = (): Date => time
  return sigV4Signer({ keys: deviceDateKeys({ key, accessKeyId, sessionToken, now }), service, region, now })
}

function botocore(requests: readonly RandomRequest[], form: 'header' | 'query'): Record<string, string | null>[] {
  const input = requests.map(({ looseUrl, strictUrl, body, sessionToken, expiresIn, unsignedPayload, ...one }) => ({
    ...one,
    accessKeyId,
    secretAccessKey,
    url: strictUrl,
    sessionToken: sessionToken ?? null,
    body: form === 'header' ? Buffer.from(body).toString('base64') : '',
    unsignedPayload: form === 'header' && unsignedPayload,
    expiresIn: form === 'header' ? null : expiresIn,
  }))
  const oracle = spawnSync(python, [join(import.meta.dirname, 'botocore_oracle.py')], {
    input: JSON.stringify(input),
    env: builtEnvironment({ PYTHONUTF8: '1' }),
    maxBuffer: 2 ** 28,
    encoding: 'utf8',
  })
  if (oracle.status !== 0) throw new Error(`botocore failed: ${oracle.stderr}`)
  return JSON.parse(oracle.stdout)
}

function signatureParameters(url: string): Record<string, string> {
  return Object.fromEntries(Array.from(new URL(url).searchParams).filter(([name]) => name.startsWith('X-Amz-')))
}
