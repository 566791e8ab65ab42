// All that a caller can make hardkey ask a device for: random inputs to the public functions over a key that keeps what it was
// asked, and random requests to the endpoint. Whoever gets another HMAC out of a device has more than the days that are allowed:
// the key of a future day, or with "11111111" the password of SES. L-13.

import { createHmac, randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { requestSigner, signWithKey } from '../../src/aws-sdk/index.ts'
import {
  deviceDateKeys,
  dsqlToken,
  eksToken,
  elastiCacheToken,
  fromHardkey,
  HardkeyError,
  type HmacKey,
  memoryDbToken,
  mskToken,
  rdsToken,
  sigV4Signer,
  stsClient,
} from '../../src/index.ts'
import { checkValue } from '../../src/lifecycle/check-value.ts'
import { compareKey } from '../../src/lifecycle/compare-key.ts'
import { formatWrappedKey, parseWrappedKey } from '../../src/lifecycle/wrapped-file.ts'
import { rawRequest, requestText } from '../endpoint/raw-request.ts'
import { otherRole, Scene } from '../endpoint/scene.ts'
import { randomRequest } from '../properties/random-requests.ts'

vi.setConfig({ testTimeout: 600_000 })

const runs = process.env.TEST_LONG === '1' ? 100_000 : 1_000
const secret = randomBytes(44)
const accessKeyId = 'AKIDEXAMPLE'

/** A key of the tests' own, and every text that it was asked for. */
function recordingKey(): { readonly key: HmacKey; readonly asked: Set<string> } {
  const asked = new Set<string>()
  const info = { scheme: 'memory', protection: 'memory', device: 'a test', attributes: {}, warnings: [] } as const
  const hmac = async (data: Uint8Array): Promise<Uint8Array> => {
    asked.add(Buffer.from(data).toString('latin1'))
    return hmacOf(data)
  }
  const close = async (): Promise<void> => undefined
  return { key: { info, hmac, close, [Symbol.asyncDispose]: close }, asked }
}

const hmacOf = (data: Uint8Array): Uint8Array => Uint8Array.from(createHmac('sha256', secret).update(data).digest())

const dayOf = (time: Date): string => time.toISOString().slice(0, 10).replaceAll('-', '')
const hours = (time: Date, count: number): Date => new Date(time.getTime() + count * 3_600_000)

/** What is allowed, by name: the days to either side, the label of the check value, that of a delivery with a digest behind it. */
function nameOf(asked: string, now: Date): string | undefined {
  if (asked === 'hardkey check 1') return 'check'
  if (asked.startsWith('hardkey wrap 1') && asked.length === 14 + 32) return 'delivery'
  const days = { yesterday: -24, today: 0, tomorrow: 24 }
  return Object.entries(days).find(([, count]) => asked === dayOf(hours(now, count)))?.[0]
}

const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.constantFrom('11111111', 'hardkey check 1', 'eu-west-1', 's3', 'ses', '', '20261131', '2026113'),
  fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31') }).map(dayOf),
)

const given = fc.record({
  request: randomRequest({ uniqueNames: false }),
  text,
  other: text,
  number: fc.integer({ min: -1, max: 700_000 }),
  now: fc.date({ noInvalidDate: true, min: new Date('2020-01-01'), max: new Date('2037-01-01') }),
  hoursOff: fc.oneof(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -90_000, max: 90_000 })),
})
type Given = typeof given extends fc.Arbitrary<infer T> ? T : never

