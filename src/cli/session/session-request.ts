// Which session is asked of STS, and how. In: the options of credential-process and the settings of the record.
// Out: exactly one action with its input by the API's own names. AWS STS API Reference 2011-06-15.

import { HardkeyError } from '../../errors.ts'
import type { RecordSettings } from '../../profiles/record.ts'
import {
  type AssumeRoleInput,
  checkAssumeRole,
  checkGetFederationToken,
  checkGetSessionToken,
  defaultSessionName,
  type GetFederationTokenInput,
  type GetSessionTokenInput,
  type Tag,
  type TokenCode,
} from '../../sts/inputs.ts'
import type { CommandContext } from '../command.ts'
import type { NamedKey } from '../device/open-key.ts'
import { byOption } from '../option-names.ts'
import { textOrFile } from '../request/text-or-file.ts'
import { cappedDuration, durationOption } from '../settings/durations.ts'
import { chainedRequest } from './role-chain.ts'

/** A role, and the session that signs for it; without one the key itself does. */
export interface RoleRequest {
  readonly action: 'AssumeRole'
  readonly input: AssumeRoleInput
  readonly via?: SessionRequest | undefined
}

/** One action with its input. */
export type SessionRequest =
  | RoleRequest
  | { readonly action: 'GetSessionToken'; readonly input: GetSessionTokenInput }
  | { readonly action: 'GetFederationToken'; readonly input: GetFederationTokenInput }

/**
 * The same with a session of the user in place of an MFA code, which the code opens: it serves every role of the MFA device,
 * and the person is asked once. Roles that a session signs for are named after the access key, as those of the key itself.
 */
export function throughMfaSession(request: SessionRequest, accessKeyId: string): SessionRequest {
  if (request.action !== 'AssumeRole') return request
  const { serialNumber, tokenCode, ...input } = request.input
  const via =
    serialNumber === undefined
      ? request.via && throughMfaSession(request.via, accessKeyId)
      : ({ action: 'GetSessionToken', input: { serialNumber, tokenCode } } as const)
  if (via === undefined) return request
  const roleSessionName = input.roleSessionName ?? defaultSessionName(accessKeyId)
  return { action: 'AssumeRole', input: { ...input, roleSessionName }, via }
}

/** Options that say something of a role, and of a federated user, and of neither. */
const ofRolesOnly = ['role-session-name', 'external-id', 'source-identity', 'transitive-tag-key'] as const
const notOfSessionTokens = [...ofRolesOnly, 'policy', 'policy-arn', 'tag'] as const
const notOfFederation = [...ofRolesOnly, 'mfa-serial', 'token-code', 'mfa-process'] as const

/**
 * GetFederationToken with `--federation-name`, AssumeRole with a role from option or record, else GetSessionToken. An
 * option that the action does not have is refused, not dropped; the input is checked before a device is opened.
 * `askedRole` comes before `--role-arn`.
 *
 * @throws ERR_USAGE, ERR_CONFIG_INVALID
 */
export async function sessionRequest(
  context: CommandContext,
  { settings, accessKeyId, profile }: NamedKey,
  askedRole?: string,
): Promise<SessionRequest> {
  const { args, report } = context
  const name = args.value('federation-name')
  const given = askedRole ?? args.value('role-arn')
  if (given !== undefined && args.has('no-role')) throw args.wrong('--no-role contradicts --role-arn')
  if (given !== undefined && name !== undefined) throw args.wrong('--federation-name contradicts --role-arn')
  const asked = durationOption(args, 'duration') ?? settings.durationSeconds
  const roleArn = args.has('no-role') ? undefined : (given ?? settings.roleArn)
  if (name !== undefined) {
    refuseOptions(context, notOfFederation, 'GetFederationToken')
    const durationSeconds = cappedDuration(report, 'GetFederationToken', asked)
    const input = { name, durationSeconds, tags: tags(context), ...(await policies(context)) }
    byOption(args, () => checkGetFederationToken(input))
    return { action: 'GetFederationToken', input }
  }
  if (roleArn === undefined) {
    refuseOptions(context, notOfSessionTokens, 'GetSessionToken (no role is given)')
    const durationSeconds = cappedDuration(report, 'GetSessionToken', asked)
    const input = { durationSeconds, ...mfaDevice(context, mfaSerial(context, settings)) }
    byOption(args, () => checkGetSessionToken(input))
    return { action: 'GetSessionToken', input }
  }
  const { through = [], role } = profile ?? {}
  const input = {
    roleArn,
    durationSeconds: cappedDuration(report, through.length === 0 ? 'AssumeRole' : 'chained', asked),
    roleSessionName: args.value('role-session-name') ?? context.environment.roleSessionName ?? settings.roleSessionName,
    externalId: args.value('external-id') ?? settings.externalId,
    sourceIdentity: args.value('source-identity') ?? role?.sourceIdentity,
    transitiveTagKeys: some(args.values('transitive-tag-key')) ?? role?.transitiveTagKeys,
    tags: tags(context) ?? role?.tags,
    ...(await policies(context)),
    ...mfaDevice(context, mfaSerial(context, settings)),
  }
  for (const before of through) checkAssumeRole(before, accessKeyId)
  byOption(args, () => checkAssumeRole(input, accessKeyId))
  return chainedRequest(through, input)
}

