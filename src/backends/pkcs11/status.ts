// What a PKCS#11 module answers, in hardkey's codes. In: a CK_RV and the function that returned it.
// Out: a HardkeyError with the name of the status as `serviceCode`, and what may help: a new session, a new opening.
// OASIS PKCS#11 Specification 3.1, section 5.1; the table holds every CKR_ of the headers of 3.2.

import { type ErrorCode, HardkeyError } from '../../errors.ts'

/**
 * What an opened key does after a status, once: `session` takes a new session on the same login and looks the key up
 * again; `reopen` starts over with a new process, which finds the token by its serial number and logs in again.
 */
export type Recovery = 'none' | 'session' | 'reopen'

interface Meaning {
  readonly name: string
  readonly code: ErrorCode
  readonly recovery: Recovery
  readonly hint: string | undefined
}

type Row = readonly [status: number, name: string, code?: ErrorCode, recovery?: Recovery, hint?: string]

const gone = 'is the token plugged in? `hardkey devices` lists what is there'
const notForHmac =
  'the key must allow CKM_SHA256_HMAC with CKA_SIGN true; check the secret in again with hardkey import'
const setUp = 'look at the files and variables that set the module up, as SOFTHSM2_CONF does for SoftHSM'
const officer = 'the security officer must set a new PIN (pkcs11-tool --init-pin)'

