// A session on the one token that is meant, logged in. In: a key URI, a PIN source. Out: a client that owns its process.
// 1. The order: load the module, look at the tokens, choose one, open a session, and only then ask for the PIN.
// 2. The PIN is asked for once and tried once, and wiped. A token that could be locked by it is not tried at all.
// 3. On every failure the process is gone before the error is thrown.

import { setTimeout as sleep } from 'node:timers/promises'
import { HardkeyError } from '../../errors.ts'
import { abortable } from '../../http/deadline.ts'
import type { DeviceContext, Protection } from '../../key/hmac-key.ts'
import { namesPerson } from '../../key/pin-source.ts'
import { timeLimit } from '../../key/time-limit.ts'
import type { KeyUri } from '../../key/uri.ts'
import { namesUnattendedPin, type TokenAddress } from './address.ts'
import { CKF_HW, CKF_HW_SLOT } from './constants.ts'
import { childEnvironment, type Environment } from './environment.ts'
import type { LibraryInfo, TokenInfo } from './messages.ts'
import { type Limits, ModuleClient } from './module-client.ts'
import { modulePathOf } from './module-path.ts'
import { chooseToken, describeToken, hasFlag, refuseRiskyLogin } from './token.ts'

/**
 * What the factories of this backend take; each has a default that suits.
 *
 * @example
 * ```ts
 * import { openKey } from 'hardkey'
 * import { pkcs11Backend } from 'hardkey/backends/pkcs11'
 * const backend = pkcs11Backend({ timeoutMilliseconds: 30_000 })
 * const key = await openKey('pkcs11:token=prod;object=aws?module-path=/usr/lib/libhsm.so', { backends: [backend] })
 * ```
 */
export interface Pkcs11Options {
  /** A call of the module that takes longer ends its process. 10000 by default. */
  readonly timeoutMilliseconds?: number | undefined
  /** The same for a login that a person types at the device. 45000 by default. */
  readonly pinPadTimeoutMilliseconds?: number | undefined
  /** After a device error that a new session did not mend, calls fail at once for so long. 5000 by default. */
  readonly pauseMilliseconds?: number | undefined
  /** What the module is set up by (SOFTHSM2_CONF and the like). Ours, `process.env`, by default. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined
  /**
   * Asked where a token had a wrong PIN before (CKF_USER_PIN_COUNT_LOW) and no person gives this one: true where it is
   * known to be another, and so may be tried. False by default. The last try before a token locks is never taken.
   */
  readonly isPinCorrected?: (() => boolean | Promise<boolean>) | undefined
}

/** The options with every default filled in. */
export interface Settings extends Limits {
  readonly pauseMilliseconds: number
  readonly environment: Environment | undefined
  readonly isPinCorrected: NonNullable<Pkcs11Options['isPinCorrected']>
}

/** @throws ERR_USAGE for a time that is not a number above 0, or is beyond 24 days */
export function settingsOf(options: Pkcs11Options): Settings {
  const settings = {
    timeoutMilliseconds: options.timeoutMilliseconds ?? 10_000,
    pinPadTimeoutMilliseconds: options.pinPadTimeoutMilliseconds ?? 45_000,
    pauseMilliseconds: options.pauseMilliseconds ?? 5000,
  }
  for (const [name, value] of Object.entries(settings)) timeLimit(name, value)
  return { ...settings, environment: options.environment, isPinCorrected: options.isPinCorrected ?? (() => false) }
}

export interface OpenWish {
  readonly uri: KeyUri
  readonly address: TokenAddress
  readonly settings: Settings
  readonly context: DeviceContext
  /** A session that may make and remove objects. */
  readonly write: boolean
  /** How an earlier login ended is not known: the token itself must show that no PIN was refused. */
  readonly isDoubtful?: boolean | undefined
}

export interface TokenSession {
  readonly client: ModuleClient
  readonly token: TokenInfo
  readonly protection: Protection
  /** False where the token asks nobody for a PIN. */
  readonly hasLogin: boolean
}

/** A process with a module that is initialised. The owner closes `client`. */
export interface LoadedModule {
  readonly client: ModuleClient
  readonly library: LibraryInfo
}

export type TakeModule = () => Promise<LoadedModule> | undefined

/** A process with the module loaded. @throws ERR_URI_INVALID, ERR_BACKEND_NOT_INSTALLED, ERR_DEVICE_FAILED, ERR_TIMEOUT */
export async function openModule(
  uri: KeyUri,
  settings: Settings,
  signal: AbortSignal | undefined,
): Promise<LoadedModule> {
  signal?.throwIfAborted()
  const module = modulePathOf(uri)
  const client = ModuleClient.start(childEnvironment(settings.environment ?? process.env, uri), settings)
  try {
    return { client, library: await client.load(module, signal) }
  } catch (error) {
    await client.kill()
    throw error
  }
}

