// `hardkey serve NAME`: temporary credentials for the programs of this user, until a signal. Out: once it answers, its clients'
// variables as shell lines; standard output ends there, so that `eval "$(hardkey serve prod &)"` goes on.

import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { CallerToken, newToken } from '../../endpoint/caller-token.ts'
import { type EndpointMode, startEndpoint } from '../../endpoint/endpoint.ts'
import type { Listening, Place } from '../../endpoint/place.ts'
import { leastSecondsGiven } from '../../endpoint/sessions.ts'
import { HardkeyError } from '../../errors.ts'
import { endpointAccount } from '../account/account.ts'
import type { CommandContext } from '../command.ts'
import { namedKey, toldOnce } from '../device/open-key.ts'
import { leaveTypedSignals, onHangup, untilAborted } from '../interrupt.ts'
import { containerLines, metadataLines } from '../program/client-variables.ts'
import { portOption } from '../program/port-option.ts'
import { TokenFile } from '../program/token-file.ts'
import { type SourceOptions, sessionSource } from '../session/session-source.ts'
import { durationOption } from '../settings/durations.ts'
import { regionSetting } from '../settings/settings.ts'

/**
 * botocore takes metadata credentials with less than 25 minutes left for good beyond their end, and asks again within ten
 * minutes: older versions within 2 to 10, newer within 0 to 5. So those with 11 minutes left are never used past their end.
 */
const metadataWindows: SourceOptions = { leastSeconds: 26 * 60, lastSeconds: 11 * 60 }

const containerWindows: SourceOptions = { lastSeconds: leastSecondsGiven }

/** A shorter session would have less than those minutes left soon after it came. */
const metadataShortestSeconds = 3600

/** What callers show, and what they are told of it. */
interface Proof {
  readonly mode: EndpointMode
  lines(at: Listening, region: string | undefined): readonly string[]
  close(): void
}

export async function serve(context: CommandContext): Promise<number> {
  const { args, output, report, now, signal } = context
  const place = placeOf(context)
  const isMetadata = args.has('imds')
  if (isMetadata) await refuseShortSessions(context)
  const otherRoles = args.values('also-role')
  const source = await sessionSource(context, {
    otherRoles,
    tellsShort: true,
    ...(isMetadata ? metadataWindows : containerWindows),
  })
  try {
    const region = (await regionSetting(context, source.keyOf('').settings))?.value
    const proof = isMetadata ? metadataProof(region) : await tokenProof(context)
    const onFailed = (error: unknown): void => {
      if (!signal.aborted) report.failure(error)
    }
    const anyUser = args.has('any-user')
    const { onHandedOut, settled } = endpointAccount(context, source)
    const endpoint = await startEndpoint({
      ...{ source, otherRoles, place, mode: proof.mode, now, random: randomBytes, anyUser, onFailed, onHandedOut },
    })
    try {
      if ('port' in endpoint.at) warnOfOtherUsers(context, endpoint.knowsOwners)
      for (const line of proof.lines(endpoint.at, region)) output.line(line)
      if ('socket' in endpoint.at)
        report.next(`hardkey relay ${endpoint.at.socket ?? 'SOCKET'}, where its programs run`)
      leaveTypedSignals()
      output.end()
      await untilAborted(signal)
    } finally {
      proof.close()
      // Callers that wait for a session are told, and not cut off.
      await Promise.all([source.close(), endpoint.close()])
      await settled()
    }
    throw signal.reason
  } finally {
    await source.close()
  }
}

/** @throws ERR_USAGE for options that contradict each other, ERR_CONFIG_INVALID for sockets of systemd that are not one */
function placeOf({ args, environment }: CommandContext): Place {
  const socket = args.value('socket')
  const port = portOption(args)
  if (socket !== undefined && port !== undefined) throw args.wrong('--port contradicts --socket')
  if (args.has('imds')) {
    for (const name of ['socket', 'token-file', 'also-role']) {
      if (args.values(name).length > 0) throw args.wrong(`--imds does not take --${name}`)
    }
  }
  const { listening } = environment
  if (listening === undefined || listening.pid !== String(process.pid)) {
    return socket === undefined ? { port: port ?? 0 } : { socket }
  }
  if (socket !== undefined || port !== undefined)
    throw args.wrong('systemd gave a socket: leave --port and --socket out')
  if (listening.descriptors === '1') return { descriptor: 3 }
  throw new HardkeyError('ERR_CONFIG_INVALID', `systemd gave ${listening.descriptors} sockets; one is served`, {
    hint: 'write one ListenStream= into the .socket unit',
  })
}

async function tokenProof({ args, report }: CommandContext): Promise<Proof> {
  const path = args.value('token-file')
  if (path === undefined) {
    const token = newToken(randomBytes)
    const mode = { token: new CallerToken(token) }
    return { mode, lines: (at, region) => containerLines(at, { token }, region), close: () => undefined }
  }
  const file = new TokenFile(path, randomBytes)
  const mode = { token: await file.open() }
  file.watch(() =>
    report.warning(`"${path}" was replaced or removed; its old token stays good until SIGHUP makes a new one`),
  )
  onHangup(() => {
    file.renew().then(
      () => report.note(`a new token is in "${path}"`),
      (error: unknown) => report.failure(error),
    )
  })
  return { mode, lines: (at, region) => containerLines(at, { file: resolve(path) }, region), close: () => file.close() }
}

function metadataProof(region: string | undefined): Proof {
  return {
    mode: { metadata: { region } },
    lines: (at) => ('port' in at ? metadataLines(at.port, region) : []),
    close: () => undefined,
  }
}

/** @throws ERR_USAGE, ERR_CONFIG_INVALID */
async function refuseShortSessions(context: CommandContext): Promise<void> {
  const { settings } = await namedKey(toldOnce(context))
  const seconds = durationOption(context.args, 'duration') ?? settings.durationSeconds
  if (seconds === undefined || seconds >= metadataShortestSeconds) return
  throw context.args.wrong('--imds needs sessions of an hour or more', 'give --duration 1h')
}

function warnOfOtherUsers({ args, report }: CommandContext, knowsOwners: boolean): void {
  if (args.has('imds')) {
    if (args.has('any-user')) report.warning('every user of this machine gets these credentials')
  } else if (!knowsOwners && process.platform === 'linux') {
    report.warning('/proc/net/tcp does not tell whose a connection is: the token alone keeps other users out')
  }
}
