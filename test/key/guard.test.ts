// The wrapper of every key: what it does with answers, failures and aborts that no device of ours gives by itself.

import { describe, expect, it } from 'vitest'
import { openKey } from '../../src/backends/open.ts'
import { HardkeyError } from '../../src/errors.ts'
import { guardKey } from '../../src/key/guard.ts'
import type { HmacKey, KeyBackend, KeyInfo } from '../../src/key/hmac-key.ts'
import { expectNoCanary } from '../contract/canary.ts'

const info: KeyInfo = { scheme: 'own', protection: 'service', device: 'a device', attributes: {}, warnings: [] }
const canary = Buffer.from('secret-in-a-foreign-error')
const data = Buffer.from('20150830')

/** A key of a backend of one's own: the fake stands at the parameter that callers have. */
function ownKey(hmac: HmacKey['hmac'], close: () => Promise<void> = async () => {}): HmacKey {
  return { info, hmac, close, [Symbol.asyncDispose]: close }
}

function ownBackend(open: KeyBackend['open']): KeyBackend {
  return { scheme: 'own', open }
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => new Error('this should have failed'),
    (error: unknown) => error,
  )
}

describe('an answer of a device', () => {
  it.each([0, 31, 33, 64])('F-P18 of %i bytes is refused and wiped', async (length) => {
    const answer = new Uint8Array(length).fill(7)
    const failure = await failureOf(guardKey(ownKey(async () => answer)).hmac(data))
    expect(failure).toMatchObject({ code: 'ERR_DEVICE_FAILED', message: expect.stringContaining(`${length} bytes`) })
    expect(answer).toEqual(new Uint8Array(length))
  })
  it('comes in a buffer of its own, and the first one is wiped', async () => {
    const pool = new Uint8Array(64).fill(7)
    const answer = await guardKey(ownKey(async () => pool.subarray(16, 48))).hmac(data)
    expect(answer).toEqual(new Uint8Array(32).fill(7))
    expect(answer.buffer.byteLength).toBe(32)
    expect(pool.subarray(16, 48)).toEqual(new Uint8Array(32))
  })
  it('is of what was asked for, though the caller changes its buffer meanwhile', async () => {
    const seen: string[] = []
    const key = guardKey(
      ownKey(async (input) => {
        await Promise.resolve()
        seen.push(Buffer.from(input).toString())
        return new Uint8Array(32)
      }),
    )
    const own = Uint8Array.from(data)
    const call = key.hmac(own)
    own.fill(0)
    await call
    expect(seen).toEqual(['20150830'])
  })
  it('that comes after the abort is wiped', async () => {
    const answer = new Uint8Array(32).fill(7)
    let answerNow: (bytes: Uint8Array) => void = () => {}
    const answered = new Promise<Uint8Array>((resolve) => {
      answerNow = resolve
    })
    const aborter = new AbortController()
    const call = guardKey(ownKey(() => answered)).hmac(data, { signal: aborter.signal })
    aborter.abort(new Error('no longer wanted'))
    await expect(call).rejects.toThrow('no longer wanted')
    answerNow(answer)
    await answered
    await Promise.resolve()
    expect(answer).toEqual(new Uint8Array(32))
  })
})

