// The SHA-256 that a client is given: the same hashes as any other, and for the placeholder what the key signs. Nothing
// else ever comes to the device (L-13), and no derived key to the SDK.

import { createHash, createHmac } from 'node:crypto'
import * as fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type HashInput, type KeySigning, signWithKey } from '../../src/aws-sdk/index.ts'
import { type CountedKey, countedKey } from '../sigv4/counted-key.ts'
import { signingKeyOf } from './signature-check.ts'

const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const today = (): string => new Date().toISOString().slice(0, 10).replaceAll('-', '')

let counted: CountedKey
let signing: KeySigning
let placeholder: string
beforeAll(async () => {
  counted = await countedKey()
})
afterAll(() => counted?.key.close())
beforeEach(async () => {
  counted.asked.length = 0
  signing = signWithKey({ key: counted.key, accessKeyId: 'AKIDEXAMPLE' })
  placeholder = (await signing.credentials()).secretAccessKey
})

async function hashed(key: HashInput | undefined, ...parts: readonly HashInput[]): Promise<Uint8Array> {
  const made = new signing.sha256(key)
  for (const part of parts) made.update(part)
  return await made.digest()
}

/** As the SDK derives a key, and signs with it. */
async function derived(...steps: readonly string[]): Promise<Uint8Array[]> {
  const answers: Uint8Array[] = []
  let key: HashInput = `AWS4${placeholder}`
  for (const step of steps) {
    const answer = await hashed(key, step)
    answers.push(answer)
    key = answer
  }
  return answers
}

const bytes = fc.uint8Array({ maxLength: 300 })
const input = fc.oneof(
  bytes,
  fc.string({ unit: 'binary' }),
  bytes.map((one) => one.slice().buffer),
  bytes.map((one) => new DataView(new Uint8Array([9, ...one]).buffer, 1)),
)
const plain = (part: HashInput): Uint8Array =>
  typeof part === 'string' ? Buffer.from(part) : ArrayBuffer.isView(part) ? bytesIn(part) : new Uint8Array(part)
const bytesIn = (view: ArrayBufferView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength)

it('hashes as node:crypto does, in any form and any parts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(input), async (parts) => {
      const right = createHash('sha256')
      for (const part of parts) right.update(plain(part))
      expect(Buffer.from(await hashed(undefined, ...parts))).toEqual(right.digest())
    }),
  )
})

it('makes the HMACs of every key that is not the placeholder, and starts anew where asked', async () => {
  await fc.assert(
    fc.asyncProperty(input, fc.array(input), async (key, parts) => {
      fc.pre(plain(key).length > 0)
      const right = createHmac('sha256', plain(key))
      const made = new signing.sha256(key)
      made.update('forgotten')
      made.reset()
      for (const part of parts) {
        right.update(plain(part))
        made.update(part)
      }
      expect(Buffer.from(await made.digest())).toEqual(right.digest())
    }),
  )
  expect(counted.asked).toEqual([])
})

it('reads text in the encoding that is said', async () => {
  const made = new signing.sha256()
  made.update('ü', 'latin1')
  expect(Buffer.from(await made.digest())).toEqual(createHash('sha256').update('ü', 'latin1').digest())
})

it('signs with the key what is hashed under a key derived from the placeholder, of any length', async () => {
  const date = today()
  const steps = [date, 'eu-west-1', 's3', 'aws4_request']
  const right = signingKeyOf(secret, date, 'eu-west-1', 's3')
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary-ascii', maxLength: 2000 }), async (text) => {
      const [signature = new Uint8Array(0)] = (await derived(...steps, text)).slice(-1)
      expect(Buffer.from(signature)).toEqual(createHmac('sha256', right).update(text).digest())
    }),
    { numRuns: 50 },
  )
  expect(counted.asked).toEqual([date])
})

it('gives the SDK no derived key, neither at a step nor for keeping', async () => {
  const steps = [today(), 'us-east-1', 'sts', 'aws4_request']
  let key: Buffer = Buffer.from(`AWS4${secret}`)
  const secrets = steps.map((step) => {
    key = createHmac('sha256', key).update(step).digest()
    return key.toString('hex')
  })
  const given = Buffer.concat(await derived(...steps)).toString('hex')
  for (const one of secrets) expect(given).not.toContain(one)
})

it('asks the device for nothing but the dates that are allowed, whatever is hashed under the placeholder', async () => {
  const now = today()
  const text = fc.oneof(fc.string({ maxLength: 20 }), fc.stringMatching(/^\d{8}$/), fc.constantFrom('11111111', now))
  await fc.assert(
    fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 6 }), async (steps) => {
      await derived(...steps).catch((error: unknown) => expect(error).toMatchObject({ code: 'ERR_DATE_REFUSED' }))
    }),
    { numRuns: 500 },
  )
  const allowed = [-1, 0, 1].map((days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10))
  for (const date of counted.asked) expect(allowed.map((one) => one.replaceAll('-', ''))).toContain(date)
})

