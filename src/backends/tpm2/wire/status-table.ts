// Every response code of a TPM 2.0, with what it means to hardkey. No input, no output.
// TPM 2.0 Library, Part 2, 6.6.3 TPM_RC, tables of format-zero, format-one and warning codes.

import type { ErrorCode } from '../../../errors.ts'

export type Repeat = 'soon' | 'later'
export type Recovery = 'none' | 'session'

export interface StatusRow {
  /** Format one: without the bits that say parameter, handle or session and its number. */
  readonly base: number
  readonly name: string
  /** ERR_DEVICE_FAILED where there is none. */
  readonly code?: ErrorCode
  readonly hint?: string
  readonly repeat?: Repeat
  readonly recovery?: Recovery
}

const restart = 'the TPM needs a restart of the machine; a software TPM, to be started again'
const policy = 'the key may be used only as its policy says: `hardkey inspect` shows it in words'
const noRoom = 'other programs hold its places; use /dev/tpmrm0, the resource manager of the kernel, not /dev/tpm0'
const foreign =
  'this TPM was cleared, or this is another TPM, or the file is damaged; where it was cleared the key is gone: make a new access key and check it in'
const busy = 'the TPM is busy; try again'

// Error codes of format zero (RC_VER1 = 0x100).
const formatZero: readonly StatusRow[] = [
  {
    base: 0x100,
    name: 'TPM_RC_INITIALIZE',
    hint: 'the TPM was not started up: `tpm2_startup -c`, or restart the machine',
  },
  { base: 0x101, name: 'TPM_RC_FAILURE', hint: restart },
  { base: 0x103, name: 'TPM_RC_SEQUENCE' },
  { base: 0x10b, name: 'TPM_RC_PRIVATE' },
  { base: 0x119, name: 'TPM_RC_HMAC' },
  { base: 0x120, name: 'TPM_RC_DISABLED', hint: 'this command is switched off in this TPM' },
  { base: 0x121, name: 'TPM_RC_EXCLUSIVE', recovery: 'session' },
  { base: 0x124, name: 'TPM_RC_AUTH_TYPE', code: 'ERR_POLICY_REFUSED', hint: policy },
  { base: 0x125, name: 'TPM_RC_AUTH_MISSING', code: 'ERR_POLICY_REFUSED', hint: policy },
  { base: 0x126, name: 'TPM_RC_POLICY', code: 'ERR_POLICY_REFUSED', hint: policy },
  { base: 0x127, name: 'TPM_RC_PCR' },
  { base: 0x128, name: 'TPM_RC_PCR_CHANGED', code: 'ERR_POLICY_REFUSED', hint: policy },
  { base: 0x12d, name: 'TPM_RC_UPGRADE', hint: 'the firmware of the TPM is being changed; finish that first' },
  { base: 0x12e, name: 'TPM_RC_TOO_MANY_CONTEXTS', code: 'ERR_DEVICE_UNAVAILABLE', hint: noRoom },
  { base: 0x12f, name: 'TPM_RC_AUTH_UNAVAILABLE', code: 'ERR_POLICY_REFUSED', hint: policy },
  { base: 0x130, name: 'TPM_RC_REBOOT', hint: restart },
  { base: 0x131, name: 'TPM_RC_UNBALANCED' },
  { base: 0x142, name: 'TPM_RC_COMMAND_SIZE' },
  {
    base: 0x143,
    name: 'TPM_RC_COMMAND_CODE',
    code: 'ERR_BACKEND_UNSUPPORTED',
    hint: 'this TPM does not have the command',
  },
  { base: 0x144, name: 'TPM_RC_AUTHSIZE' },
  { base: 0x145, name: 'TPM_RC_AUTH_CONTEXT' },
  { base: 0x146, name: 'TPM_RC_NV_RANGE' },
  { base: 0x147, name: 'TPM_RC_NV_SIZE' },
  { base: 0x148, name: 'TPM_RC_NV_LOCKED' },
  { base: 0x149, name: 'TPM_RC_NV_AUTHORIZATION' },
  { base: 0x14a, name: 'TPM_RC_NV_UNINITIALIZED' },
  {
    base: 0x14b,
    name: 'TPM_RC_NV_SPACE',
    hint: 'the TPM has no room for another persistent key; keep this one as a key file',
  },
  { base: 0x14c, name: 'TPM_RC_NV_DEFINED', code: 'ERR_KEY_EXISTS', hint: 'name another persistent handle' },
  { base: 0x150, name: 'TPM_RC_BAD_CONTEXT' },
  { base: 0x151, name: 'TPM_RC_CPHASH', code: 'ERR_POLICY_REFUSED', hint: policy },
  { base: 0x152, name: 'TPM_RC_PARENT' },
  { base: 0x153, name: 'TPM_RC_NEEDS_TEST', hint: restart },
  { base: 0x154, name: 'TPM_RC_NO_RESULT' },
  { base: 0x155, name: 'TPM_RC_SENSITIVE', code: 'ERR_KEY_UNUSABLE', hint: foreign },
]

