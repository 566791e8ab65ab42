// The two files of a delivery, as the fuzzer takes them. In: inputs in use. Out: an error that says what the parser did that it
// must not. What is taken is taken byte for byte: written again, it is the same file.

import { deepStrictEqual } from 'node:assert'
import { HardkeyError } from '../../src/errors.ts'
import {
  formatWrappedKey,
  formatWrappingKey,
  parseWrappedKey,
  parseWrappingKey,
} from '../../src/lifecycle/wrapped-file.ts'
import type { FuzzTarget } from './fuzzer.ts'

const wrappingKey = {
  scheme: 'tpm2',
  kind: 'ecc-ek',
  device: 'the ECC endorsement key of the TPM at /dev/tpmrm0',
  name: `000b${'5a'.repeat(32)}`,
  publicKey: Buffer.alloc(90, 7),
}
const wrapped = { ...wrappingKey, ciphertext: Buffer.alloc(60, 3), check: '0123456789abcdef' }
const header = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', created: '2026-11-24T17:20:00Z', wrapped }
const file = 'src/lifecycle/wrapped-file.ts'
const words = [
  '{\n',
  '\n}\n',
  '  "',
  '": "',
  '",\n',
  '"hardkey"',
  'wrapped key 1',
  '"__proto__"',
  '"proof"',
  '\\u0000',
  '==',
]

function orRefused<Value>(act: () => Value): Value | undefined {
  try {
    return act()
  } catch (error) {
    if (error instanceof HardkeyError && error.code === 'ERR_KEY_FILE_INVALID') return undefined
    throw error
  }
}

export const wrapTargets: readonly FuzzTarget[] = [
  {
    name: 'files of wrapping keys',
    files: [file],
    seeds: [wrappingKey, { ...wrappingKey, certificate: Buffer.alloc(80, 9) }].map((key) =>
      Buffer.from(formatWrappingKey(key)),
    ),
    words,
    run(input) {
      const found = orRefused(() => parseWrappingKey(input))
      if (found !== undefined) deepStrictEqual(formatWrappingKey(found), input.toString())
    },
  },
  {
    name: 'files of wrapped keys',
    files: [file],
    seeds: [Buffer.from(formatWrappedKey(header, () => Buffer.alloc(32, 5)))],
    words,
    run(input) {
      const found = orRefused(() => parseWrappedKey(input))
      if (found === undefined) return
      const {
        wrapped: { check = '', ...rest },
        proof,
        created,
      } = found
      const again = { accessKeyId: proof.accessKeyId, created, wrapped: { ...rest, check } }
      deepStrictEqual(
        formatWrappedKey(again, () => proof.answer),
        input.toString(),
      )
    },
  },
]