describe('a failure of a device', () => {
  it('that a backend foresaw stays as it is', async () => {
    const own = new HardkeyError('ERR_POLICY_REFUSED', 'not today')
    await expect(guardKey(ownKey(() => Promise.reject(own))).hmac(data)).rejects.toBe(own)
  })
  it('that nobody foresaw keeps its status word and nothing else', async () => {
    const foreign = Object.assign(new Error(`sent ${canary}`), { code: 'CKR_DEVICE_ERROR', sent: canary })
    const failure = await failureOf(guardKey(ownKey(() => Promise.reject(foreign))).hmac(data))
    expect(failure).toMatchObject({ code: 'ERR_DEVICE_FAILED', serviceCode: 'CKR_DEVICE_ERROR' })
    expect(failure).not.toHaveProperty('cause')
    expectNoCanary(failure, { canary })
  })
  it.each([canary.toString(), 7, undefined, null])('has no status word where its code is %j', async (code) => {
    const failure = await failureOf(guardKey(ownKey(() => Promise.reject({ code }))).hmac(data))
    expect(failure).toMatchObject({ code: 'ERR_DEVICE_FAILED' })
    expect(failure).not.toHaveProperty('serviceCode')
  })
  it('that comes while it is closed is ERR_KEY_CLOSED', async () => {
    let fail: (error: Error) => void = () => {}
    const failing = new Promise<Uint8Array>((_, reject) => {
      fail = reject
    })
    const key = guardKey(ownKey(() => failing))
    const call = key.hmac(data)
    await key.close()
    fail(new Error('pipe closed'))
    await expect(call).rejects.toMatchObject({ code: 'ERR_KEY_CLOSED' })
  })
  it('to close is no failure of close()', async () => {
    const key = guardKey(
      ownKey(
        async () => new Uint8Array(32),
        () => Promise.reject(new Error('gone')),
      ),
    )
    await expect(key.close()).resolves.toBeUndefined()
  })
})

describe('closing', () => {
  it('reaches the device once, and every caller waits for it', async () => {
    let times = 0
    const key = guardKey(
      ownKey(
        async () => new Uint8Array(32),
        async () => {
          times += 1
        },
      ),
    )
    await Promise.all([key.close(), key.close(), key[Symbol.asyncDispose]()])
    expect(times).toBe(1)
  })
})

describe('openKey', () => {
  it('takes a backend that is handed in before the one of the list', async () => {
    const backend: KeyBackend = { scheme: 'tink', open: async () => ownKey(async () => new Uint8Array(32)) }
    const key = await openKey('tink:file=nowhere', { backends: [backend] })
    expect(key.info.device).toBe('a device')
  })
  it.each(['tpm9:', 'file:/etc/key', 'https://example.com/'])('B-020 lists the schemes for %s', async (uri) => {
    const backends = [ownBackend(async () => ownKey(async () => new Uint8Array(32)))]
    const failure = await failureOf(openKey(uri, { backends }))
    const hint = 'the schemes are own:, pkcs11:, tpm2:, vault:, tink:'
    expect(failure).toMatchObject({ code: 'ERR_BACKEND_UNKNOWN', hint })
  })
  it.each(['', 'prod', '/dev/tpmrm0'])('B-020 lists the schemes for %j, which has none', async (uri) => {
    const failure = await failureOf(openKey(uri))
    const hint = expect.stringContaining('pkcs11:, tpm2:, vault:, tink:')
    expect(failure).toMatchObject({ code: 'ERR_URI_INVALID', hint })
  })
  it('keeps the status word of a failure that the backend did not foresee', async () => {
    const foreign = Object.assign(new Error(canary.toString()), { code: 'ECONNRESET' })
    const failure = await failureOf(openKey('own:', { backends: [ownBackend(() => Promise.reject(foreign))] }))
    expect(failure).toMatchObject({ code: 'ERR_DEVICE_FAILED', serviceCode: 'ECONNRESET' })
    expectNoCanary(failure, { canary })
  })
  it('gives a key back that comes after the abort', async () => {
    let openNow: () => void = () => {}
    const opened = new Promise<void>((resolve) => {
      openNow = resolve
    })
    const closed = new Promise<string>((resolve) => {
      const key = ownKey(
        async () => new Uint8Array(32),
        async () => resolve('closed'),
      )
      const aborter = new AbortController()
      const backends = [ownBackend(() => opened.then(() => key))]
      openKey('own:', { backends, signal: aborter.signal }).catch(openNow)
      setImmediate(() => aborter.abort())
    })
    await expect(closed).resolves.toBe('closed')
  })
  it('refuses a pin-source that is none before the device is asked', async () => {
    const backends = [ownBackend(() => Promise.reject(new Error('asked')))]
    await expect(openKey('own:?pin-source=exec:x', { backends })).rejects.toMatchObject({ code: 'ERR_URI_INVALID' })
  })
})