// A row without a code means ERR_DEVICE_FAILED.
const rows: readonly Row[] = [
  [0x001, 'CKR_CANCEL', 'ERR_POLICY_REFUSED'],
  [0x002, 'CKR_HOST_MEMORY'],
  [0x003, 'CKR_SLOT_ID_INVALID', 'ERR_DEVICE_UNAVAILABLE', 'reopen', gone],
  [0x005, 'CKR_GENERAL_ERROR', 'ERR_DEVICE_FAILED', 'session'],
  [0x006, 'CKR_FUNCTION_FAILED', 'ERR_DEVICE_FAILED', 'session'],
  [0x007, 'CKR_ARGUMENTS_BAD'],
  [0x008, 'CKR_NO_EVENT'],
  [0x009, 'CKR_NEED_TO_CREATE_THREADS'],
  [0x00a, 'CKR_CANT_LOCK'],
  [0x010, 'CKR_ATTRIBUTE_READ_ONLY', 'ERR_BACKEND_UNSUPPORTED'],
  [0x011, 'CKR_ATTRIBUTE_SENSITIVE'],
  [0x012, 'CKR_ATTRIBUTE_TYPE_INVALID', 'ERR_BACKEND_UNSUPPORTED'],
  [0x013, 'CKR_ATTRIBUTE_VALUE_INVALID', 'ERR_BACKEND_UNSUPPORTED'],
  [0x01b, 'CKR_ACTION_PROHIBITED', 'ERR_POLICY_REFUSED'],
  [0x020, 'CKR_DATA_INVALID'],
  [0x021, 'CKR_DATA_LEN_RANGE'],
  [0x030, 'CKR_DEVICE_ERROR', 'ERR_DEVICE_FAILED', 'session'],
  [0x031, 'CKR_DEVICE_MEMORY', 'ERR_DEVICE_FAILED', 'session', 'the token has no room left'],
  [0x032, 'CKR_DEVICE_REMOVED', 'ERR_DEVICE_UNAVAILABLE', 'reopen', gone],
  [0x040, 'CKR_ENCRYPTED_DATA_INVALID'],
  [0x041, 'CKR_ENCRYPTED_DATA_LEN_RANGE'],
  [0x042, 'CKR_AEAD_DECRYPT_FAILED'],
  [0x050, 'CKR_FUNCTION_CANCELED', 'ERR_POLICY_REFUSED', 'none', 'it was cancelled at the device'],
  [0x051, 'CKR_FUNCTION_NOT_PARALLEL'],
  [0x054, 'CKR_FUNCTION_NOT_SUPPORTED', 'ERR_BACKEND_UNSUPPORTED'],
  [0x060, 'CKR_KEY_HANDLE_INVALID', 'ERR_KEY_NOT_FOUND', 'session'],
  [0x062, 'CKR_KEY_SIZE_RANGE', 'ERR_KEY_UNUSABLE', 'none', notForHmac],
  [0x063, 'CKR_KEY_TYPE_INCONSISTENT', 'ERR_KEY_UNUSABLE', 'none', notForHmac],
  [0x064, 'CKR_KEY_NOT_NEEDED'],
  [0x065, 'CKR_KEY_CHANGED'],
  [0x066, 'CKR_KEY_NEEDED'],
  [0x067, 'CKR_KEY_INDIGESTIBLE', 'ERR_KEY_UNUSABLE', 'none', notForHmac],
  [0x068, 'CKR_KEY_FUNCTION_NOT_PERMITTED', 'ERR_KEY_UNUSABLE', 'none', notForHmac],
  [0x069, 'CKR_KEY_NOT_WRAPPABLE'],
  [0x06a, 'CKR_KEY_UNEXTRACTABLE'],
  [0x070, 'CKR_MECHANISM_INVALID', 'ERR_KEY_UNUSABLE', 'none', 'the token does not have CKM_SHA256_HMAC for this key'],
  [0x071, 'CKR_MECHANISM_PARAM_INVALID', 'ERR_KEY_UNUSABLE', 'none', notForHmac],
  [0x082, 'CKR_OBJECT_HANDLE_INVALID', 'ERR_KEY_NOT_FOUND', 'session'],
  [0x090, 'CKR_OPERATION_ACTIVE', 'ERR_DEVICE_FAILED', 'session'],
  [0x091, 'CKR_OPERATION_NOT_INITIALIZED', 'ERR_DEVICE_FAILED', 'session'],
  [0x0a0, 'CKR_PIN_INCORRECT', 'ERR_PIN_INCORRECT'],
  [0x0a1, 'CKR_PIN_INVALID', 'ERR_PIN_INCORRECT', 'none', 'the PIN has a character that this token does not take'],
  [0x0a2, 'CKR_PIN_LEN_RANGE', 'ERR_PIN_INCORRECT', 'none', 'the PIN is too short or too long for this token'],
  [0x0a3, 'CKR_PIN_EXPIRED', 'ERR_POLICY_REFUSED', 'none', 'set a new PIN (pkcs11-tool --change-pin)'],
  [0x0a4, 'CKR_PIN_LOCKED', 'ERR_PIN_LOCKED', 'none', officer],
  [0x0b0, 'CKR_SESSION_CLOSED', 'ERR_DEVICE_UNAVAILABLE', 'reopen', gone],
  [0x0b1, 'CKR_SESSION_COUNT', 'ERR_DEVICE_UNAVAILABLE', 'none', 'other programs hold every session of the token'],
  [0x0b3, 'CKR_SESSION_HANDLE_INVALID', 'ERR_DEVICE_UNAVAILABLE', 'reopen', gone],
  [0x0b4, 'CKR_SESSION_PARALLEL_NOT_SUPPORTED'],
  [0x0b5, 'CKR_SESSION_READ_ONLY', 'ERR_BACKEND_UNSUPPORTED'],
  [0x0b6, 'CKR_SESSION_EXISTS'],
  [0x0b7, 'CKR_SESSION_READ_ONLY_EXISTS'],
  [0x0b8, 'CKR_SESSION_READ_WRITE_SO_EXISTS'],
  [0x0c0, 'CKR_SIGNATURE_INVALID'],
  [0x0c1, 'CKR_SIGNATURE_LEN_RANGE'],
  [0x0d0, 'CKR_TEMPLATE_INCOMPLETE', 'ERR_BACKEND_UNSUPPORTED'],
  [0x0d1, 'CKR_TEMPLATE_INCONSISTENT', 'ERR_BACKEND_UNSUPPORTED'],
  [0x0e0, 'CKR_TOKEN_NOT_PRESENT', 'ERR_DEVICE_UNAVAILABLE', 'reopen', gone],
  [0x0e1, 'CKR_TOKEN_NOT_RECOGNIZED', 'ERR_DEVICE_UNAVAILABLE', 'reopen', gone],
  [0x0e2, 'CKR_TOKEN_WRITE_PROTECTED', 'ERR_BACKEND_UNSUPPORTED', 'none', 'this token takes no new keys'],
  [0x0f0, 'CKR_UNWRAPPING_KEY_HANDLE_INVALID'],
  [0x0f1, 'CKR_UNWRAPPING_KEY_SIZE_RANGE'],
  [0x0f2, 'CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT'],
  [0x100, 'CKR_USER_ALREADY_LOGGED_IN'],
  [0x101, 'CKR_USER_NOT_LOGGED_IN', 'ERR_DEVICE_FAILED', 'reopen'],
  [0x102, 'CKR_USER_PIN_NOT_INITIALIZED', 'ERR_PIN_REQUIRED', 'none', officer],
  [0x103, 'CKR_USER_TYPE_INVALID'],
  [0x104, 'CKR_USER_ANOTHER_ALREADY_LOGGED_IN', 'ERR_DEVICE_FAILED', 'none', 'another kind of user is logged in'],
  [0x105, 'CKR_USER_TOO_MANY_TYPES', 'ERR_DEVICE_FAILED', 'none', 'another kind of user is logged in'],
  [0x110, 'CKR_WRAPPED_KEY_INVALID'],
  [0x112, 'CKR_WRAPPED_KEY_LEN_RANGE'],
  [0x113, 'CKR_WRAPPING_KEY_HANDLE_INVALID'],
  [0x114, 'CKR_WRAPPING_KEY_SIZE_RANGE'],
  [0x115, 'CKR_WRAPPING_KEY_TYPE_INCONSISTENT'],
  [0x120, 'CKR_RANDOM_SEED_NOT_SUPPORTED'],
  [0x121, 'CKR_RANDOM_NO_RNG'],
  [0x130, 'CKR_DOMAIN_PARAMS_INVALID'],
  [0x140, 'CKR_CURVE_NOT_SUPPORTED'],
  [0x150, 'CKR_BUFFER_TOO_SMALL'],
  [0x160, 'CKR_SAVED_STATE_INVALID'],
  [0x170, 'CKR_INFORMATION_SENSITIVE'],
  [0x180, 'CKR_STATE_UNSAVEABLE'],
  [0x190, 'CKR_CRYPTOKI_NOT_INITIALIZED', 'ERR_DEVICE_UNAVAILABLE', 'reopen'],
  [0x191, 'CKR_CRYPTOKI_ALREADY_INITIALIZED'],
  [0x1a0, 'CKR_MUTEX_BAD'],
  [0x1a1, 'CKR_MUTEX_NOT_LOCKED'],
  [0x1b0, 'CKR_NEW_PIN_MODE', 'ERR_POLICY_REFUSED'],
  [0x1b1, 'CKR_NEXT_OTP', 'ERR_POLICY_REFUSED'],
  [0x1b5, 'CKR_EXCEEDED_MAX_ITERATIONS'],
  [0x1b6, 'CKR_FIPS_SELF_TEST_FAILED'],
  [0x1b7, 'CKR_LIBRARY_LOAD_FAILED'],
  [0x1b8, 'CKR_PIN_TOO_WEAK', 'ERR_POLICY_REFUSED'],
  [0x1b9, 'CKR_PUBLIC_KEY_INVALID'],
  [0x200, 'CKR_FUNCTION_REJECTED', 'ERR_POLICY_REFUSED', 'none', 'it was refused at the device'],
  [0x201, 'CKR_TOKEN_RESOURCE_EXCEEDED', 'ERR_DEVICE_FAILED', 'session', 'the token has no room left'],
  [0x202, 'CKR_OPERATION_CANCEL_FAILED', 'ERR_DEVICE_FAILED', 'session'],
  [0x203, 'CKR_KEY_EXHAUSTED', 'ERR_KEY_UNUSABLE'],
  [0x204, 'CKR_PENDING'],
  [0x205, 'CKR_SESSION_ASYNC_NOT_SUPPORTED'],
  [0x206, 'CKR_SEED_RANDOM_REQUIRED'],
  [0x207, 'CKR_OPERATION_NOT_VALIDATED', 'ERR_POLICY_REFUSED'],
  [0x208, 'CKR_TOKEN_NOT_INITIALIZED', 'ERR_DEVICE_UNAVAILABLE'],
  [0x209, 'CKR_PARAMETER_SET_NOT_SUPPORTED'],
]

