// The sessions of one record for as long as a command runs. In: the words of the command, and the roles that may be asked
// for. Out: a SessionSource.
// 1. The record is read anew for each session, so that a rotation needs no restart.
// 2. What unlocks the device is asked of a person or read from a descriptor once, and remembered until the end.

import { SessionKeeper } from '../credentials/session-keeper.ts'
import type { SessionSource } from '../credentials/session-source.ts'
import { HardkeyError } from '../errors.ts'
import { descriptorsOf, pinSourceOf, withAskedPinSource } from '../key/pin-source.ts'
import { rememberPin } from '../lifecycle/remembered-pin.ts'
import type { TemporaryCredentials } from '../sts/answer.ts'
import type { CommandContext } from './command.ts'
import { newSession } from './new-session.ts'
import { type NamedKey, namedKey } from './open-key.ts'
import { pinPrompt } from './pin-prompt.ts'
import { startedDevice } from './started-device.ts'

export interface SourceOptions {
  /** Roles besides that of the options or the record. */
  readonly otherRoles?: readonly string[] | undefined
  /** A session with less left is not given out. Default 20 minutes; 26 for the instance metadata service. */
  readonly leastSeconds?: number | undefined
}

/** Renewed when less is left: what AWS tools renew themselves at 15 minutes (SDK for Python) is never asked for twice. */
const defaultLeastSeconds = 20 * 60

/** @throws ERR_USAGE, ERR_CONFIG_INVALID for what no session can be of; nothing is fetched yet */
export async function sessionSource(context: CommandContext, options: SourceOptions = {}): Promise<SessionSource> {
  const first = await namedKey(context)
  const ask = rememberPin(async (request) => {
    const { uri } = await namedKey(context)
    return await pinSourceOf(uri, pinPrompt(context, uri))(request)
  })
  const roleArn = context.args.has('no-role') ? undefined : (context.args.value('role-arn') ?? first.settings.roleArn)
  const own = roleArn ?? ''
  const keepers = new Map([own, ...(options.otherRoles ?? [])].map((role) => [role, keeper(context, options)]))
  const closing = new AbortController()
  const fetched = async (role: string): Promise<TemporaryCredentials> => {
    const named = readOnce(await namedKey(context))
    const started = await startedDevice(context, named)
    try {
      const signal = AbortSignal.any([context.signal, closing.signal])
      const asked = role === own ? {} : { roleArn: role }
      const session = await newSession({ ...context, signal }, named, started, { pin: ask.source, ...asked })
      return session.credentials
    } finally {
      await started?.end()
    }
  }
  return {
    roleArn,
    credentials: (role = own, { signal } = {}) => {
      const kept = keepers.get(role)
      if (kept === undefined) throw notListed(role)
      const given = kept.get(async () => ({ credentials: await fetched(role), clock: context.now }), false)
      return signal === undefined ? given : unlessAborted(given, signal)
    },
    close: async () => {
      closing.abort(new HardkeyError('ERR_KEY_CLOSED', 'the source of sessions is closed'))
      ask.forget()
    },
  }
}

/** A descriptor gives what it holds to the first reader; a file may hold something else by the next session. */
function readOnce(named: NamedKey): NamedKey {
  return descriptorsOf(named.uri).length === 0 ? named : { ...named, uri: withAskedPinSource(named.uri) }
}

function keeper({ report }: CommandContext, { leastSeconds = defaultLeastSeconds }: SourceOptions): SessionKeeper {
  return new SessionKeeper({
    monotonic: () => performance.now(),
    refreshAheadSeconds: leastSeconds,
    inBackground: true,
    onRefreshFailed: (error) => report.failure(error),
  })
}

function notListed(role: string): HardkeyError {
  return new HardkeyError('ERR_CONFIG_INVALID', `the role ${role} is not one of those that are given out here`, {
    hint: 'name it with --also-role when the command starts',
  })
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