// Error codes of format one (RC_FMT1 = 0x080).
const formatOne: readonly StatusRow[] = [
  { base: 0x081, name: 'TPM_RC_ASYMMETRIC', code: 'ERR_BACKEND_UNSUPPORTED' },
  { base: 0x082, name: 'TPM_RC_ATTRIBUTES' },
  { base: 0x083, name: 'TPM_RC_HASH', code: 'ERR_BACKEND_UNSUPPORTED' },
  { base: 0x084, name: 'TPM_RC_VALUE' },
  {
    base: 0x085,
    name: 'TPM_RC_HIERARCHY',
    code: 'ERR_BACKEND_UNSUPPORTED',
    hint: 'this hierarchy is switched off; the firmware set-up of the machine can switch it on',
  },
  { base: 0x087, name: 'TPM_RC_KEY_SIZE', code: 'ERR_BACKEND_UNSUPPORTED' },
  { base: 0x088, name: 'TPM_RC_MGF' },
  { base: 0x089, name: 'TPM_RC_MODE' },
  { base: 0x08a, name: 'TPM_RC_TYPE' },
  { base: 0x08b, name: 'TPM_RC_HANDLE', recovery: 'session' },
  { base: 0x08c, name: 'TPM_RC_KDF' },
  { base: 0x08d, name: 'TPM_RC_RANGE', code: 'ERR_POLICY_REFUSED' },
  {
    base: 0x08e,
    name: 'TPM_RC_AUTH_FAIL',
    code: 'ERR_PIN_INCORRECT',
    hint: 'it was tried once; a few wrong tries lock the TPM',
  },
  { base: 0x08f, name: 'TPM_RC_NONCE' },
  { base: 0x090, name: 'TPM_RC_PP', code: 'ERR_POLICY_REFUSED' },
  { base: 0x092, name: 'TPM_RC_SCHEME' },
  { base: 0x095, name: 'TPM_RC_SIZE' },
  { base: 0x096, name: 'TPM_RC_SYMMETRIC', code: 'ERR_BACKEND_UNSUPPORTED' },
  { base: 0x097, name: 'TPM_RC_TAG' },
  { base: 0x098, name: 'TPM_RC_SELECTOR' },
  { base: 0x09a, name: 'TPM_RC_INSUFFICIENT' },
  { base: 0x09b, name: 'TPM_RC_SIGNATURE', code: 'ERR_POLICY_REFUSED', hint: policy },
  { base: 0x09c, name: 'TPM_RC_KEY' },
  { base: 0x09d, name: 'TPM_RC_POLICY_FAIL', code: 'ERR_POLICY_REFUSED', hint: policy },
  { base: 0x09f, name: 'TPM_RC_INTEGRITY', code: 'ERR_KEY_UNUSABLE', hint: foreign },
  { base: 0x0a0, name: 'TPM_RC_TICKET', code: 'ERR_POLICY_REFUSED', hint: policy },
  { base: 0x0a1, name: 'TPM_RC_RESERVED_BITS' },
  { base: 0x0a2, name: 'TPM_RC_BAD_AUTH', code: 'ERR_PIN_INCORRECT', hint: 'it was tried once' },
  { base: 0x0a3, name: 'TPM_RC_EXPIRED', code: 'ERR_POLICY_REFUSED', hint: policy },
  { base: 0x0a4, name: 'TPM_RC_POLICY_CC', code: 'ERR_POLICY_REFUSED', hint: policy },
  { base: 0x0a5, name: 'TPM_RC_BINDING', code: 'ERR_KEY_UNUSABLE', hint: foreign },
  { base: 0x0a6, name: 'TPM_RC_CURVE', code: 'ERR_BACKEND_UNSUPPORTED' },
  { base: 0x0a7, name: 'TPM_RC_ECC_POINT' },
  { base: 0x0a8, name: 'TPM_RC_FW_LIMITED', code: 'ERR_KEY_UNUSABLE', hint: foreign },
  { base: 0x0a9, name: 'TPM_RC_SVN_LIMITED', code: 'ERR_KEY_UNUSABLE', hint: foreign },
]

