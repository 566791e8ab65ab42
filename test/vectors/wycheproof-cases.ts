// Project Wycheproof's vectors of HMAC-SHA256. In: the file in wycheproof/, as it was published. Out: for each key and
// message the tags that are right and those that must be refused. A member that nobody understands is a failure.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface WycheproofCase {
  readonly id: number
  readonly key: Uint8Array
  readonly message: Uint8Array
  /** 16 or 32 bytes: Wycheproof also has tags that were cut in half. */
  readonly tag: Uint8Array
  readonly isValid: boolean
}

/** All 174, in the order of the file. */
export function wycheproofCases(): readonly WycheproofCase[] {
  const path = join(import.meta.dirname, 'wycheproof', 'hmac_sha256_test.json')
  const file = members(JSON.parse(readFileSync(path, 'utf8')), [
    'algorithm',
    'schema',
    'numberOfTests',
    'header',
    'notes',
    'testGroups',
  ])
  const cases = list(file.testGroups).flatMap((group) => {
    const { tests, keySize, tagSize } = members(group, ['type', 'source', 'keySize', 'tagSize', 'tests'])
    return list(tests).map((test) => caseOf(test, Number(keySize) / 8, Number(tagSize) / 8))
  })
  if (file.algorithm !== 'HMACSHA256' || cases.length !== file.numberOfTests) throw new Error('not the whole file')
  return cases
}

/** The tag that the key gives, cut as in the case, is that of the case. */
export function accepts(one: WycheproofCase, hmac: Uint8Array): boolean {
  return hmac.length === 32 && Buffer.from(hmac.subarray(0, one.tag.length)).equals(one.tag)
}

/** Cases with the same key, under its bytes in hex: a device is given each key once. */
export function byKey(cases: readonly WycheproofCase[]): ReadonlyMap<string, readonly WycheproofCase[]> {
  const keys = new Map<string, WycheproofCase[]>()
  for (const one of cases) {
    const name = Buffer.from(one.key).toString('hex')
    keys.set(name, [...(keys.get(name) ?? []), one])
  }
  return keys
}

function caseOf(test: unknown, keyLength: number, tagLength: number): WycheproofCase {
  const { tcId, key, msg, tag, result } = members(test, ['tcId', 'comment', 'flags', 'key', 'msg', 'tag', 'result'])
  if (result !== 'valid' && result !== 'invalid') throw new Error(`case ${tcId} is ${result}`)
  const one = { id: Number(tcId), key: hex(key), message: hex(msg), tag: hex(tag), isValid: result === 'valid' }
  if (one.key.length !== keyLength || one.tag.length !== tagLength) throw new Error(`case ${tcId} has other sizes`)
  return one
}

function members(value: unknown, names: readonly string[]): Readonly<Record<string, unknown>> {
  const found: Record<string, unknown> = { ...Object(value) }
  const unknown = Object.keys(found).filter((name) => !names.includes(name))
  const missing = names.filter((name) => !Object.hasOwn(found, name))
  if (unknown.length + missing.length > 0) throw new Error(`unknown: ${unknown}; missing: ${missing}`)
  return found
}

function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new Error('not a list')
}

function hex(value: unknown): Uint8Array {
  if (typeof value === 'string' && /^(?:[0-9a-f]{2})*$/.test(value)) return Uint8Array.from(Buffer.from(value, 'hex'))
  throw new Error('not hex digits')
}
