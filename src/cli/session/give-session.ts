// Good credentials for a program: those that are kept, else new ones. In: a named key, and where sessions are kept. Out: a
// session of which enough is left.
// 1. A kept session is given without a lock, a device or a question.
// 2. One process at a time asks for a new one, for all roles of a key; the others take what it got or what went wrong.
// 3. A failure does not end the old session: it is given with a warning for as long as it lasts, and nothing after that.
// 4. The Go SDK kills its helper after 60 seconds, so this answers or fails within 55, typing and waiting included.

import { uptime } from 'node:os'
import { join } from 'node:path'
import { isGoodFor, type KeptSession, millisecondsLeft } from '../../credentials/kept-session.ts'
import { wholeSeconds } from '../../credentials/process-json.ts'
import { hasSessions, type SessionStore } from '../../credentials/session-store.ts'
import { HardkeyError } from '../../errors.ts'
import { fingerprint } from '../../files/stamp.ts'
import { type WhileAlive, withLock } from '../../files/with-lock.ts'
import type { StartedBackend } from '../../key/hmac-key.ts'
import type { PinSource } from '../../key/pin-source.ts'
import { stsEndpoint } from '../../sts/endpoints.ts'
import type { TokenCode } from '../../sts/inputs.ts'
import { pinPrompt } from '../ask/pin-prompt.ts'
import type { CommandContext } from '../command.ts'
import type { NamedKey } from '../device/open-key.ts'
import type { PinGuard } from '../device/pin-latch.ts'
import { startedDevice } from '../device/started-device.ts'
import { type StsSettings, stsSettings } from '../settings/settings.ts'
import { type Asked, type DeviceUse, sessionByKey, sessionBySession } from './new-session.ts'
import { type SessionRequest, sessionRequest, throughMfaSession } from './session-request.ts'
import { keyText, nameText, requestText } from './session-text.ts'
import { sharedClock, ToldFailure } from './told-failure.ts'

const deadlineMilliseconds = 55_000

/** A holder that asks nobody is not waited for any longer: STS or the device keeps it, or it was stopped. */
const overdueMilliseconds = 10_000

/** A session that signs for another needs to last for one call. */
const signingSeconds = 60

export interface SessionUse {
  /** The runtime folder, for the lock and for failures that are shared; undefined where there is none. */
  readonly folder: string | undefined
  readonly store: SessionStore
  readonly latch: PinGuard
  /** A session with less left is not given, while a new one can be had. */
  readonly leastSeconds: number
  /** With less left the old session is not given, even where no new one can be had. Default: it is given to its end. */
  readonly lastSeconds?: number | undefined
  /** False where the caller holds the old session itself, and is to hear of a failure. */
  readonly givesOld?: boolean | undefined
  /** A new session in any case. */
  readonly fresh?: boolean | undefined
  /** In place of the role of options and record. */
  readonly roleArn?: string | undefined
  /** In place of the prompt of the command. */
  readonly pin?: PinSource | undefined
}

/**
 * A session as options, environment, record and profile say.
 *
 * @throws ERR_USAGE and ERR_CONFIG_INVALID before a device or STS is asked; ERR_TIMEOUT after 55 seconds; what the device
 * and STS throw where no old session lasts any longer
 */
export async function giveSession(context: CommandContext, named: NamedKey, given: SessionUse): Promise<KeptSession> {
  // What a polluted prototype would add was not said.
  const use: SessionUse = Object.assign(Object.create(null), given)
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(tooLate()), deadlineMilliseconds)
  const signal = AbortSignal.any([context.signal, deadline.signal])
  const early = startedIfCold(context, named, use)
  try {
    const asked = await sessionRequest(context, named, use.roleArn)
    const settings = await stsSettings(context, named.settings)
    const request = use.fresh === true ? asked : throughMfaSession(asked, named.accessKeyId)
    return await new Giving({ ...context, signal }, named, use, settings, early).give(request)
  } finally {
    clearTimeout(timer)
    await (await early)?.end()
  }
}

/** Where nothing is kept of the key, its device is begun to be opened before the rest is loaded. */
async function startedIfCold(
  context: CommandContext,
  named: NamedKey,
  { folder, fresh }: SessionUse,
): Promise<StartedBackend | undefined> {
  const isCold = folder === undefined || fresh === true || !hasSessions(folder, nameText(named))
  return isCold ? await startedDevice(context, named) : undefined
}

/** One request, with the sessions that it goes through. */
class Giving {
  readonly #context: CommandContext
  readonly #named: NamedKey
  readonly #use: SessionUse
  readonly #settings: StsSettings
  readonly #started: Promise<StartedBackend | undefined>
  readonly #key: string

  constructor(
    context: CommandContext,
    named: NamedKey,
    use: SessionUse,
    settings: StsSettings,
    started: Promise<StartedBackend | undefined>,
  ) {
    this.#context = context
    this.#named = named
    this.#use = use
    this.#settings = settings
    this.#started = started
    this.#key = keyText(named)
  }