const room = { code: 'ERR_DEVICE_UNAVAILABLE', hint: noRoom, recovery: 'session' } as const
const lostObject = { code: 'ERR_KEY_NOT_FOUND', recovery: 'session' } as const
const lostSession = { recovery: 'session' } as const
const soon = { code: 'ERR_DEVICE_UNAVAILABLE', hint: busy, repeat: 'soon' } as const
const later = { code: 'ERR_DEVICE_UNAVAILABLE', hint: busy, repeat: 'later' } as const

// Warnings (RC_WARN = 0x900). REFERENCE_H and _S: an object or a session that is named and not in the TPM.
const warnings: readonly StatusRow[] = [
  { base: 0x901, name: 'TPM_RC_CONTEXT_GAP', ...room },
  { base: 0x902, name: 'TPM_RC_OBJECT_MEMORY', ...room },
  { base: 0x903, name: 'TPM_RC_SESSION_MEMORY', ...room },
  { base: 0x904, name: 'TPM_RC_MEMORY', ...room },
  { base: 0x905, name: 'TPM_RC_SESSION_HANDLES', ...room },
  { base: 0x906, name: 'TPM_RC_OBJECT_HANDLES', ...room },
  { base: 0x907, name: 'TPM_RC_LOCALITY', code: 'ERR_POLICY_REFUSED', hint: policy },
  { base: 0x908, name: 'TPM_RC_YIELDED', ...soon },
  { base: 0x909, name: 'TPM_RC_CANCELED', ...soon },
  { base: 0x90a, name: 'TPM_RC_TESTING', ...soon },
  ...[0, 1, 2, 3, 4, 5, 6].map((n) => ({ base: 0x910 + n, name: `TPM_RC_REFERENCE_H${n}`, ...lostObject })),
  ...[0, 1, 2, 3, 4, 5, 6].map((n) => ({ base: 0x918 + n, name: `TPM_RC_REFERENCE_S${n}`, ...lostSession })),
  { base: 0x920, name: 'TPM_RC_NV_RATE', ...later },
  {
    base: 0x921,
    name: 'TPM_RC_LOCKOUT',
    code: 'ERR_PIN_LOCKED',
    hint: 'too many wrong auth values were given to this TPM, perhaps by other software; it unlocks with time',
  },
  { base: 0x922, name: 'TPM_RC_RETRY', ...soon },
  { base: 0x923, name: 'TPM_RC_NV_UNAVAILABLE', ...later },
  { base: 0x97f, name: 'TPM_RC_NOT_USED' },
]

/** Every code, in the order of the specification. */
export const statusRows: readonly StatusRow[] = Object.freeze([...formatZero, ...formatOne, ...warnings])

const byBase: ReadonlyMap<number, StatusRow> = new Map(statusRows.map((row) => [row.base, row]))

/** The row of a response code without its layer; undefined for one that no specification names. */
export function rowOf(code: number): StatusRow | undefined {
  return byBase.get((code & 0x080) === 0 ? code : code & 0x0bf)
}