it.each(['', 'AWS4', 'AWS4A'])('takes %j, which a copy of the credentials gives, for no key', (key) => {
  const refused = expect.objectContaining({ code: 'ERR_SDK_INCOMPATIBLE' })
  expect(() => new signing.sha256(key)).toThrow(refused)
  expect(() => new signing.sha256(Buffer.from(key))).toThrow(refused)
})

it('takes a copy of what stands for a key', async () => {
  const steps = [today(), 'us-east-1', 's3', 'aws4_request', 'text']
  const [right] = (await derived(...steps)).slice(-1)
  let key: Uint8Array = (await derived(today()))[0] ?? new Uint8Array(0)
  for (const step of steps.slice(1)) key = await hashed(Uint8Array.from(key), step)
  expect(key).toEqual(right)
})

it('takes the placeholder as bytes too', async () => {
  const steps = [today(), 'us-east-1', 's3', 'aws4_request', 'text']
  const [byText] = (await derived(...steps)).slice(-1)
  let key: HashInput = Buffer.from(`AWS4${placeholder}`)
  for (const step of steps) key = await hashed(key, step)
  expect(key).toEqual(byText)
})

it.each(['AWS4A', 'GOOG4', 'AWS5', ' '])('derives nothing from the placeholder behind %j', (prefix) => {
  expect(() => new signing.sha256(prefix + placeholder)).toThrow(expect.objectContaining({ name: 'HardkeyError' }))
})

it('B-117: refuses the derivation of SigV4a, whose key would be good for all days', () => {
  const code = 'ERR_REQUEST_INVALID'
  expect(() => new signing.sha256(`AWS4A${placeholder}`)).toThrow(expect.objectContaining({ code }))
  expect(() => new signing.sha256(Buffer.from(`AWS4A${placeholder}`))).toThrow(expect.objectContaining({ code }))
})

it('names the key of one signWithKey otherwise than the next, and otherwise than a stock SHA-256 would', async () => {
  const name = await hashed(placeholder, 'AKIDEXAMPLE')
  const stock = createHmac('sha256', placeholder).update('AKIDEXAMPLE').digest()
  expect(Buffer.from(name)).not.toEqual(stock)
  expect(await hashed(placeholder, 'AKIDEXAMPLE')).toEqual(name)
  const other = signWithKey({ key: counted.key, accessKeyId: 'AKIDEXAMPLE' })
  const again = new other.sha256((await other.credentials()).secretAccessKey)
  again.update('AKIDEXAMPLE')
  expect(await again.digest()).not.toEqual(name)
})

it('takes what stands for a key of another signWithKey for any other key', async () => {
  const [standIn = new Uint8Array(0)] = await derived(today())
  const other = signWithKey({ key: counted.key, accessKeyId: 'AKIDEXAMPLE' })
  const made = new other.sha256(standIn)
  made.update('us-east-1')
  expect(Buffer.from(await made.digest())).toEqual(createHmac('sha256', standIn).update('us-east-1').digest())
})

it('asks the device once where many wait for the first signature', async () => {
  const all = Array.from({ length: 50 }, (_, at) => derived(today(), `region-${at}`, 's3', 'aws4_request', 'text'))
  expect(new Set((await Promise.all(all)).map((one) => Buffer.from(one[4] ?? []).toString('hex'))).size).toBe(50)
  expect(counted.asked).toHaveLength(1)
})

it('signs for more regions than it keeps keys of', async () => {
  const date = today()
  for (let at = 0; at < 150; at += 1) {
    const [signature = new Uint8Array(0)] = (await derived(date, `r${at}`, 's3', 'aws4_request', 't')).slice(-1)
    const right = createHmac('sha256', signingKeyOf(secret, date, `r${at}`, 's3'))
      .update('t')
      .digest()
    expect(Buffer.from(signature)).toEqual(right)
  }
})

it('lets nobody change what stands for a key', async () => {
  const [standIn = new Uint8Array(0)] = await derived(today(), 'us-east-1')
  await fc.assert(
    fc.asyncProperty(fc.nat(standIn.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const changed = Uint8Array.from(standIn, (byte, index) => (index === at ? byte ^ change : byte))
      expect(Buffer.from(await hashed(changed, 's3'))).toEqual(createHmac('sha256', changed).update('s3').digest())
    }),
  )
})
