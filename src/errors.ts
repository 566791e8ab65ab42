// What can go wrong, in one table.
// Every failure that hardkey reports is a HardkeyError with one of these codes; texts may change, codes do not.

/**
 * How it weighs. Wrong input: the fault lies in what the caller gave, and the command ends with status 2. Passing: the
 * same call may succeed later without a change; a refused PIN is never among these.
 */
type Weight = 'failure' | 'wrong input' | 'passing'

/** For each code how it weighs, and what has happened, for the reader of this table and of the documentation. */
const meanings = {
  ERR_USAGE: ['wrong input', 'the command or function was called in a way that it does not have'],
  ERR_CONFIG_INVALID: ['wrong input', 'a setting, a record or an AWS configuration file is malformed or out of range'],
  ERR_URI_INVALID: ['wrong input', 'the key URI is malformed or contradicts itself'],
  ERR_SECRET_INVALID: ['wrong input', 'what was given as secret access key, PIN or passphrase is not one'],
  ERR_KEY_FILE_INVALID: ['wrong input', 'a key file (keyset, PEM, backup) is malformed or holds another kind of key'],
  ERR_REQUEST_INVALID: ['wrong input', 'the request cannot be signed as it is'],
  ERR_BACKEND_UNKNOWN: ['wrong input', 'no backend has the scheme of this key URI'],
  ERR_BACKEND_NOT_INSTALLED: ['failure', 'the backend needs an optional package that is not installed'],
  ERR_BACKEND_UNSUPPORTED: ['failure', 'this device or system cannot do what was asked'],
  ERR_DEVICE_UNAVAILABLE: ['passing', 'the device is not there, or cannot be reached'],
  ERR_DEVICE_FAILED: ['failure', 'the device answered with an error or with something that cannot be right'],
  ERR_KEY_NOT_FOUND: ['failure', 'the device has no such key'],
  ERR_KEY_AMBIGUOUS: ['failure', 'several keys or tokens match; none is picked'],
  ERR_KEY_EXISTS: ['failure', 'a key of this name is there already; it is never overwritten'],
  ERR_KEY_UNUSABLE: [
    'failure',
    'the key is there, but cannot compute an HMAC-SHA256 or is not protected as it must be',
  ],
  ERR_KEY_CLOSED: ['failure', 'the key was used after close()'],
  ERR_PIN_REQUIRED: ['failure', 'the device needs a PIN or passphrase and none can be had'],
  ERR_PIN_INCORRECT: ['failure', 'the device refused the PIN or passphrase; it was tried once'],
  ERR_PIN_LOCKED: ['failure', 'the PIN is locked, or the next wrong try would lock it'],
  ERR_POLICY_REFUSED: ['failure', 'a policy of the device does not allow this use'],
  ERR_TIMEOUT: ['passing', 'the deadline passed'],
  ERR_DATE_REFUSED: ['failure', 'the date is not a real one, or not yesterday, today or tomorrow'],
  ERR_MFA_REQUIRED: ['failure', 'an MFA code is needed and none can be had'],
  ERR_STS_REFUSED: ['failure', 'STS, or another AWS service, answered with an error; its own code is in serviceCode'],
  ERR_STS_UNREACHABLE: ['passing', 'the endpoint could not be reached'],
  ERR_STS_RESPONSE_INVALID: ['failure', 'the answer is not one that AWS gives'],
  ERR_CACHE_UNSAFE: ['failure', 'a file or folder could be read or changed by others'],
  ERR_ROTATION_STOPPED: ['failure', 'a rotation stopped half way and can be resumed'],
  ERR_SDK_INCOMPATIBLE: ['failure', 'this version of the AWS SDK does not let hardkey sign'],
  ERR_INTERNAL: ['failure', 'a fault in hardkey itself'],
} as const

/** The stable codes. A `switch` over them is exhaustive. */
export type ErrorCode = keyof typeof meanings

const weightOf = (code: ErrorCode): Weight => meanings[code][0]

/** Every code, for tables and tests. */
export const errorCodes: readonly ErrorCode[] = Object.freeze(Object.keys(meanings) as ErrorCode[])

export interface HardkeyErrorOptions {
  /** What to do about it: one sentence, lower case, no full stop. */
  readonly hint?: string | undefined
  /** The original failure. Left out where it may carry a secret. */
  readonly cause?: unknown
  /** The status word of the device or service, unchanged: "CKR_PIN_INCORRECT", "Throttling". */
  readonly serviceCode?: string | undefined
  /** HTTP status of the answer that led here. */
  readonly status?: number | undefined
  /** The request id that AWS gave. */
  readonly requestId?: string | undefined
  /** Overrides what the code says about trying again: a throttled refusal may be tried again. */
  readonly tryAgain?: boolean | undefined
}

/**
 * The one error class. Decide on `code`; `message` says what happened and `hint` what to do, both in lower case, on one
 * line, without a secret. An aborted call does not throw this: it throws the signal's reason.
 *
 * @example
 * ```ts
 * import { HardkeyError, openKey } from 'hardkey'
 * try {
 *   await openKey('pkcs11:token=prod;object=aws?module-path=/usr/lib/libhsm.so&pin-source=file:/run/pin')
 * } catch (error) {
 *   if (error instanceof HardkeyError && error.code === 'ERR_PIN_INCORRECT') process.exitCode = 1
 *   else throw error
 * }
 * ```
 */
export class HardkeyError extends Error {
  override readonly name = 'HardkeyError'
  readonly code: ErrorCode
  // Declared and not defined: what there is not, util.inspect does not show.
  declare readonly hint: string | undefined
  declare readonly serviceCode: string | undefined
  declare readonly status: number | undefined
  declare readonly requestId: string | undefined
  /** True where the same call may succeed later without a change. */
  readonly tryAgain: boolean

  constructor(code: ErrorCode, message: string, options: HardkeyErrorOptions = {}) {
    super(shortened(onOneLine(message)), options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    if (options.hint !== undefined) this.hint = onOneLine(options.hint)
    if (options.serviceCode !== undefined) this.serviceCode = onOneLine(options.serviceCode)
    if (options.status !== undefined) this.status = options.status
    if (options.requestId !== undefined) this.requestId = onOneLine(options.requestId)
    this.tryAgain = options.tryAgain ?? weightOf(code) === 'passing'
  }
}

/** A name of 64 KiB may stand in a message: of a longer one the beginning is told. */
const longestMessage = 2000

function shortened(line: string): string {
  return line.length <= longestMessage ? line : `${line.slice(0, longestMessage)}…`
}

/** True where the code says that the caller's input is at fault: the command then ends with status 2. */
export function isWrongInput(code: ErrorCode): boolean {
  return weightOf(code) === 'wrong input'
}

/**
 * Makes foreign text safe for one line of a terminal: control characters, line and paragraph separators and the marks
 * that turn the direction of writing appear as \u escapes.
 */
export function onOneLine(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
