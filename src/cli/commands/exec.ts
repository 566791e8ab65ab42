// `hardkey exec NAME [-- CMD …]`: another program with the credentials of a key. Out: the status of the program.
// By default it gets the address and the token of an endpoint of its own, which lives as long as it and renews sessions;
// with `--env` the credentials themselves, in variables, until they expire.

import { randomBytes } from 'node:crypto'
import { closeSync, fstatSync } from 'node:fs'
import { wholeSeconds } from '../../credentials/process-json.ts'
import { CallerToken, newToken } from '../../endpoint/caller-token.ts'
import { startEndpoint } from '../../endpoint/endpoint.ts'
import { leastSecondsGiven } from '../../endpoint/sessions.ts'
import { HardkeyError } from '../../errors.ts'
import { systemCode } from '../../files/file-failure.ts'
import { descriptorsOf } from '../../key/pin-source.ts'
import { botoSignIn, signInOf } from '../../profiles/sign-in.ts'
import { accountFor, endpointAccount } from '../account/account.ts'
import { lentTerminal } from '../ask/lent-terminal.ts'
import type { CommandContext } from '../command.ts'
import { awsFiles, type NamedKey, namedKey, toldOnce } from '../device/open-key.ts'
import { credentialVariables } from '../program/credential-variables.ts'
import { isolatedConfig } from '../program/isolated-config.ts'
import { programEnvironment } from '../program/program-environment.ts'
import { runProgram } from '../program/run-program.ts'
import { runtimeFolder } from '../session/runtime-folder.ts'
import { type CommandSessions, sessionSource } from '../session/session-source.ts'
import { regionSetting } from '../settings/settings.ts'

type Variables = Readonly<Record<string, string>>

/** Runs the program, or the user's shell. */
export async function exec(context: CommandContext): Promise<number> {
  const { args, environment, signal } = context
  const variables = environment.all()
  refuseContradictions(context)
  // The source of sessions tells what is chosen for the key.
  const named = await namedKey(toldOnce(context))
  const sources = descriptorsOf(named.uri).map((descriptor) => ({ descriptor, file: fileAt(descriptor) }))
  if (!args.has('env') && !args.has('isolate-config')) await refuseDefaultProfile(context)
  const region = (await regionSetting(context, named.settings))?.value
  const { terminal, prompts, lend } = lentTerminal(context.terminal, environment.prompts)
  const isolated = args.has('isolate-config')
    ? await isolatedConfig(region, runtimeFolder(context, args.value('cache-dir')))
    : undefined
  try {
    return await withCredentials(
      { ...context, terminal, environment: { ...environment, prompts } },
      (credentials, until) => {
        signal.throwIfAborted()
        if (args.program.length === 0) tellOfShell(context, named, until)
        lend()
        for (const { descriptor, file } of sources) closeIfStill(descriptor, file)
        const name = nameOf(named)
        const surroundings = { name, uri: named.uri, region, credentials: { ...isolated?.variables, ...credentials } }
        const words = args.program.length === 0 ? [environment.shell ?? '/bin/sh'] : args.program
        return runProgram({ words, environment: programEnvironment(variables, surroundings) }, context.report)
      },
    )
  } finally {
    isolated?.remove()
  }
}

function refuseContradictions({ args, environment }: CommandContext): void {
  const around = environment.surroundingExec
  if (around !== undefined) {
    throw new HardkeyError('ERR_USAGE', `this is run by hardkey exec already, with the credentials of ${around}`, {
      hint: 'leave that shell first (Ctrl-D), or run the other command from another one',
    })
  }
  if (!args.has('env')) return
  if (args.values('also-role').length > 0) throw args.wrong('--env gives one session, so there is no --also-role')
}

/** @throws ERR_CONFIG_INVALID where the program would take another identity without a word */
async function refuseDefaultProfile({ environment }: CommandContext): Promise<void> {
  const { boto, ...files } = environment.botocoreFiles()
  const ofProfile = (await signInOf(awsFiles(environment), 'default')) ?? (await signInOf(files, 'default'))
  const signIn = ofProfile ?? (await botoSignIn(boto))
  if (signIn === undefined) return
  const who = ofProfile === undefined ? 'the SDK for Python' : 'the AWS profile "default"'
  const message = `${who} signs in by ${signIn.setting}, which would win over the endpoint`
  throw new HardkeyError('ERR_CONFIG_INVALID', message, {
    hint:
      `it stands in ${signIn.place}: give the program AWS files of its own (--isolate-config) ` +
      'or credentials in variables (--env), or take it out of there',
  })
}

/** Lends what the program gets its credentials by, once there are some, and when they end where nobody renews them. */
async function withCredentials(
  context: CommandContext,
  run: (credentials: Variables, until: Date | undefined) => Promise<number>,
): Promise<number> {
  const { args } = context
  const isEndpoint = !args.has('env')
  const lastSeconds = isEndpoint ? leastSecondsGiven : 0
  const otherRoles = args.values('also-role')
  const source = await sessionSource(context, { otherRoles, tellsShort: isEndpoint, lastSeconds })
  try {
    if (isEndpoint) return await withEndpoint(context, source, (variables) => run(variables, undefined))
    const session = await source.credentials()
    await source.close()
    await accountFor(context).handedOut(source.keyOf(session.accessKeyId), session)
    return await run(credentialVariables(session), session.expiration)
  } finally {
    await source.close()
  }
}

async function withEndpoint(
  context: CommandContext,
  source: CommandSessions,
  run: (variables: Variables) => Promise<number>,
): Promise<number> {
  const { args, now, report } = context
  const token = newToken(randomBytes)
  const { onHandedOut, settled } = endpointAccount(context, source)
  const endpoint = await startEndpoint({
    source,
    otherRoles: args.values('also-role'),
    place: { port: 0 },
    mode: { token: new CallerToken(token) },
    random: randomBytes,
    now,
    onHandedOut,
    onFailed: (error) => report.failure(error),
  })
  try {
    if (!('port' in endpoint.at)) throw new HardkeyError('ERR_INTERNAL', 'the endpoint has no port')
    return await run({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${endpoint.at.port}/`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: token,
    })
  } finally {
    await endpoint.close()
    await settled()
  }
}

/** Which file a descriptor stands for; undefined where it is not open. */
function fileAt(descriptor: number): string | undefined {
  try {
    const { dev, ino } = fstatSync(descriptor)
    return `${dev}:${ino}`
  } catch (error) {
    if (systemCode(error) === 'EBADF') return undefined
    throw error
  }
}

/**
 * Node lets no program inherit the descriptors that it was started with, up to 16 and from there to the first that is not open
 * (libuv, uv_disable_stdio_inheritance); the others are closed here. A pipe that was read to its end is closed already, and its
 * number may be that of our own socket.
 */
function closeIfStill(descriptor: number, file: string | undefined): void {
  if (descriptor > 2 && file !== undefined && fileAt(descriptor) === file) closeSync(descriptor)
}

/** A key URI is no name: it may hold what no prompt must show. */
function nameOf({ title, accessKeyId }: NamedKey): string {
  return title === 'the key' ? accessKeyId : title
}

function tellOfShell({ output, report }: CommandContext, named: NamedKey, until: Date | undefined): void {
  if (!output.isTerminal()) return
  const end = until === undefined ? 'renewed as long as it runs' : `until ${wholeSeconds(until)}`
  report.note(`this shell has the credentials of ${nameOf(named)}, ${end}; leave it with Ctrl-D`)
}
