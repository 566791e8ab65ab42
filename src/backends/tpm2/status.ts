// What a TPM answers, in hardkey's codes. In: a response code and the command that it answers. Out: a HardkeyError with the
// name of the code as `serviceCode`, and what may help: the same bytes again, a new session.
// TPM 2.0 Library, Part 2, 6.6 TPM_RC: format zero (bit 7 clear) and format one, which says the parameter, handle or session.

import { type ErrorCode, HardkeyError } from '../../errors.ts'
import { TPM_CC } from './wire/constants.ts'
import { type Recovery, type Repeat, rowOf, type StatusRow, statusRows } from './wire/status-table.ts'

/** A response code taken apart. */
export interface TpmStatus {
  /** Without the layer: 0x1df. */
  readonly code: number
  /** `TPM_RC_INTEGRITY`; `TPM_RC_0x1ff` for one that no specification names. */
  readonly name: string
  /** What it is about, where it says so: the first is number 1. */
  readonly subject?: { readonly kind: 'parameter' | 'handle' | 'session'; readonly number: number }
}

/** Format one: bit 7; then bit 6 says "parameter", bit 11 "session" (else "handle"), and the bits from 8 on the number. */
const formatOne = 0x080
const parameterBit = 0x040
const sessionBit = 0x800
/** The upper half names the layer of software that answers in the TPM's place: 0x000b0000 is the kernel's resource manager. */
const layerMask = 0xffff

/** A response code taken apart. */
export function decodeStatus(responseCode: number): TpmStatus {
  const code = responseCode & layerMask
  const row = rowOf(code)
  const name = row?.name ?? `TPM_RC_0x${code.toString(16).padStart(3, '0')}`
  if ((code & formatOne) === 0) return { code, name }
  const isParameter = (code & parameterBit) !== 0
  const number = (code >>> 8) & (isParameter ? 0xf : 0x7)
  if (number === 0) return { code, name }
  const kind = isParameter ? 'parameter' : (code & sessionBit) !== 0 ? 'session' : 'handle'
  return { code, name, subject: { kind, number } }
}

/** `TPM_RC_INTEGRITY (parameter 1, 0x1df)`. */
export function statusText(responseCode: number): string {
  const { code, name, subject } = decodeStatus(responseCode)
  const place = subject === undefined ? '' : `${subject.kind} ${subject.number}, `
  return `${name} (${place}0x${code.toString(16).padStart(3, '0')})`
}

/** `TPM2_HMAC`; `TPM2_0x1ff` for a command code that hardkey never sends. */
export function commandName(commandCode: number): string {
  const name = Object.entries(TPM_CC).find(([, code]) => code === commandCode)?.[0]
  return `TPM2_${name ?? `0x${commandCode.toString(16)}`}`
}

export interface RefusedCommand {
  readonly commandCode: number
  /** For messages: `/dev/tpmrm0`. */
  readonly device: string
  /** For each authorization session in order, whose auth value or policy it brought: `the owner hierarchy`. */
  readonly authorized?: readonly (string | undefined)[]
}

/** The failure that a response code means, after the command that it answers. */
export function refusalError(responseCode: number, command: RefusedCommand): HardkeyError {
  const status = decodeStatus(responseCode)
  const { code, hint } = meaningOf(status)
  return new HardkeyError(code, messageOf(code, status, responseCode, command), { hint, serviceCode: status.name })
}

/** How the same bytes are to be sent again after this code: `soon`, `later` (the TPM writes to its memory), or not at all. */
export function repeatOf(responseCode: number): Repeat | undefined {
  return rowOf(responseCode & layerMask)?.repeat
}

/**
 * What an opened key may do after this failure, once: `session` flushes its own handles and starts over with a new
 * session and, for a key file, a new TPM2_Load.
 */
export function recoveryOf(error: unknown): Recovery {
  if (!(error instanceof HardkeyError) || error.serviceCode === undefined) return 'none'
  return recoveries.get(error.serviceCode) ?? 'none'
}

const recoveries: ReadonlyMap<string, Recovery> = new Map(
  statusRows.map(({ name, recovery = 'none' }) => [name, recovery]),
)

/** Format-one codes whose meaning is another one where they are about a handle: the object that the command names. */
const aboutHandles: ReadonlyMap<string, Pick<StatusRow, 'code' | 'hint'>> = new Map([
  ['TPM_RC_VALUE', { code: 'ERR_KEY_NOT_FOUND', hint: notThere() }],
  ['TPM_RC_HANDLE', { code: 'ERR_KEY_NOT_FOUND', hint: notThere() }],
  ['TPM_RC_ATTRIBUTES', { code: 'ERR_KEY_UNUSABLE', hint: notForHmac() }],
  ['TPM_RC_TYPE', { code: 'ERR_KEY_UNUSABLE', hint: notForHmac() }],
  ['TPM_RC_KEY', { code: 'ERR_KEY_UNUSABLE', hint: notForHmac() }],
  ['TPM_RC_SCHEME', { code: 'ERR_KEY_UNUSABLE', hint: notForHmac() }],
])

function notThere(): string {
  return 'the TPM was cleared or this is another one, or the object was removed: `hardkey devices` lists what is there'
}

function notForHmac(): string {
  return 'the object at this place must be the one the command is for: an HMAC key that may sign, a parent that is a storage key'
}

function meaningOf({ name, subject }: TpmStatus): { readonly code: ErrorCode; readonly hint: string | undefined } {
  const row = (subject?.kind === 'handle' ? aboutHandles.get(name) : undefined) ?? rowOfName(name)
  return { code: row?.code ?? 'ERR_DEVICE_FAILED', hint: row?.hint }
}

function rowOfName(name: string): StatusRow | undefined {
  return statusRows.find((row) => row.name === name)
}

function messageOf(code: ErrorCode, { subject }: TpmStatus, responseCode: number, command: RefusedCommand): string {
  const at = `the TPM at ${command.device}`
  const answered = `${commandName(command.commandCode)} with ${statusText(responseCode)}`
  const whose = subject?.kind === 'session' ? command.authorized?.[subject.number - 1] : undefined
  if (code === 'ERR_PIN_INCORRECT') return `${at} refused the auth value of ${whose ?? 'an object'}: ${answered}`
  if (code === 'ERR_POLICY_REFUSED') return `a policy of ${at} does not allow this: it answered ${answered}`
  return `${at} answered ${answered}`
}
