// The files of a delivery: read only as they are written, and bound to their key as a whole.

import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { WrappingKey } from '../../src/key/hmac-key.ts'
import {
  formatWrappedKey,
  formatWrappingKey,
  parseWrappedKey,
  parseWrappingKey,
} from '../../src/lifecycle/wrapped-file.ts'

const wrappingKey: WrappingKey = {
  scheme: 'tpm2',
  kind: 'ecc-ek',
  device: 'the ECC endorsement key of the TPM at /dev/tpmrm0',
  name: `000b${'5a'.repeat(32)}`,
  publicKey: Buffer.alloc(122, 7),
  certificate: Buffer.alloc(700, 9),
}
const prove = (input: Uint8Array): Buffer => createHmac('sha256', 'AWS4secret').update(input).digest()
const wrapped = { ...wrappingKey, ciphertext: Buffer.alloc(300, 3), check: '0123456789abcdef' }
const header = { accessKeyId: 'AKIAQ3EGRZ5UXAMPLE2A', created: '2026-11-24T17:20:00Z', wrapped }
const text = formatWrappedKey(header, prove)

/** What is done to a byte: each bit of it alone, in the long run every other byte in its place. */
const isLong = process.env.TEST_LONG === '1'
const changes = isLong ? Array.from({ length: 255 }, (_, index) => index + 1) : [1, 2, 4, 8, 16, 32, 64, 128]

/** What the file comes to: refused, or whether its proof is the one that the key gives. */
function confirmed(bytes: Uint8Array): 'refused' | boolean {
  try {
    const { proof } = parseWrappedKey(bytes)
    return Buffer.compare(prove(proof.input), proof.answer) === 0
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_KEY_FILE_INVALID' })
    return 'refused'
  }
}

describe('the file of a wrapping key', () => {
  it('is read as it was written', () => {
    expect(parseWrappingKey(Buffer.from(formatWrappingKey(wrappingKey)))).toEqual(
      expect.objectContaining({ ...wrappingKey, publicKey: expect.anything(), certificate: expect.anything() }),
    )
  })

  it.each([
    ['another order of its members', (t: string) => t.replace(/( {2}"scheme".*\n)( {2}"kind".*\n)/, '$2$1')],
    ['a member twice', (t: string) => t.replace(/( {2}"kind".*\n)/, '$1$1')],
    ['a member that nobody knows', (t: string) => t.replace('\n}', ',\n  "more": "x"\n}')],
    ['line ends of Windows', (t: string) => t.replaceAll('\n', '\r\n')],
    ['base64 with bits left over', (t: string) => t.replace(/Bw==/, 'Bx==')],
    ['a number in place of a text', (t: string) => t.replace('"tpm2"', '2')],
    ['a line break in a text', (t: string) => t.replace('ECC', 'E\\nCC')],
    ['the file of a wrapped key', () => text],
    ['an empty file', () => ''],
  ])('is refused with %s', (_, change) => {
    const changed = Buffer.from(change(formatWrappingKey({ ...wrappingKey, publicKey: Buffer.alloc(121, 7) })))
    expect(() => parseWrappingKey(changed)).toThrow(expect.objectContaining({ code: 'ERR_KEY_FILE_INVALID' }))
  })
})

describe('the file of a wrapped key', () => {
  it('has a proof over 46 bytes, a length that no date has', () => {
    const { proof } = parseWrappedKey(Buffer.from(text))
    expect(proof.input.length).toBe(46)
    expect(Buffer.from(proof.input.subarray(0, 14)).toString()).toBe('hardkey wrap 1')
    expect(confirmed(Buffer.from(text))).toBe(true)
  })

  it('is refused or not confirmed with any byte changed in any way', () => {
    const file = Buffer.from(text)
    const passed: string[] = []
    for (let at = 0; at < file.length; at += 1) {
      for (const change of changes) {
        const changed = Buffer.from(file)
        changed[at] = (file[at] ?? 0) ^ change
        if (confirmed(changed) === true) passed.push(`${at}: ${change}`)
      }
    }
    expect(passed).toEqual([])
  })

  it('is refused where it is cut, anywhere', () => {
    for (let length = 0; length < text.length; length += 1) {
      expect(confirmed(Buffer.from(text.slice(0, length)))).toBe('refused')
    }
  })

  it('is not confirmed where it is put together from two', () => {
    const other = { ...header, wrapped: { ...wrapped, ciphertext: Buffer.alloc(300, 4) } }
    const [ciphertext = ''] = /"ciphertext": "[^"]+"/.exec(formatWrappedKey(other, prove)) ?? []
    expect(confirmed(Buffer.from(text.replace(/"ciphertext": "[^"]+"/, ciphertext)))).toBe(false)
  })
})
