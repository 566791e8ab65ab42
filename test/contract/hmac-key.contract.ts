// The contract test: what every backend must do, on the real device or its official simulator.
// In: a function that sets a device up with a key in it. Out: a suite of tests. What a device cannot do is shown as
// skipped, with the reason that its subject gives. Longer than 250 lines, so that the whole contract stands in one file.

import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { openKey } from '../../src/backends/open.ts'
import type { HmacKey, KeyBackend, KeyImporter } from '../../src/key/hmac-key.ts'
import type { PinSource } from '../../src/key/pin-source.ts'
import { Secret } from '../../src/key/secret.ts'
import type { KeyUri } from '../../src/key/uri.ts'
import { type Canaries, expectNoCanary } from './canary.ts'

/** What a device may be unable to do. */
export type ContractAbility = 'PIN' | 'wrong PIN' | 'missing key' | 'import'

/** A device with a key in it, made for one suite. */
export interface ContractSubject {
  readonly backend: KeyBackend
  /** The bytes of the key in the device: 44, as `AWS4` and a secret access key. */
  readonly key: Uint8Array
  /** Names the key in the device, and no pin-source: the contract gives the PIN and counts. */
  readonly uri: KeyUri
  /** Unlocks the device; at least 8 bytes, so that it can be looked for in what is printed. */
  readonly pin: Uint8Array
  readonly wrongPin?: Uint8Array | undefined
  /** How often the device itself was given a PIN so far, where it can be counted. */
  pinTries?(): Promise<number> | number
  /** As `uri`, but no key is there. */
  readonly missing?: KeyUri | undefined
  readonly importer?: KeyImporter | undefined
  /** Where a key can be imported; a new place at each call. */
  freshPlace?(): KeyUri
  /** The reason for each ability that the device has not. */
  readonly cannot?: Readonly<Partial<Record<ContractAbility, string>>> | undefined
  /** Takes the device down. */
  close(): Promise<void>
}

/** Defines the suite. `setUp` runs once; each test opens the key anew. */
export function describeHmacKey(name: string, setUp: () => Promise<ContractSubject>): void {
  describe(`the contract of a key: ${name}`, () => {
    let subject: ContractSubject
    beforeAll(async () => {
      subject = await setUp()
    })
    afterAll(async () => subject?.close())
    describeUse(() => subject)
    describeAbort(() => subject)
    describeClosing(() => subject)
    describeOpening(() => subject)
    describeImport(() => subject)
  })
}

function describeUse(subject: () => ContractSubject): void {
  it.each([1, 8, 64])('answers the HMAC-SHA256 of %i bytes', (length) =>
    withKey(subject(), async (key) => {
      const data = Buffer.alloc(length, 0x2a)
      expect(hex(await key.hmac(data))).toBe(expected(subject().key, data))
    }),
  )

  it.each([0, 65])('refuses %i bytes', (length) =>
    withKey(subject(), async (key) => {
      await expect(key.hmac(new Uint8Array(length))).rejects.toMatchObject({ code: 'ERR_USAGE' })
    }),
  )

  it('answers 20 callers at once, each rightly', () =>
    withKey(subject(), async (key) => {
      const inputs = Array.from({ length: 20 }, (_, index) => Buffer.from(`call ${index}`))
      const answers = await Promise.all(inputs.map((data) => key.hmac(data)))
      expect(answers.map(hex)).toEqual(inputs.map((data) => expected(subject().key, data)))
    }))

  it('keeps nothing of an answer: the caller may wipe it', () =>
    withKey(subject(), async (key) => {
      const first = await key.hmac(day)
      expect(first.buffer.byteLength).toBe(32)
      first.fill(0)
      expect(hex(await key.hmac(day))).toBe(expected(subject().key, day))
    }))

  it('says what it is, without a secret', () =>
    withKey(subject(), async (key) => {
      expect(key.info).toMatchObject({ scheme: subject().uri.scheme, device: expect.stringMatching(/\S/) })
      expect(['hardware', 'service', 'memory']).toContain(key.info.protection)
      expectNoCanary([key, key.info], canaries(subject()))
    }))
}