/** Every public way to the device. */
function acts(key: HmacKey, { request, text, other, number, now, hoursOff }: Given): readonly (() => unknown)[] {
  const clock = (): Date => now
  const keys = deviceDateKeys({ key, accessKeyId, now: clock })
  const date = hours(now, hoursOff)
  const { method, looseUrl: url, body, expiresIn } = request
  const http = { method, url, headers: Object.fromEntries(request.headers), body }
  const places = { keys, region: text, now: clock }
  const signer = (): ReturnType<typeof sigV4Signer> => sigV4Signer({ ...places, service: other })
  const fixed = sigV4Signer({ keys, region: request.region, service: request.service, now: clock })
  const signing = signWithKey({ key, accessKeyId, now: clock })
  const host = { hostname: text, port: number, username: other, cacheName: other, userId: other, clusterName: other }
  const send = async (): Promise<never> => {
    throw new HardkeyError('ERR_INTERNAL', 'nothing is sent')
  }
  const sts = { region: request.region, http: { send, close: () => undefined } } as const
  return [
    () => keys.dateKey(text),
    () => keys.dateKey(dayOf(date)),
    () => signer().sign(http, { date }),
    () => fixed.sign(http, { date }),
    () => fixed.presign(http, { date, expiresIn }),
    () => fixed.postPolicy({ url, bucket: other, key: text }, { date, expiresIn }),
    ...[rdsToken, dsqlToken, elastiCacheToken, memoryDbToken, mskToken, eksToken].flatMap((token) => [
      () => token({ ...places, ...host }),
      () => token({ ...places, ...host, region: request.region, hostname: 'db', userId: 'u', cacheName: 'c' }),
    ]),
    () => stsClient({ ...sts, keys, now: clock }).getCallerIdentity(),
    () => fromHardkey({ ...sts, key, accessKeyId, now: clock, sts: { action: 'AssumeRole', roleArn: text } })(),
    () =>
      requestSigner({ ...places, region: request.region, service: 's3' }).sign(
        { method, protocol: 'https:', hostname: 'a', path: '/', query: {}, headers: {}, body },
        { signingDate: date, signingRegion: text, signingService: other },
      ),
    async () => {
      const { secretAccessKey } = await signing.credentials()
      const hash = new signing.sha256(`AWS4${secretAccessKey}`)
      hash.update(text)
      return hash.digest()
    },
    () => checkValue(key),
    async () => compareKey(delivered(text), key, { refusal: undefined, signal: undefined }),
  ]
}

/** As a file says it that somebody else wrote: its check value is right, and the rest is theirs. */
function delivered(device: string): ReturnType<typeof parseWrappedKey> {
  const check = Buffer.from(hmacOf(Buffer.from('hardkey check 1')))
    .toString('hex')
    .slice(0, 16)
  const wrapped = { scheme: 'tpm2', kind: 'ecc-ek', device, name: '00'.repeat(34), ciphertext: randomBytes(64), check }
  const header = { accessKeyId, created: '2026-11-24T17:20:00Z', wrapped }
  return parseWrappedKey(Buffer.from(formatWrappedKey(header, hmacOf)))
}

/** A refusal is an answer like any other here. */
async function attempt(act: () => unknown): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
  }
}

it('L-13: no input to a public function makes a device compute more than three days and two labels', async () => {
  const names = new Set<string | undefined>()
  const property = fc.asyncProperty(given, async (input) => {
    const { key, asked } = recordingKey()
    for (const act of acts(key, input)) await attempt(act)
    const found = [...asked].map((one) => nameOf(one, input.now))
    expect(found).not.toContain(undefined)
    for (const name of found) names.add(name)
  })
  // A random request cannot be made smaller: its URL and its parts belong together.
  await fc.assert(property, { numRuns: runs, endOnFailure: true })
  expect([...names].sort()).toEqual(['check', 'delivery', 'today', 'tomorrow', 'yesterday'])
})

/** Requests of whoever has the token, and of whoever has not. */
const sent = fc.record({
  head: fc.oneof(
    fc.constantFrom('GET / HTTP/1.1', 'GET /metrics HTTP/1.1', `GET /role-arn/${otherRole} HTTP/1.1`),
    fc.string({ maxLength: 60 }),
    text.map((name) => `GET /role-arn/${encodeURIComponent(name)} HTTP/1.1`),
  ),
  hasToken: fc.boolean(),
  headers: fc.array(fc.tuple(fc.stringMatching(/^[a-zA-Z-]{1,12}$/), text), { maxLength: 4 }),
  body: fc.oneof(fc.constant(''), text),
})

it('L-13: no request to the endpoint makes a device compute more than today', async () => {
  const scene = new Scene()
  const { at } = await scene.start(await scene.source())
  const port = 'port' in at ? at.port : 0
  const days = new Set([dayOf(scene.now())])
  const own = [['Host', `127.0.0.1:${port}`]] as const
  const property = fc.asyncProperty(sent, async ({ head, hasToken, headers, body }) => {
    const token = hasToken ? [['Authorization', scene.token] as const] : []
    const close = ['Connection', 'close'] as const
    await rawRequest({ port, host: '127.0.0.1' }, requestText(head, [...own, ...token, close, ...headers], body))
    // Its session comes to an end now and then, so that the device is asked again.
    scene.pass(600)
    days.add(dayOf(scene.now()))
  })
  await fc.assert(property, { numRuns: runs / 4 })
  await scene.end()
  expect(scene.deviceCalls).toBeGreaterThan(2)
  expect(scene.deviceInputs.filter((asked) => !days.has(asked))).toEqual([])
})