const meanings: ReadonlyMap<number, Meaning> = new Map(
  rows.map(([status, name, code = 'ERR_DEVICE_FAILED', recovery = 'none', hint]) => [
    status,
    { name, code, recovery, hint },
  ]),
)

const recoveries: ReadonlyMap<string, Recovery> = new Map(rows.map(([, name, , recovery = 'none']) => [name, recovery]))

/** The name of a status, `CKR_PIN_INCORRECT`; `CKR_0x80000001` for one that no specification names. */
export function statusName(status: number): string {
  return meanings.get(status)?.name ?? `CKR_0x${status.toString(16).padStart(8, '0')}`
}

/** The failure that a status means, after the function that returned it. `device` in words: `token "prod"`. */
export function refusalError(functionName: string, status: number, device: string): HardkeyError {
  const name = statusName(status)
  const { code, hint = functionName === 'C_Initialize' ? setUp : undefined } =
    functionName === 'C_Login' ? loginMeaning(status) : plainMeaning(status)
  const text =
    code === 'ERR_PIN_INCORRECT' ? `${device} refused the PIN` : `${device} answered ${functionName} with ${name}`
  return new HardkeyError(code, text, { hint, serviceCode: name })
}

/** What may mend this failure. */
export function recoveryOf(error: unknown): Recovery {
  if (!(error instanceof HardkeyError) || error.serviceCode === undefined) return 'none'
  return recoveries.get(error.serviceCode) ?? 'none'
}

function plainMeaning(status: number): Pick<Meaning, 'code' | 'hint'> {
  return (
    meanings.get(status) ?? { code: 'ERR_DEVICE_FAILED', hint: 'the documentation of the module names this status' }
  )
}

function loginMeaning(status: number): Pick<Meaning, 'code' | 'hint'> {
  const name = statusName(status)
  if (name === 'CKR_FUNCTION_CANCELED' || name === 'CKR_FUNCTION_REJECTED' || name === 'CKR_CANCEL') {
    return { code: 'ERR_PIN_REQUIRED', hint: 'the PIN was not entered at the device; try again' }
  }
  // Some tokens answer a wrong PIN like this (F-P01). Any other code would let an opened key try the PIN again.
  if (name === 'CKR_GENERAL_ERROR' || name === 'CKR_FUNCTION_FAILED') {
    return { code: 'ERR_PIN_INCORRECT', hint: `it answered ${name}, as some tokens do; check the PIN first` }
  }
  return plainMeaning(status)
}
