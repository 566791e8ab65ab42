// What a caller asks of STS, by the API's own names in camelCase, checked before any device or network is used.
// In: the input of one action. Out: the parameters of its request in the API's order, or ERR_CONFIG_INVALID.
// AWS STS API Reference 2011-06-15: AssumeRole, GetSessionToken, GetFederationToken.

import { HardkeyError } from '../errors.ts'
import type { Parameter } from '../query/form.ts'
import * as rule from './parameter-rules.ts'

/** What the MFA callback is told. */
export interface MfaRequest {
  /** The ARN or the serial number of the MFA device. */
  readonly serialNumber: string
  readonly signal?: AbortSignal | undefined
}

/** Gives the six digits that the MFA device shows now. Asked once for each call; the code is sent once. */
export type TokenCode = (request: MfaRequest) => Promise<string>

/** A managed policy, by ARN. */
export interface PolicyDescriptorType {
  readonly arn: string
}

/** A session tag: key 1 to 128 characters, value up to 256. Keys that differ only in case are one key. */
export interface Tag {
  readonly key: string
  readonly value: string
}

/** A trusted context assertion, as an identity provider gave it: 4 to 2,048 characters. */
export interface ProvidedContext {
  readonly providerArn: string
  readonly contextAssertion: string
}

/**
 * Input of AssumeRole.
 *
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */
export interface AssumeRoleInput {
  /** `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`, of the partition of the region. */
  readonly roleArn: string
  /** 2 to 64 of letters, digits and `_+=,.@-`. Default: `hardkey-` and the access key ID. CloudTrail shows it. */
  readonly roleSessionName?: string | undefined
  /** At most 10. */
  readonly policyArns?: readonly PolicyDescriptorType[] | undefined
  /** A session policy: JSON text, at most 2,048 characters. */
  readonly policy?: string | undefined
  /** 900 to 43,200, and no more than the role allows; 3,600 where the caller is a role itself. Default 3,600. */
  readonly durationSeconds?: number | undefined
  /** At most 50. */
  readonly tags?: readonly Tag[] | undefined
  /** Keys from `tags` that go on to further sessions of a chain. */
  readonly transitiveTagKeys?: readonly string[] | undefined
  /** 2 to 1,224 of letters, digits and `_+=,.@:/-`. */
  readonly externalId?: string | undefined
  /** The MFA device: its ARN or the serial number of the hardware. Needs `tokenCode`. */
  readonly serialNumber?: string | undefined
  readonly tokenCode?: TokenCode | undefined
  /** 2 to 64 of letters, digits and `_+=,.@-`. */
  readonly sourceIdentity?: string | undefined
  /** At most 5. */
  readonly providedContexts?: readonly ProvidedContext[] | undefined
  /** 0 to 4,096 bytes. */
  readonly minimumSessionTokenSize?: number | undefined
}

/**
 * Input of GetSessionToken.
 *
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
 */
export interface GetSessionTokenInput {
  /** 900 to 129,600 (36 hours). Default 43,200. */
  readonly durationSeconds?: number | undefined
  /** The MFA device: its ARN or the serial number of the hardware. Needs `tokenCode`. */
  readonly serialNumber?: string | undefined
  readonly tokenCode?: TokenCode | undefined
  /** 0 to 4,096 bytes. */
  readonly minimumSessionTokenSize?: number | undefined
}

/**
 * Input of GetFederationToken. Without a policy the session may do nothing but what resources allow it by name.
 *
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
 */
export interface GetFederationTokenInput {
  /** The federated user: 2 to 32 of letters, digits and `_+=,.@-`. */
  readonly name: string
  /** A session policy: JSON text, at most 2,048 characters. */
  readonly policy?: string | undefined
  /** At most 10. */
  readonly policyArns?: readonly PolicyDescriptorType[] | undefined
  /** 900 to 129,600 (36 hours). Default 43,200. */
  readonly durationSeconds?: number | undefined
  /** At most 50. */
  readonly tags?: readonly Tag[] | undefined
  /** 0 to 4,096 bytes. */
  readonly minimumSessionTokenSize?: number | undefined
}

export type StsActionName = 'GetCallerIdentity' | 'AssumeRole' | 'GetSessionToken' | 'GetFederationToken'

/** An input that has passed. */
export interface CheckedInput {
  readonly action: StsActionName
  /** In the API's order, without the MFA code. */
  readonly parameters: readonly Parameter[]
  /** What the session may last: asked for, or the API's default. */
  readonly durationSeconds: number
  readonly mfa?: { readonly serialNumber: string; readonly tokenCode: TokenCode }
  /** What the answer must name. */
  readonly role?: { readonly arn: string; readonly sessionName: string }
  readonly federatedName?: string
}

const policyArns = rule.listOf(10, rule.members({ arn: ['arn', rule.policyArn] }))
const tags = rule.listOf(50, rule.members({ key: ['Key', rule.tagKey], value: ['Value', rule.tagValue] }))
const tokenSize = rule.whole(0, 4096, 'bytes')
/** The callback itself is not sent; its answer is put in later. */
const callback: rule.Rule = (value, name) => {
  if (typeof value !== 'function')
    throw rule.invalid(name, 'is not a function', 'give a function that asks for the code')
  return []
}

