// The file of approvals of a date rule: NAME.approvals.json beside the record NAME. In: bytes, or approvals. Out: approvals,
// each signature checked before a TPM is asked, or bytes. No secret is in it: it may be sent by any way.
// { version, keyName: hex, officeKey: base64 of a SubjectPublicKeyInfo, approvals: [{ input, signature: base64 }] }

import { HardkeyError } from '../../errors.ts'
import { isMissingFile } from '../../files/file-failure.ts'
import { readOwnFile } from '../../files/read-own-file.ts'
import { isApproved, type OfficeKey, officeKeyOf } from './date-rule.ts'

/** What may be signed for: a date "YYYYMMDD", or the label of the check value. */
export type ApprovedInput = string

export interface Approvals {
  /** The Name of the key that they are for, in hex. */
  readonly keyName: string
  readonly officeKey: OfficeKey
  /** Signatures by what they approve, in order. */
  readonly signatures: ReadonlyMap<ApprovedInput, Uint8Array>
}

/** Ten years of RSA 4096 signatures have about 2.7 MiB. */
export const longestApprovals: number = 4 * 1024 * 1024
const mostApprovals = 4096
/** What a device takes in one call, as printable text. */
const inputForm = /^[\x20-\x7e]{1,64}$/
const nameForm = /^(?:[0-9a-f]{2}){2,66}$/
const base64Form = /^(?:[A-Za-z0-9+/]{4}){1,400}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/**
 * The approvals of the file.
 *
 * @throws ERR_POLICY_REFUSED where there is no file yet, ERR_KEY_FILE_INVALID for one that is malformed or that others
 * can change
 */
export async function readApprovals(path: string): Promise<Approvals> {
  let bytes: Uint8Array
  try {
    bytes = await readOwnFile(path, { maxBytes: longestApprovals, code: 'ERR_KEY_FILE_INVALID' })
  } catch (error) {
    if (!isMissingFile(error)) throw error
    throw new HardkeyError('ERR_POLICY_REFUSED', `no day is approved yet: there is no "${path}"`, {
      hint: 'run hardkey approve NAME where the office key is, and bring the file here',
      cause: error,
    })
  }
  return parseApprovals(bytes, path)
}

/** @throws ERR_KEY_FILE_INVALID, naming path and member and never a value */
export function parseApprovals(bytes: Uint8Array, path: string): Approvals {
  const { version, keyName, officeKey, approvals } = objectOf(jsonOf(bytes, path), path, 'the whole')
  if (version !== 1) throw invalid(path, 'has a version that is not 1: a newer hardkey wrote it')
  if (typeof keyName !== 'string' || !nameForm.test(keyName)) throw invalid(path, 'has a wrong keyName')
  if (!Array.isArray(approvals)) throw invalid(path, 'has no list of approvals')
  if (approvals.length > mostApprovals) throw invalid(path, `has more than ${mostApprovals} approvals`)
  const key = officeKeyIn(base64Of(officeKey, path, 'officeKey'), path)
  const signatures = new Map<string, Uint8Array>()
  for (const [position, entry] of approvals.entries()) {
    const where = `approvals[${position}]`
    const { input, signature } = objectOf(entry, path, where)
    if (typeof input !== 'string' || !inputForm.test(input)) throw invalid(path, `has a wrong ${where}.input`)
    if (signatures.has(input)) throw invalid(path, `approves ${where}.input twice`)
    signatures.set(input, base64Of(signature, path, `${where}.signature`))
  }
  return { keyName, officeKey: key, signatures }
}

/** The bytes of a file that `parseApprovals` reads, one approval a line. */
export function formatApprovals({ keyName, officeKey, signatures }: Approvals): Uint8Array {
  const entries = [...signatures].map(([input, signature]) => {
    const entry = { input, signature: Buffer.from(signature).toString('base64') }
    return `    ${JSON.stringify(entry)}`
  })
  const head = { version: 1, keyName, officeKey: Buffer.from(officeKey.spki).toString('base64') }
  const lines = JSON.stringify(head, null, 2).slice(0, -2)
  return new TextEncoder().encode(`${lines},\n  "approvals": [\n${entries.join(',\n')}\n  ]\n}\n`)
}

/**
 * The signature that approves `data` for the key of this Name.
 *
 * @throws ERR_POLICY_REFUSED where there is none: says which days are approved
 */
export function approvalOf(approvals: Approvals, keyName: Uint8Array, data: Uint8Array, path: string): Uint8Array {
  const input = Buffer.from(data).toString('latin1')
  if (Buffer.from(keyName).toString('hex') !== approvals.keyName) {
    throw new HardkeyError('ERR_POLICY_REFUSED', `the approvals in "${path}" are for another key`, {
      hint: 'bring the file of this key: hardkey approve NAME, with the record that its import wrote',
    })
  }
  const signature = approvals.signatures.get(input)
  if (signature === undefined) throw notApproved(approvals, input)
  if (isApproved(approvals.officeKey, keyName, data, signature)) return signature
  throw invalid(path, `has a signature for ${input} that is not one of its officeKey`)
}

function notApproved(approvals: Approvals, input: string): HardkeyError {
  const isDate = /^\d{8}$/.test(input)
  return new HardkeyError(
    'ERR_POLICY_REFUSED',
    `${isDate ? `the day ${input}` : 'this use of the key'} is not approved`,
    {
      hint: `${approvedDays(approvals)}; hardkey approve NAME, where the office key is, approves more`,
    },
  )
}

/** `20261124 to 20261224 are approved`, for a person. */
export function approvedDays({ signatures }: Pick<Approvals, 'signatures'>): string {
  const days = [...signatures.keys()].filter((input) => /^\d{8}$/.test(input)).sort()
  const [first, last] = [days[0], days.at(-1)]
  if (first === undefined || last === undefined) return 'no day is approved'
  if (first === last) return `${first} alone is approved`
  const gaps = days.length < daysBetween(first, last) ? ', with gaps,' : ''
  return `${first} to ${last}${gaps} are approved`
}

function daysBetween(first: string, last: string): number {
  const time = (day: string): number =>
    Date.UTC(Number(day.slice(0, 4)), Number(day.slice(4, 6)) - 1, Number(day.slice(6)))
  return Math.round((time(last) - time(first)) / 86_400_000) + 1
}

function officeKeyIn(spki: Uint8Array, path: string): OfficeKey {
  try {
    return officeKeyOf({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  } catch (error) {
    if (error instanceof HardkeyError) throw invalid(path, `has an officeKey that ${error.message}`)
    throw invalid(path, 'has an officeKey that is no public key')
  }
}

function jsonOf(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    // The parser's own words quote the file, which may be anything.
    throw invalid(path, error instanceof TypeError ? 'is not UTF-8' : 'is not JSON')
  }
}

function objectOf(value: unknown, path: string, where: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(path, `has ${where} that is no object`)
  // Its own members only, so that a polluted prototype adds nothing.
  return Object.assign(Object.create(null), value)
}

function base64Of(value: unknown, path: string, where: string): Uint8Array {
  if (typeof value !== 'string' || !base64Form.test(value)) throw invalid(path, `has a wrong ${where}: not base64`)
  return new Uint8Array(Buffer.from(value, 'base64'))
}

function invalid(path: string, fault: string): HardkeyError {
  return new HardkeyError('ERR_KEY_FILE_INVALID', `"${path}" ${fault}`, {
    hint: 'it is written by hardkey approve; bring it again',
  })
}
