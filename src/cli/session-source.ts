// The sessions of one record for as long as a command runs. In: the words of the command, and the roles that may be asked
// for. Out: a SessionSource.
// 1. The record is read anew for each session, so that a rotation needs no restart. A session that another process keeps is
//    taken, and what is got here is kept for others.
// 2. What unlocks the device is asked of a person or read from a descriptor once, and remembered until the end or until the
//    device refuses it.

import { type KeptSession, leastSecondsForTools } from '../credentials/kept-session.ts'
import { SessionKeeper } from '../credentials/session-keeper.ts'
import type { SessionSource } from '../credentials/session-source.ts'
import { HardkeyError } from '../errors.ts'
import { abortable } from '../http/deadline.ts'
import { descriptorsOf, type PinSource, pinSourceOf, withAskedPinSource } from '../key/pin-source.ts'
import { rememberPin } from '../lifecycle/remembered-pin.ts'
import { checkAssumeRole } from '../sts/inputs.ts'
import type { CommandContext } from './command.ts'
import { giveSession } from './give-session.ts'
import { keptSessions } from './kept-sessions.ts'
import { type NamedKey, namedKey, toldOnce } from './open-key.ts'
import { pinPrompt } from './pin-prompt.ts'
import { sessionRequest } from './session-request.ts'

export interface SourceOptions {
  /** Roles besides that of the options or the record. */
  readonly otherRoles?: readonly string[] | undefined
  /** A session with less left is not given out. Default 20 minutes; 26 for the instance metadata service. */
  readonly leastSeconds?: number | undefined
}

/** The sessions of a command. */
export interface CommandSessions extends SessionSource {
  /** The key of a session that was given, as its record said when the session came; the record may be another one by now. */
  keyOf(accessKeyId: string): NamedKey
}

/**
 * @throws ERR_USAGE, ERR_CONFIG_INVALID for what no session can be of, ERR_CACHE_UNSAFE for a cache folder of others;
 * nothing is fetched yet
 */
export async function sessionSource(context: CommandContext, options: SourceOptions = {}): Promise<CommandSessions> {
  const { leastSeconds = leastSecondsForTools, otherRoles = [] } = options
  const first = await namedKey(context)
  const request = await sessionRequest(context, first)
  const roleArn = request.action === 'AssumeRole' ? request.input.roleArn : undefined
  const own = roleArn ?? ''
  for (const role of otherRoles) checkOtherRole(role, first.accessKeyId)
  const asksForCode = request.action !== 'GetFederationToken' && request.input.serialNumber !== undefined
  const keepers = new Map([own, ...otherRoles].map((role) => [role, keeper(context, leastSeconds, !asksForCode)]))
  const kept = keptSessions(context)
  const pin = pinUntilRefused(context)
  const closing = new AbortController()
  const signal = AbortSignal.any([context.signal, closing.signal])
  const given = new Map<string, { readonly accessKeyId: string; readonly named: NamedKey }>()
  const fetched = (role: string, givesOld: boolean): Promise<KeptSession> =>
    pin.during(async (source) => {
      const asked = role === own ? {} : { roleArn: role }
      const use = { ...kept, leastSeconds, givesOld, pin: source, ...asked }
      // What is noted of the request was noted above, once.
      const report = { ...context.report, note: context.report.step }
      const named = readOnce(await namedKey(toldOnce(context)))
      const session = await giveSession({ ...context, signal, report }, named, use)
      given.set(role, { accessKeyId: session.credentials.accessKeyId, named })
      return session
    })
  return {
    roleArn,
    credentials: async (role = own, { signal } = {}) => {
      const keeper = keepers.get(role)
      if (keeper === undefined) throw notListed(role)
      const session = keeper.get(async () => {
        const { credentials, clockOffset, lasts } = await fetched(role, !keeper.isHolding)
        return { credentials, clock: () => new Date(context.now().getTime() + clockOffset), whole: lasts }
      }, false)
      return await abortable(session, signal)
    },
    keyOf: (accessKeyId) => [...given.values()].find((one) => one.accessKeyId === accessKeyId)?.named ?? first,
    close: async () => {
      closing.abort(new HardkeyError('ERR_KEY_CLOSED', 'the source of sessions is closed'))
      pin.forget()
    },
  }
}

/** A descriptor gives what it holds to the first reader; a file may hold something else by the next session. */
function readOnce(named: NamedKey): NamedKey {
  return descriptorsOf(named.uri).length === 0 ? named : { ...named, uri: withAskedPinSource(named.uri) }
}

/** A person is not asked in the background, while the old session is good. */
function keeper({ report }: CommandContext, leastSeconds: number, inBackground: boolean): SessionKeeper {
  return new SessionKeeper({
    monotonic: () => performance.now(),
    refreshAheadSeconds: leastSeconds,
    inBackground,
    onRefreshFailed: (error) => report.failure(error),
  })
}

interface AskedPin {
  /** Runs an act with the source. What the act says of a refused PIN, it says to every later act at once. */
  during<T>(act: (source: PinSource) => Promise<T>): Promise<T>
  forget(): void
}

/** What a person typed, until the device refuses it: then it is not tried again, and nobody is asked again. */
function pinUntilRefused(context: CommandContext): AskedPin {
  const typed = rememberPin(async (request) => {
    const { uri } = await namedKey(toldOnce(context))
    return await pinSourceOf(uri, pinPrompt(context, uri))(request)
  })
  let refusal: HardkeyError | undefined
  return {
    during: async (act) => {
      if (refusal !== undefined) throw refusal
      let isUsed = false
      try {
        return await act((request) => {
          isUsed = true
          return typed.source(request)
        })
      } catch (error) {
        if (isUsed && error instanceof HardkeyError && error.code === 'ERR_PIN_INCORRECT') {
          refusal = error
          typed.forget()
        }
        throw error
      }
    },
    forget: typed.forget,
  }
}

/** Known now, so said now: not when a program asks for it. @throws ERR_CONFIG_INVALID */
function checkOtherRole(roleArn: string, accessKeyId: string): void {
  try {
    checkAssumeRole({ roleArn }, accessKeyId)
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    const message = error.message.replace(/^roleArn/, '--also-role')
    throw new HardkeyError(error.code, message, { hint: error.hint, cause: error })
  }
}

function notListed(role: string): HardkeyError {
  return new HardkeyError('ERR_CONFIG_INVALID', `the role ${role} is not one of those that are given out here`, {
    hint: 'name it with --also-role when the command starts',
  })
}