  async give(request: SessionRequest): Promise<KeptSession> {
    const { folder, fresh, store, leastSeconds } = this.#use
    if (fresh === true) return await this.#fetch(request, (work) => work)
    const text = this.#textOf(request)
    const good = (): KeptSession | undefined => this.#good(text, leastSeconds)
    const kept = good()
    if (kept !== undefined) return kept
    if (folder === undefined) return await this.#fetchOrOld(request, (work) => work)
    const failure = new ToldFailure(folder, this.#key, text, sharedClock())
    const done = (): KeptSession | undefined => {
      const session = good()
      if (session === undefined) failure.rethrow()
      return session
    }
    const { signal, report } = this.#context
    const options = { waitMilliseconds: deadlineMilliseconds, overdueMilliseconds, signal, done }
    const lock = join(folder, `lock-${fingerprint(this.#key)}`)
    try {
      return await withLock(lock, options, async (_held, whileAlive) => {
        try {
          return await this.#fetch(request, whileAlive)
        } catch (error) {
          if (error instanceof HardkeyError) {
            await failure.tell(error).catch((untold: unknown) => report.step(String(untold)))
          }
          throw error
        }
      })
    } catch (error) {
      return this.#stillGood(store.read(text), error)
    }
  }

  async #fetchOrOld(request: SessionRequest, whileAlive: WhileAlive): Promise<KeptSession> {
    try {
      return await this.#fetch(request, whileAlive)
    } catch (error) {
      return this.#stillGood(this.#use.store.read(this.#textOf(request)), error)
    }
  }

  /** The old session to its end, or until so little is left that the caller has no use for it; then the failure. */
  #stillGood(old: KeptSession | undefined, error: unknown): KeptSession {
    const { now, report } = this.#context
    const { givesOld, lastSeconds = 0 } = this.#use
    if (
      !(error instanceof HardkeyError) ||
      givesOld === false ||
      old === undefined ||
      millisecondsLeft(old, now(), uptime()) <= lastSeconds * 1000
    )
      throw error
    report.warning(
      `${error.message}; the session of before is given, which ends at ${wholeSeconds(old.credentials.expiration)}`,
    )
    return old
  }

  /** A new session, which is kept. */
  async #fetch(request: SessionRequest, whileAlive: WhileAlive): Promise<KeptSession> {
    const { store, fresh } = this.#use
    const asked = { settings: this.#settings, request, text: this.#textOf(request), signal: this.#context.signal }
    const via = request.action === 'AssumeRole' ? request.via : undefined
    const session =
      via === undefined ? await this.#byKey(asked, whileAlive) : await this.#bySession(asked, via, whileAlive)
    if (fresh !== true) await store.write(session)
    return session
  }

  async #byKey(asked: Asked, whileAlive: WhileAlive): Promise<KeptSession> {
    const { latch, pin = pinPrompt(this.#context, this.#named.uri) } = this.#use
    const request = await this.#withCode(asked.request, whileAlive)
    const patientPin: PinSource = (pinRequest) => whileAlive(pin(pinRequest))
    const patientLatch: PinGuard = { guard: (uri, signal, act) => latch.guard(uri, signal, act, whileAlive) }
    const device: DeviceUse = { started: await this.#started, pin: patientPin, latch: patientLatch }
    return await sessionByKey(this.#context, this.#named, { ...asked, request }, device)
  }

  /** The request with the code of its MFA device, for which the others wait while a person looks for it. */
  async #withCode(request: SessionRequest, whileAlive: WhileAlive): Promise<SessionRequest> {
    if (request.action === 'GetFederationToken' || request.input.serialNumber === undefined) return request
    const { mfaCode } = await import('../ask/mfa-code.ts')
    const code = await mfaCode(this.#context, request.input.serialNumber, this.#context.signal)
    const tokenCode: TokenCode = (mfaRequest) => whileAlive(code(mfaRequest))
    // The cast: a spread over a union loses which input belongs to which action.
    return { ...request, input: { ...request.input, tokenCode } } as SessionRequest
  }

  async #bySession(asked: Asked, via: SessionRequest, whileAlive: WhileAlive): Promise<KeptSession> {
    const kept = this.#use.fresh === true ? undefined : this.#good(this.#textOf(via), signingSeconds)
    const signing = kept ?? (await this.#fetch(via, whileAlive))
    try {
      return await sessionBySession(this.#context, signing, asked)
    } catch (error) {
      // Ended before its time: the access key was switched off, or the sessions of the user were.
      if (kept === undefined || !isEnded(error)) throw error
      return await sessionBySession(this.#context, await this.#fetch(via, whileAlive), asked)
    }
  }

  #good(text: string, leastSeconds: number): KeptSession | undefined {
    const session = this.#use.store.read(text)
    return session !== undefined && isGoodFor(session, leastSeconds, this.#context.now(), uptime())
      ? session
      : undefined
  }

  #textOf(request: SessionRequest): string {
    const { region, endpoint, useFipsEndpoint, useDualstackEndpoint } = this.#settings
    const place = { region: region?.value, endpoint: endpoint?.value, useFipsEndpoint, useDualstackEndpoint }
    return requestText(this.#key, stsEndpoint(place), request)
  }
}

function isEnded(error: unknown): boolean {
  if (!(error instanceof HardkeyError)) return false
  return ['ExpiredToken', 'ExpiredTokenException', 'InvalidClientTokenId'].includes(error.serviceCode ?? '')
}

function tooLate(): HardkeyError {
  return new HardkeyError('ERR_TIMEOUT', `no credentials within ${deadlineMilliseconds / 1000} seconds`, {
    hint: 'AWS tools wait no longer; --verbose tells which step took so long',
  })
}