const assumeRoleMembers: rule.Members = {
  roleArn: ['RoleArn', rule.roleArn],
  roleSessionName: ['RoleSessionName', rule.nameOf(64)],
  policyArns: ['PolicyArns', policyArns],
  policy: ['Policy', rule.policy],
  durationSeconds: ['DurationSeconds', rule.whole(900, 43_200, 'seconds')],
  tags: ['Tags', tags],
  transitiveTagKeys: ['TransitiveTagKeys', rule.listOf(50, rule.tagKey)],
  externalId: ['ExternalId', rule.externalId],
  serialNumber: ['SerialNumber', rule.serialNumber],
  tokenCode: ['TokenCode', callback],
  sourceIdentity: ['SourceIdentity', rule.nameOf(64)],
  providedContexts: [
    'ProvidedContexts',
    rule.listOf(
      5,
      rule.members({
        providerArn: ['ProviderArn', rule.providerArn],
        contextAssertion: ['ContextAssertion', rule.contextAssertion],
      }),
    ),
  ],
  minimumSessionTokenSize: ['MinimumSessionTokenSize', tokenSize],
}

const getSessionTokenMembers: rule.Members = {
  durationSeconds: ['DurationSeconds', rule.whole(900, 129_600, 'seconds')],
  serialNumber: ['SerialNumber', rule.serialNumber],
  tokenCode: ['TokenCode', callback],
  minimumSessionTokenSize: ['MinimumSessionTokenSize', tokenSize],
}

const getFederationTokenMembers: rule.Members = {
  name: ['Name', rule.nameOf(32)],
  policy: ['Policy', rule.policy],
  policyArns: ['PolicyArns', policyArns],
  durationSeconds: ['DurationSeconds', rule.whole(900, 129_600, 'seconds')],
  tags: ['Tags', tags],
  minimumSessionTokenSize: ['MinimumSessionTokenSize', tokenSize],
}

function parametersOf(known: rule.Members, required: readonly string[], input: object): readonly Parameter[] {
  const optional = Object.keys(known).filter((name) => !required.includes(name))
  const parameters = rule.membersOf(known, optional, input, '')
  return parameters.map(([name, value]) => [name.slice(1), value])
}

/** @throws ERR_CONFIG_INVALID, ERR_MFA_REQUIRED where an MFA device is named and nobody can be asked for its code */
export function checkAssumeRole(input: AssumeRoleInput, accessKeyId: string): CheckedInput {
  const sessionName = input.roleSessionName ?? defaultSessionName(accessKeyId)
  const named = { ...input, roleSessionName: sessionName }
  const parameters = parametersOf(assumeRoleMembers, ['roleArn', 'roleSessionName'], named)
  checkTags(input.tags ?? [], input.transitiveTagKeys ?? [])
  return {
    action: 'AssumeRole',
    parameters,
    durationSeconds: input.durationSeconds ?? 3600,
    role: { arn: input.roleArn, sessionName },
    ...mfaOf(input),
  }
}

/** @throws ERR_CONFIG_INVALID, ERR_MFA_REQUIRED where an MFA device is named and nobody can be asked for its code */
export function checkGetSessionToken(input: GetSessionTokenInput): CheckedInput {
  const parameters = parametersOf(getSessionTokenMembers, [], input)
  return { action: 'GetSessionToken', parameters, durationSeconds: input.durationSeconds ?? 43_200, ...mfaOf(input) }
}

/** @throws ERR_CONFIG_INVALID */
export function checkGetFederationToken(input: GetFederationTokenInput): CheckedInput {
  const parameters = parametersOf(getFederationTokenMembers, ['name'], input)
  checkTags(input.tags ?? [], [])
  const durationSeconds = input.durationSeconds ?? 43_200
  return { action: 'GetFederationToken', parameters, durationSeconds, federatedName: input.name }
}

/** `hardkey-AKIA…`: CloudTrail then shows which access key it was. */
export function defaultSessionName(accessKeyId: string): string {
  return `hardkey-${accessKeyId.replace(/[^\w+=,.@-]/g, '-')}`.slice(0, 64)
}

function checkTags(given: readonly Tag[], transitive: readonly string[]): void {
  const keys = new Set<string>()
  for (const { key } of given) {
    if (/^aws:/i.test(key)) throw rule.invalid('tags', 'has a key that begins with aws:, which AWS keeps for itself')
    if (keys.has(key.toLowerCase())) throw rule.invalid('tags', `has the key "${key}" twice; case does not count`)
    keys.add(key.toLowerCase())
  }
  for (const key of transitive) {
    if (!keys.has(key.toLowerCase())) throw rule.invalid('transitiveTagKeys', `has "${key}", for which there is no tag`)
    keys.delete(key.toLowerCase())
  }
}

function mfaOf(input: Pick<AssumeRoleInput, 'serialNumber' | 'tokenCode'>): Pick<CheckedInput, 'mfa'> {
  const { serialNumber, tokenCode } = input
  if (serialNumber === undefined && tokenCode === undefined) return {}
  if (serialNumber === undefined) throw rule.invalid('serialNumber', 'is missing beside tokenCode')
  if (tokenCode !== undefined) return { mfa: { serialNumber, tokenCode } }
  throw new HardkeyError(
    'ERR_MFA_REQUIRED',
    `the MFA device ${serialNumber} is named, but nobody can be asked for its code`,
    {
      hint: 'give tokenCode, a function that asks for the six digits',
    },
  )
}