/** Refuses defaults of a new record that STS would refuse each time. @throws ERR_CONFIG_INVALID */
export function checkSessionSettings({ args }: CommandContext, settings: RecordSettings): void {
  const { roleArn, roleSessionName, externalId, durationSeconds, mfaSerial } = settings
  // The code is asked for when there is a session to make; the check wants to see that it can be.
  const tokenCode: TokenCode = async () => ''
  const device = mfaSerial === undefined ? {} : { serialNumber: mfaSerial, tokenCode }
  byOption(args, () =>
    roleArn === undefined
      ? checkGetSessionToken({ durationSeconds, ...device })
      : checkAssumeRole({ roleArn, roleSessionName, externalId, durationSeconds, ...device }, ''),
  )
}

function refuseOptions({ args }: CommandContext, names: readonly string[], action: string): void {
  const given = names.find((name) => args.values(name).length > 0)
  if (given !== undefined) throw args.wrong(`${action} does not take --${given}`)
}

/** The API takes a list that is there, or none; an empty one means nothing. */
function some<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list
}

async function policies({ args }: CommandContext): Promise<{
  readonly policy: string | undefined
  readonly policyArns: readonly { readonly arn: string }[] | undefined
}> {
  const policy = await textOrFile(args, 'policy')
  return {
    policy: policy === undefined ? undefined : Buffer.from(policy).toString('utf8'),
    policyArns: some(args.values('policy-arn').map((arn) => ({ arn }))),
  }
}

function tags({ args }: CommandContext): readonly Tag[] | undefined {
  const pairs = args.values('tag').map((pair) => {
    const at = pair.indexOf('=')
    if (at < 1) throw args.wrong('--tag needs KEY=VALUE')
    return { key: pair.slice(0, at), value: pair.slice(at + 1) }
  })
  return some(pairs)
}

/** The MFA device that options, environment or record name. */
export function mfaSerial({ args, environment }: CommandContext, record: RecordSettings): string | undefined {
  return args.value('mfa-serial') ?? environment.mfaSerial ?? record.mfaSerial
}

/** The MFA device with a code that is asked for when it is wanted. */
export async function mfaInput(
  context: CommandContext,
  serialNumber: string | undefined,
  signal: AbortSignal,
): Promise<MfaInput> {
  const input = mfaDevice(context, serialNumber)
  if (!('serialNumber' in input)) return input
  const { mfaCode } = await import('../ask/mfa-code.ts')
  return { ...input, tokenCode: await mfaCode(context, input.serialNumber, signal) }
}

type MfaInput = { readonly serialNumber: string; readonly tokenCode: TokenCode } | Record<never, never>

/** The same where the code may never be wanted, since a session is kept: it is not seen yet whether one can be had. */
function mfaDevice({ args }: CommandContext, serialNumber: string | undefined): MfaInput {
  if (serialNumber === undefined) {
    const given = ['token-code', 'mfa-process'].find((name) => args.has(name))
    if (given === undefined) return {}
    throw args.wrong(
      `--${given} is for an MFA device, and none is named`,
      'AWS_MFA_SERIAL names one for this run, and hardkey configure NAME --mfa-serial for good',
    )
  }
  byOption(args, () => checkGetSessionToken({ serialNumber, tokenCode: later }))
  return { serialNumber, tokenCode: later }
}

/** Stands for the code until it is asked for: `mfaCode`. */
const later: TokenCode = async () => {
  throw new HardkeyError('ERR_INTERNAL', 'the MFA code was not asked for')
}
