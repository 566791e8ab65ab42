// The sessions of one record for as long as a command runs. In: the words of the command, and the roles that may be asked
// for. Out: a SessionSource.
// 1. The record is read anew for each session, so that a rotation needs no restart. A session that another process keeps is
//    taken, and what is got here is kept for others.
// 2. What unlocks the device is asked of a person or read from a descriptor once, and remembered until the end or until the
//    device refuses it.

import { randomInt } from 'node:crypto'
import { type KeptSession, leastSecondsForTools } from '../../credentials/kept-session.ts'
import { wholeSeconds } from '../../credentials/process-json.ts'
import { type KeeperOptions, SessionKeeper } from '../../credentials/session-keeper.ts'
import type { SessionSource } from '../../credentials/session-source.ts'
import { HardkeyError } from '../../errors.ts'
import { abortable } from '../../http/deadline.ts'
import { descriptorsOf, type PinSource, pinSourceOf, withAskedPinSource } from '../../key/pin-source.ts'
import { rememberPin } from '../../lifecycle/remembered-pin.ts'
import { checkAssumeRole } from '../../sts/inputs.ts'
import { pinPrompt } from '../ask/pin-prompt.ts'
import type { CommandContext } from '../command.ts'
import { type NamedKey, namedKey, toldOnce } from '../device/open-key.ts'
import type { PinGuard } from '../device/pin-latch.ts'
import { giveSession } from './give-session.ts'
import { keptSessions } from './kept-sessions.ts'
import { sessionRequest } from './session-request.ts'

export interface SourceOptions {
  /** Roles besides that of the options or the record. */
  readonly otherRoles?: readonly string[] | undefined
  /** With less left callers wait for a new session. Default 20 minutes; 26 for the instance metadata service. */
  readonly leastSeconds?: number | undefined
  /** With less left a session is not given, even where no new one can be had. Default: given to its end. */
  readonly lastSeconds?: number | undefined
  /** Warn of sessions that are too short to leave callers so much. */
  readonly tellsShort?: boolean | undefined
}

/** The sessions of a command. */
export interface CommandSessions extends SessionSource {
  /** The key of a session that was given, as its record said when the session came; the record may be another one by now. */
  keyOf(accessKeyId: string): NamedKey
}

/** Before callers would wait, a new session is got in the background; endpoints that start together do not do it together. */
const aheadSeconds = { least: 180, most: 240 }

/** Of a session's life: one that is shorter than it should be is given for its first fifth. */
const mostAhead = 0.8

/** A person is asked for an MFA code when a request could not be sent any more, and not before. */
const leastSecondsOfAsked = 60

/**
 * @throws ERR_USAGE, ERR_CONFIG_INVALID for what no session can be of, ERR_CACHE_UNSAFE for a cache folder of others;
 * nothing is fetched yet
 */
export async function sessionSource(context: CommandContext, options: SourceOptions = {}): Promise<CommandSessions> {
  const { leastSeconds = leastSecondsForTools, lastSeconds = 0, otherRoles = [] } = options
  const first = await namedKey(context)
  const request = await sessionRequest(context, first)
  const roleArn = request.action === 'AssumeRole' ? request.input.roleArn : undefined
  const own = roleArn ?? ''
  for (const role of otherRoles) checkOtherRole(role, first.accessKeyId)
  const asksForCode = request.action !== 'GetFederationToken' && request.input.serialNumber !== undefined
  const refreshAheadSeconds = leastSeconds + randomInt(aheadSeconds.least, aheadSeconds.most)
  const least = asksForCode ? Math.max(leastSecondsOfAsked, lastSeconds) : leastSeconds
  const windows = { refreshAheadSeconds, mostAhead, leastSeconds: least, lastSeconds, inBackground: !asksForCode }
  const keepers = new Map([own, ...otherRoles].map((role) => [role, keeper(context, windows)]))
  const warnIfShort = options.tellsShort === true ? shortSessionWarning(context, leastSeconds) : undefined
  const kept = keptSessions(context)
  const pin = pinUntilRefused(context)
  const closing = new AbortController()
  const signal = AbortSignal.any([context.signal, closing.signal])
  const given = new Map<string, { readonly accessKeyId: string; readonly named: NamedKey }>()
  const fetched = (role: string, isRenewal: boolean): Promise<KeptSession> =>
    pin.during(async (source) => {
      const asked = role === own ? {} : { roleArn: role }
      // A kept session that is as old as the one held is no new one.
      const wanted = isRenewal ? refreshAheadSeconds : leastSeconds
      const use = { ...kept, leastSeconds: wanted, lastSeconds, givesOld: !isRenewal, pin: source, ...asked }
      // What is noted of the request was noted above, once.
      const report = { ...context.report, note: context.report.step }
      const { named, latch } = readOnce(await namedKey(toldOnce(context)), kept.latch)
      const session = await giveSession({ ...context, signal, report }, named, { ...use, latch })
      given.set(role, { accessKeyId: session.credentials.accessKeyId, named })
      return session
    })
  return {
    roleArn,
    credentials: async (role = own, { signal } = {}) => {
      const keeper = keepers.get(role)
      if (keeper === undefined) throw notListed(role)
      const session = keeper.get(async () => {
        const { credentials, clockOffset, lasts } = await fetched(role, keeper.isHolding)
        warnIfShort?.(role, lasts)
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
function readOnce(named: NamedKey, latch: PinGuard): { readonly named: NamedKey; readonly latch: PinGuard } {
  if (descriptorsOf(named.uri).length === 0) return { named, latch }
  const guard: PinGuard['guard'] = (_asked, ...more) => latch.guard(named.uri, ...more)
  return { named: { ...named, uri: withAskedPinSource(named.uri) }, latch: { guard } }
}

function keeper(
  { report }: CommandContext,
  windows: Omit<KeeperOptions, 'monotonic' | 'onRefreshFailed'>,
): SessionKeeper {
  return new SessionKeeper({
    ...windows,
    monotonic: () => performance.now(),
    onRefreshFailed: (error, { expiration }) => {
      report.failure(error)
      report.warning(`the session of before is given on, which ends at ${wholeSeconds(expiration)}`)
    },
  })
}

/** Told once, until a session of that role is long enough again. */
function shortSessionWarning(
  { report }: CommandContext,
  leastSeconds: number,
): (role: string, lastsMilliseconds: number) => void {
  const told = new Set<string>()
  return (role, lasts) => {
    // What is left of such a session in its first fifth.
    if (lasts * mostAhead >= (leastSeconds + aheadSeconds.least) * 1000) told.delete(role)
    else if (!told.has(role)) {
      told.add(role)
      const [given, wanted] = [lasts / 60_000, leastSeconds / 60].map(Math.round)
      report.warning(`STS gives sessions of ${given} minutes, and programs need ${wanted} to be left; see --duration`)
    }
  }
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