/**
 * A session on the token, logged in where it asks for that. The caller closes `client`. `take` hands over a process that
 * was started for this URI before, where there is one.
 */
export async function openToken(wish: OpenWish, take?: TakeModule): Promise<TokenSession> {
  const { signal } = wish.context
  const { client, library } = await (take?.() ?? openModule(wish.uri, wish.settings, signal))
  try {
    const token = chooseToken(wish.address, await client.tokens(signal), library)
    client.device = describeToken(token)
    if (wish.write) refuseWriteProtected(token)
    await openSession(client, token, wish)
    const hasLogin = hasFlag(token, 'CKF_LOGIN_REQUIRED')
    if (hasLogin) await login(client, token, wish)
    return { client, token, protection: await protectionOf(client, token, signal), hasLogin }
  } catch (error) {
    await client.close()
    throw error
  }
}

/** Waits for a session where other programs hold them all, as long as one call may take. */
async function openSession(
  client: ModuleClient,
  token: TokenInfo,
  { write, context, settings }: OpenWish,
): Promise<void> {
  const end = performance.now() + settings.timeoutMilliseconds
  for (let pause = 20; ; pause = Math.min(2 * pause, 500)) {
    try {
      return await client.openSession(token, write, context.signal)
    } catch (error) {
      const isFull = error instanceof HardkeyError && error.serviceCode === 'CKR_SESSION_COUNT'
      if (!isFull || performance.now() + pause > end) throw error
    }
    await sleep(pause)
    context.signal?.throwIfAborted()
  }
}

async function login(client: ModuleClient, token: TokenInfo, wish: OpenWish): Promise<void> {
  const { uri, context, settings } = wish
  const isLow = hasFlag(token, 'CKF_USER_PIN_COUNT_LOW') && wish.isDoubtful !== true
  const isAttended = !namesUnattendedPin(uri) || namesPerson(uri)
  refuseRiskyLogin(token, isLow && (isAttended || (await settings.isPinCorrected())))
  const atDevice = hasFlag(token, 'CKF_PROTECTED_AUTHENTICATION_PATH') && !namesUnattendedPin(uri)
  const pin = atDevice ? undefined : await askPin(token, context)
  try {
    await client.login(pin, context.signal)
  } catch (error) {
    throw await withTriesLeft(error, client, token)
  } finally {
    pin?.fill(0)
  }
}

async function askPin(token: TokenInfo, { pin, signal }: DeviceContext): Promise<Uint8Array> {
  const before = hasFlag(token, 'CKF_USER_PIN_COUNT_LOW') ? '; the PIN before was wrong, few tries are left' : ''
  const asked = pin({ kind: 'PIN', target: `${describeToken(token)}${before}`, signal })
  // A source that never answers would keep the process, the key and its close() waiting.
  const answer = await abortable(asked, signal, (late) => late.fill(0))
  // To a module, no PIN means that the token asks for it itself.
  if (answer.length === 0) throw new HardkeyError('ERR_PIN_REQUIRED', `no PIN was given for ${describeToken(token)}`)
  return answer
}

/** After a refused PIN, what the token says of the tries that are left. Asking for it costs none. */
async function withTriesLeft(error: unknown, client: ModuleClient, token: TokenInfo): Promise<unknown> {
  if (!(error instanceof HardkeyError) || error.code !== 'ERR_PIN_INCORRECT' || client.ended) return error
  const now = (await client.tokens(undefined)).find(({ slotId }) => slotId === token.slotId)
  const tries =
    now === undefined
      ? ''
      : hasFlag(now, 'CKF_USER_PIN_LOCKED')
        ? 'the PIN is locked now; the security officer must set a new one'
        : hasFlag(now, 'CKF_USER_PIN_FINAL_TRY')
          ? 'one try is left before it locks'
          : 'it was tried once, and is not tried again by itself'
  const hint = [tries, error.hint ?? 'check the PIN, or where it comes from'].filter((part) => part !== '').join('; ')
  return new HardkeyError(error.code, error.message, { hint, serviceCode: error.serviceCode })
}

function refuseWriteProtected(token: TokenInfo): void {
  if (!hasFlag(token, 'CKF_WRITE_PROTECTED')) return
  throw new HardkeyError('ERR_BACKEND_UNSUPPORTED', `${describeToken(token)} is write-protected`, {
    hint: 'take another token, or lift its write protection',
    serviceCode: 'CKF_WRITE_PROTECTED',
  })
}

/** Hardware where slot or mechanism say so. A software token, as SoftHSM is, says it of neither. */
async function protectionOf(
  client: ModuleClient,
  token: TokenInfo,
  signal: AbortSignal | undefined,
): Promise<Protection> {
  if ((token.slotFlags & CKF_HW_SLOT) !== 0) return 'hardware'
  const flags = await client.mechanismFlags(signal)
  return flags !== undefined && (flags & CKF_HW) !== 0 ? 'hardware' : 'memory'
}
