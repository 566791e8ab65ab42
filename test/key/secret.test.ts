// The class that holds secrets: what it shows, and that wiping leaves nothing. L-2.

import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/key/secret.ts'
import { expectNoCanary } from '../contract/canary.ts'

const bytes = Buffer.from('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY')
const copy = (): Uint8Array => Uint8Array.from(bytes)

describe('a secret', () => {
  it('shows nowhere', () => {
    const secret = Secret.take(copy())
    const values = [secret, { secret }, `${secret}`, `is ${secret}`, JSON.stringify({ secret }), Object.entries(secret)]
    expectNoCanary(values, { bytes })
    expectNoCanary(new Error(`bad: ${secret}`, { cause: secret }), { bytes })
    expect([`${secret}`, JSON.stringify(secret)]).toEqual(['[secret]', '"[secret]"'])
  })
  it('takes bytes over: the source is wiped', () => {
    const source = copy()
    const secret = Secret.take(source)
    expect(source).toEqual(new Uint8Array(bytes.length))
    expect(secret.lend((lent) => Buffer.from(lent).equals(bytes))).toBe(true)
  })
  it('lies outside of the pool of Node', () => {
    expect(Secret.join(Buffer.from('AWS4'), copy()).lend((lent) => lent.buffer.byteLength)).toBe(44)
  })
  it('is joined from parts that stay as they are', () => {
    const part = Secret.take(copy())
    const joined = Secret.join(Buffer.from('AWS4'), part)
    expect(joined.lend((lent) => Buffer.from(lent).toString())).toBe(`AWS4${bytes}`)
    expect(part.length).toBe(40)
  })
  it('is gone when it was wiped', () => {
    const secret = Secret.take(copy())
    const seen = secret.lend((lent) => lent)
    secret.wipe()
    expect(seen).toEqual(new Uint8Array(bytes.length))
    expect(secret.length).toBe(0)
  })
  it('is equal to the same bytes and to no others', () => {
    const secret = Secret.take(copy())
    expect(secret.equals(Secret.take(copy()))).toBe(true)
    expect(secret.equals(Secret.join(Buffer.from(bytes).fill(1, 0, 1)))).toBe(false)
    expect(secret.equals(Secret.join(copy(), copy()))).toBe(false)
  })
  it('gives a KeyObject that stays when it is wiped', () => {
    const secret = Secret.take(copy())
    const key = secret.toKeyObject()
    secret.wipe()
    expect(key.export().equals(bytes)).toBe(true)
  })
})