function describeAbort(subject: () => ContractSubject): void {
  it('throws the reason of a signal that was aborted before the call', () =>
    withKey(subject(), async (key) => {
      const reason = new Error('no longer wanted')
      await expect(key.hmac(day, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    }))

  it('throws the reason of a signal that is aborted during the call, and answers the next', () =>
    withKey(subject(), async (key) => {
      const reason = new Error('no longer wanted')
      const aborter = new AbortController()
      const call = key.hmac(day, { signal: aborter.signal })
      aborter.abort(reason)
      await expect(call).rejects.toBe(reason)
      expect(hex(await key.hmac(day))).toBe(expected(subject().key, day))
    }))

  it('does not ask for a PIN when the opening was aborted before it began', async () => {
    const reason = new Error('no longer wanted')
    const asked = counted(subject().pin)
    await expect(open(subject(), { pin: asked.pin, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(asked.times()).toBe(0)
  })

  it('throws the reason of a signal that is aborted while the PIN is asked for', async (test) => {
    able(test, subject(), 'PIN', subject().cannot?.PIN === undefined ? 'asks for one' : undefined)
    const reason = new Error('no longer wanted')
    const aborter = new AbortController()
    const pin: PinSource = async () => {
      aborter.abort(reason)
      return Uint8Array.from(subject().pin)
    }
    await expect(open(subject(), { pin, signal: aborter.signal })).rejects.toBe(reason)
  })
}

function describeClosing(subject: () => ContractSubject): void {
  it('may be closed twice', async () => {
    const key = await open(subject())
    await key.close()
    await expect(key.close()).resolves.toBeUndefined()
    await expect(key[Symbol.asyncDispose]()).resolves.toBeUndefined()
  })

  it('refuses use after close()', async () => {
    const key = await open(subject())
    await key.close()
    await expect(key.hmac(day)).rejects.toMatchObject({ code: 'ERR_KEY_CLOSED' })
    expect(key.info.scheme).toBe(subject().uri.scheme)
  })

  it('ends calls under way, rightly or with ERR_KEY_CLOSED', async () => {
    const key = await open(subject())
    const calls = Array.from({ length: 5 }, () => key.hmac(day))
    const [results] = await Promise.all([Promise.allSettled(calls), key.close()])
    for (const result of results) {
      if (result.status === 'fulfilled') expect(hex(result.value)).toBe(expected(subject().key, day))
      else expect(result.reason).toMatchObject({ code: 'ERR_KEY_CLOSED' })
    }
  })
}

function describeOpening(subject: () => ContractSubject): void {
  it('asks for the PIN at most once, and for what the person can recognise', async () => {
    const asked = counted(subject().pin)
    await (await open(subject(), { pin: asked.pin })).close()
    expect(asked.times()).toBeLessThanOrEqual(1)
  })

  it('tells a wrong PIN as such, tries it once and shows no secret', async (test) => {
    const wrongPin = able(test, subject(), 'wrong PIN', subject().wrongPin)
    const asked = counted(wrongPin)
    const before = await subject().pinTries?.()
    const failure = await failureOf(open(subject(), { pin: asked.pin }))
    expect(failure).toMatchObject({ code: 'ERR_PIN_INCORRECT', tryAgain: false })
    expect(asked.times()).toBe(1)
    if (before !== undefined) expect(await subject().pinTries?.()).toBe(before + 1)
    expectNoCanary(failure, { ...canaries(subject()), wrongPin })
  })

  it('tells a missing key as such and shows no secret', async (test) => {
    const missing = able(test, subject(), 'missing key', subject().missing)
    const failure = await failureOf(open({ ...subject(), uri: missing }))
    expect(failure).toMatchObject({ code: 'ERR_KEY_NOT_FOUND', tryAgain: false })
    expectNoCanary(failure, canaries(subject()))
  })

  it('refuses an attribute that it does not know', async () => {
    const uri = subject().uri.with({ path: { 'no-such-attribute': 'x' } })
    await expect(open({ ...subject(), uri })).rejects.toMatchObject({ code: 'ERR_URI_INVALID' })
  })
}

function describeImport(subject: () => ContractSubject): void {
  it('imports a key, which then answers rightly, and leaves the secret to its owner', async (test) => {
    const { importer, place } = importing(test, subject())
    const secret = Secret.join(otherKey)
    const imported = await importer.import(place, secret, context(subject()))
    try {
      expect(secret.lend(hex)).toBe(hex(otherKey))
      expectNoCanary([imported.info, imported.uri, `${imported.uri}`], { ...canaries(subject()), otherKey })
      await withKey({ ...subject(), uri: imported.uri }, async (key) => {
        expect(hex(await key.hmac(day))).toBe(expected(otherKey, day))
      })
    } finally {
      await imported.remove()
    }
  })

  it('never overwrites a key', async (test) => {
    const { importer } = importing(test, subject())
    const failure = await failureOf(importer.import(subject().uri, Secret.join(otherKey), context(subject())))
    expect(failure).toMatchObject({ code: 'ERR_KEY_EXISTS' })
    expectNoCanary(failure, { ...canaries(subject()), otherKey })
    await withKey(subject(), async (key) => {
      expect(hex(await key.hmac(day))).toBe(expected(subject().key, day))
    })
  })

  it('undoes an import, after which there is no such key', async (test) => {
    const { importer, place } = importing(test, subject())
    const imported = await importer.import(place, Secret.join(otherKey), context(subject()))
    await imported.remove()
    const gone = { code: 'ERR_KEY_NOT_FOUND' }
    await expect(open({ ...subject(), uri: imported.uri })).rejects.toMatchObject(gone)
    await expect(importer.remove(imported.uri, context(subject()))).rejects.toMatchObject(gone)
  })

  it('removes the key that a URI names', async (test) => {
    const { importer, place } = importing(test, subject())
    const imported = await importer.import(place, Secret.join(otherKey), context(subject()))
    await importer.remove(imported.uri, context(subject()))
    await expect(open({ ...subject(), uri: imported.uri })).rejects.toMatchObject({ code: 'ERR_KEY_NOT_FOUND' })
  })
}

const day = Buffer.from('20150830')
const otherKey = Buffer.from('AWS4sWnB2qTq5Zb0xkGJ9yV7mDp3RfLhE8uCaNo1XtKe')

function expected(key: Uint8Array, data: Uint8Array): string {
  return createHmac('sha256', key).update(data).digest('hex')
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function canaries({ key, pin }: ContractSubject): Canaries {
  return { key, pin }
}

/** A pin source that gives a copy of the bytes and counts. */
function counted(bytes: Uint8Array): { pin: PinSource; times(): number } {
  let times = 0
  const pin: PinSource = async ({ target }) => {
    times += 1
    expect(target).toMatch(/\S/)
    return Uint8Array.from(bytes)
  }
  return { pin, times: () => times }
}

function context(subject: ContractSubject): { pin: PinSource } {
  return { pin: counted(subject.pin).pin }
}

function open(subject: ContractSubject, options: { pin?: PinSource; signal?: AbortSignal } = {}): Promise<HmacKey> {
  return openKey(subject.uri, { ...context(subject), backends: [subject.backend], ...options })
}

async function withKey(subject: ContractSubject, use: (key: HmacKey) => Promise<void>): Promise<void> {
  const key = await open(subject)
  try {
    await use(key)
  } finally {
    await key.close()
  }
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('this should have failed')
}

/** What the ability needs; without it the test is shown as skipped, with the reason. A reason is owed. */
function able<T>(test: TestContext, subject: ContractSubject, ability: ContractAbility, needed: T | undefined): T {
  if (needed !== undefined) return needed
  const reason = subject.cannot?.[ability]
  if (reason === undefined) throw new Error(`the subject must give what "${ability}" needs, or say why it cannot`)
  return test.skip(`${ability}: ${reason}`)
}

function importing(test: TestContext, subject: ContractSubject): { importer: KeyImporter; place: KeyUri } {
  const importer = able(test, subject, 'import', subject.importer)
  return { importer, place: able(test, subject, 'import', subject.freshPlace?.()) }
}
