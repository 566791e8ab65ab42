// The account of use: one line of JSON for each use of a device and for each credential that is handed out, to a file or to
// the journal. In: what was done. Out: a line, never with a secret; docs/account.md says what it can be joined with.
// 1. A line is one write at the end of the file, so lines of processes that run at once do not mix.
// 2. No fault of it ends a command or holds it up: a warning says that a line is missing.

import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import type { HandedOut as EndpointHandedOut } from '../../endpoint/endpoint.ts'
import { HardkeyError } from '../../errors.ts'
import { fileFailure } from '../../files/file-failure.ts'
import { thisUser } from '../../files/ownership.ts'
import type { DateKeySource } from '../../sigv4/date-key.ts'
import { checkAssumeRole } from '../../sts/inputs.ts'
import type { CommandContext } from '../command.ts'
import type { NamedKey } from '../device/open-key.ts'
import type { CommandSessions } from '../session/session-source.ts'
import { type Caller, parentCaller, SocketCallers } from './caller.ts'

/** One use of a device. */
export interface DeviceUse {
  readonly key: Pick<NamedKey, 'title' | 'accessKeyId'>
  /** `20261130/eu-west-1/sts`; undefined for a check of the key itself. */
  readonly scope?: string | undefined
}

/** Credentials that went to a caller. */
export interface HandedOut {
  /** That of the session. */
  readonly accessKeyId: string
  /** Default: the role of options, profile and record. */
  readonly roleArn?: string | undefined
  /** Default: the process that started this one. */
  readonly caller?: Caller | undefined
}

/** Neither call ever fails. */
export interface Account {
  /** False where no line is written anywhere. */
  readonly isKept: boolean
  deviceUsed(use: DeviceUse): Promise<void>
  handedOut(named: NamedKey, handed: HandedOut): Promise<void>
}

/** Where lines go: `--account`, else HARDKEY_ACCOUNT; without both nothing is written. */
export function accountFor(context: CommandContext): Account {
  const { args, now, report } = context
  const place = placeOf(context)
  if (place === undefined) return nowhere
  const write = async (
    event: string,
    { title: key, accessKeyId }: DeviceUse['key'],
    line: () => object,
    caller: Caller = parentCaller(),
  ): Promise<void> => {
    try {
      const start = { time: now().toISOString(), event, key, accessKeyId, reason: args.command }
      await writeLine(place, JSON.stringify({ ...start, ...line(), ...caller }))
    } catch (error) {
      if (!(error instanceof HardkeyError)) throw error
      report.warning(`a line of the account of use is missing: ${error.message}`)
    }
  }
  return {
    isKept: true,
    deviceUsed: ({ key, scope = null }) => write('device-used', key, () => ({ scope })),
    handedOut: (named, { accessKeyId, roleArn, caller }) =>
      write('handed-out', named, () => ({ session: accessKeyId, ...sessionNames(context, named, roleArn) }), caller),
  }
}

const nowhere: Account = {
  isKept: false,
  deviceUsed: async () => undefined,
  handedOut: async () => undefined,
}

/** The account of an endpoint, which waits for no line; `settled` does, at its end. */
export interface EndpointAccount {
  readonly onHandedOut: (handed: EndpointHandedOut) => void
  settled(): Promise<void>
}

/** Lines for what an endpoint gives out, each with the process that the kernel names for the connection. */
export function endpointAccount(context: CommandContext, { keyOf }: Pick<CommandSessions, 'keyOf'>): EndpointAccount {
  const account = accountFor(context)
  const callers = new SocketCallers()
  const pending = new Set<Promise<void>>()
  const tell = async ({ accessKeyId, roleArn, owner }: EndpointHandedOut): Promise<void> => {
    try {
      const named = keyOf(accessKeyId)
      await account.handedOut(named, { accessKeyId, roleArn, caller: await callers.of(owner) })
    } catch (error) {
      context.report.failure(error)
    }
  }
  return {
    onHandedOut: (handed) => {
      if (placeOf(context) === undefined) return
      const told = tell(handed).finally(() => pending.delete(told))
      pending.add(told)
    },
    settled: async () => {
      await Promise.all(pending)
    },
  }
}

function placeOf({ args, environment }: CommandContext): string | undefined {
  return args.value('account') ?? environment.account
}

/** The role, and by which names CloudTrail knows the session. */
function sessionNames({ args, environment }: CommandContext, named: NamedKey, given: string | undefined): object {
  const { accessKeyId, settings, profile } = named
  const federated = args.value('federation-name')
  const isOfUser = args.has('no-role') || federated !== undefined
  const roleArn = given ?? (isOfUser ? undefined : (args.value('role-arn') ?? settings.roleArn))
  if (roleArn === undefined) return { role: null, sessionName: federated ?? null, sourceIdentity: null }
  const roleSessionName = args.value('role-session-name') ?? environment.roleSessionName ?? settings.roleSessionName
  const { role } = checkAssumeRole({ roleArn, roleSessionName }, accessKeyId)
  const sourceIdentity = args.value('source-identity') ?? profile?.role?.sourceIdentity
  return { role: roleArn, sessionName: role?.sessionName ?? null, sourceIdentity: sourceIdentity ?? null }
}

async function writeLine(place: string, line: string): Promise<void> {
  if (place === 'journal') await (await import('./journal.ts')).writeToJournal(line)
  else appendLine(place, line)
}

/** @throws ERR_CONFIG_INVALID */
function appendLine(path: string, line: string): void {
  // O_NONBLOCK: a FIFO that nobody reads does not hold us up. A link may lead where another user wants.
  const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants
  let file: number | undefined
  try {
    file = openSync(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600)
    const stats = fstatSync(file)
    const isOurs = stats.isFile() && [0, thisUser() ?? 0].includes(stats.uid)
    if (!isOurs) throw Object.assign(new Error('no file of ours'), { code: 'EPERM' })
    const bytes = Buffer.from(`${endsMidLine(file, stats.size) ? '\n' : ''}${line}\n`)
    if (writeSync(file, bytes) < bytes.length) throw Object.assign(new Error('cut short'), { code: 'ENOSPC' })
  } catch (error) {
    throw fileFailure('write', path, 'ERR_CONFIG_INVALID', error)
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** A full disk cut the last line: this one shall stand on its own. */
function endsMidLine(file: number, size: number): boolean {
  const last = Buffer.alloc(1)
  return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a
}

/** The same keys; each DateKey is told as a use of the device. Those of a session are none. */
export function accountedKeys(context: CommandContext, title: string, keys: DateKeySource): DateKeySource {
  if (keys.sessionToken !== undefined) return keys
  const { accessKeyId } = keys
  return {
    accessKeyId,
    dateKey: async (date, options) => {
      const dateKey = await keys.dateKey(date, options)
      await accountFor(context).deviceUsed({ key: { title, accessKeyId } })
      return dateKey
    },
  }
}
