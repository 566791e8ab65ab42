// A failure that those who waited for the attempt share: they neither try the same again nor ask the person again. In: the
// runtime folder, a request and what went wrong. Out: the same failure in another process.

import { join } from 'node:path'
import { type ErrorCode, errorCodes, HardkeyError } from '../../errors.ts'
import { readPrivate } from '../../files/read-private.ts'
import { replaceAtomically } from '../../files/replace-atomically.ts'
import { fingerprint, stamped, stampedJson } from '../../files/stamp.ts'

/** Of the device, which all requests of the key have in common. */
const ofDevice = /^ERR_(PIN|DEVICE|KEY|POLICY|MFA)_/

/** STS throttles some calls and lets others through: so many attempts are made before those who wait give up too. */
const throttledAttempts = 5

const longestFailure = 65_536

/** Nanoseconds of a clock that all processes of the machine share and nobody sets (CLOCK_MONOTONIC). */
export function sharedClock(): bigint {
  return process.hrtime.bigint()
}

interface Failure {
  readonly request: string
  readonly at: bigint
  /** Attempts in a row that were throttled. */
  readonly throttled: number
  readonly error: HardkeyError
}

/** Where the failures of a key are told; `key` is its lines (session-text.ts). */
export class ToldFailure {
  readonly #path: string
  readonly #request: string
  /** When this process began to wait. */
  readonly #since: bigint

  constructor(folder: string, key: string, request: string, since: bigint) {
    this.#path = join(folder, `failure-${fingerprint(key)}`)
    this.#request = request
    this.#since = since
  }

  /** Throws what went wrong for another process meanwhile, where it would go wrong here too. */
  rethrow(): void {
    const failure = this.#read()
    if (failure === undefined || failure.at < this.#since) return
    const { error, request, throttled } = failure
    if (ofDevice.test(error.code)) throw error
    if (request === this.#request && (throttled === 0 || throttled >= throttledAttempts)) throw error
  }

  /** Tells the others. @throws ERR_CACHE_UNSAFE where the folder takes no file */
  async tell(error: HardkeyError): Promise<void> {
    const last = this.#read()
    const before = last !== undefined && last.at >= this.#since && last.request === this.#request ? last.throttled : 0
    const throttled = error.code === 'ERR_STS_REFUSED' && error.tryAgain ? before + 1 : 0
    const { code, message, hint, serviceCode, status, requestId, tryAgain } = error
    const told = { code, message, hint, serviceCode, status, requestId, tryAgain }
    const text = JSON.stringify({ request: this.#request, at: `${sharedClock()}`, throttled, told })
    await replaceAtomically(this.#path, Buffer.from(stamped(text)), { followLinks: false, code: 'ERR_CACHE_UNSAFE' })
  }

  #read(): Failure | undefined {
    return failureIn(stampedJson(readPrivate(this.#path, longestFailure)))
  }
}

/** Undefined for what `tell` does not write. */
function failureIn(value: unknown): Failure | undefined {
  const { request, at, throttled, told } = membersOf(value)
  const { code, message, ...options } = membersOf(told)
  if (typeof request !== 'string' || typeof at !== 'string' || !/^\d{1,20}$/.test(at)) return undefined
  if (!isCode(code) || typeof message !== 'string') return undefined
  return { request, at: BigInt(at), throttled: Number(throttled), error: new HardkeyError(code, message, options) }
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return Object.assign(Object.create(null), typeof value === 'object' ? value : undefined)
}

function isCode(value: unknown): value is ErrorCode {
  return errorCodes.some((code) => code === value)
}
