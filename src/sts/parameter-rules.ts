// The rules that STS puts on single parameters. In: a value and its name. Out: what goes into the form, or
// ERR_CONFIG_INVALID that names the parameter, the part and the limit.
// AWS STS API Reference, "Request Parameters" of each action.

import { HardkeyError } from '../errors.ts'
import { didYouMean } from '../key/did-you-mean.ts'
import type { Parameter } from '../query/form.ts'
import { partitions } from './partitions.ts'

/** Checks a value. Out: one text, or parameters whose names go on after that of the value (`.member.1.Key`). */
export type Rule = (value: unknown, name: string) => string | readonly Parameter[]

/** How a member of an input is spelled in the API, and its rule. In the order in which the AWS SDKs send them. */
export type Members = Readonly<Record<string, readonly [apiName: string, rule: Rule]>>

/** The error of every rule. `problem` follows the name: "roleArn has no account". */
export function invalid(name: string, problem: string, hint?: string): HardkeyError {
  return new HardkeyError('ERR_CONFIG_INVALID', `${name} ${problem}`, { hint })
}

/** Text of `least` to `most` characters, all of them in the class `allowed`, which `inWords` tells a person. */
export function text(least: number, most: number, allowed: RegExp, inWords: string): Rule {
  return (value, name) => {
    if (typeof value !== 'string') throw invalid(name, 'is not text')
    const characters = [...value]
    const { length } = characters
    if (length < least || length > most) throw invalid(name, `has ${length} characters, not ${least} to ${most}`)
    const strange = characters.findIndex((character) => !allowed.test(character))
    if (strange >= 0) {
      const place = `character ${strange + 1}${characters[strange] === ' ' ? ' is a space, which' : ''}`
      throw invalid(name, `does not fit: ${place} is not allowed`, `allowed are ${inWords}`)
    }
    return value
  }
}

/** A whole number of `least` to `most`. */
export function whole(least: number, most: number, unit: string): Rule {
  return (value, name) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return String(value)
    const given = typeof value === 'number' ? String(value) : 'not a number'
    throw invalid(name, `is ${given}; it takes whole ${unit} from ${least} to ${most}`)
  }
}

/** At most `most` values. An empty list is sent as none. */
export function listOf(most: number, rule: Rule): Rule {
  return (value, name) => {
    if (!Array.isArray(value)) throw invalid(name, 'is not a list')
    if (value.length > most) throw invalid(name, `has ${value.length} entries; ${most} are allowed`)
    return value.flatMap((entry: unknown, index) => named(`.member.${index + 1}`, rule(entry, `${name}[${index}]`)))
  }
}

/** An object with exactly these members. */
export function members(known: Members): Rule {
  return (value, name) => membersOf(known, [], value, name)
}

/** The parameters of an object that has these members and no others; those that are not `optional` must be there. */
export function membersOf(
  known: Members,
  optional: readonly string[],
  value: unknown,
  name: string,
): readonly Parameter[] {
  if (typeof value !== 'object' || value === null) throw invalid(name === '' ? 'the input' : name, 'is not an object')
  const given = new Map<string, unknown>(Object.entries(value))
  for (const key of given.keys()) if (!Object.hasOwn(known, key)) throw unknownMember(name, key, Object.keys(known))
  return Object.entries(known).flatMap(([key, [apiName, rule]]) => {
    const member = given.get(key)
    const memberName = name === '' ? key : `${name}.${key}`
    if (member !== undefined) return named(`.${apiName}`, rule(member, memberName))
    if (optional.includes(key)) return []
    throw invalid(memberName, 'is missing')
  })
}

function named(prefix: string, value: string | readonly Parameter[]): readonly Parameter[] {
  return typeof value === 'string' ? [[prefix, value]] : value.map(([name, text]) => [prefix + name, text])
}

function unknownMember(name: string, key: string, known: readonly string[]): HardkeyError {
  const likely = didYouMean(key, known)
  return invalid(
    name === '' ? `"${key.slice(0, 64)}"` : `${name}.${key.slice(0, 64)}`,
    'is not an input of this action',
    likely === undefined ? `there are ${known.join(', ')}` : `did you mean ${likely}`,
  )
}

const nameCharacters = 'letters, digits and _+=,.@-'

/** Names that end up in an ARN: role session name, source identity, federated user. */
export const nameOf = (most: number): Rule => text(2, most, /[\w+=,.@-]/, nameCharacters)

export const externalId: Rule = text(2, 1224, /[\w+=,.@:/-]/, `${nameCharacters.replace('@', '@:/')}`)

const tagCharacters = /[\p{L}\p{Z}\p{N}_.:/=+\-@]/u
const tagText = (least: number, most: number): Rule =>
  text(least, most, tagCharacters, 'letters, digits, spaces and _.:/=+-@')

export const tagKey: Rule = tagText(1, 128)
export const tagValue: Rule = tagText(0, 256)
export const contextAssertion: Rule = text(4, 2048, /\P{Cs}/u, 'all characters but lone surrogates')

/** A session policy. Its text is not shown in errors. */
export const policy: Rule = (value, name) => {
  const latin = text(1, 2048, /[\u0009\u000a\u000d\u0020-\u00ff]/, 'U+0020 to U+00FF, tabs and line ends')
  const json = latin(value, name)
  if (!isJsonObject(json)) throw invalid(name, 'is not a JSON object', 'give the policy document itself, as JSON text')
  return json
}

function isJsonObject(json: string | readonly Parameter[]): boolean {
  try {
    const parsed: unknown = JSON.parse(String(json))
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

/** The parts of `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`, the resource with its own colons. */
function arnParts(value: unknown, name: string, example: string): readonly string[] {
  if (typeof value !== 'string') throw invalid(name, 'is not text')
  const hint = `it looks like ${example}`
  if (!/^[\x21-\x7e]*$/.test(value)) throw invalid(name, 'has a space or another character that no ARN has', hint)
  if (value.length < 20 || value.length > 2048) {
    throw invalid(name, `has ${value.length} characters, not 20 to 2048`, hint)
  }
  const [arn, partition = '', service = '', region = '', account = '', ...resource] = value.split(':')
  if (arn !== 'arn' || resource.length === 0) throw invalid(name, 'is not an ARN', hint)
  if (!partitions.some((known) => known.name === partition)) {
    throw invalid(name, `names a partition that AWS does not have: "${partition.slice(0, 32)}"`, hint)
  }
  return [partition, service, region, account, resource.join(':')]
}

/** An ARN of IAM whose resource begins with `kind/`. `accounts`: what may stand as account beside twelve digits. */
function iamArn(kind: string, example: string, accounts: readonly string[] = []): Rule {
  return (value, name) => {
    const [, service, region, account = '', resource = ''] = arnParts(value, name, example)
    const hint = `it looks like ${example}`
    if (service !== 'iam') throw invalid(name, `has "${service}" as service, not iam`, hint)
    if (region !== '') throw invalid(name, 'has a region; ARNs of IAM have none', hint)
    if (account === '') throw invalid(name, 'has no account', hint)
    if (!/^\d{12}$/.test(account) && !accounts.includes(account)) {
      const digits = /^\d+$/.test(account) ? `of ${account.length} digits` : 'that is not a number'
      throw invalid(name, `has an account ${digits}; an account has 12`, hint)
    }
    if (!resource.startsWith(`${kind}/`)) {
      throw invalid(name, `names "${resource.slice(0, 32)}", not ${kind}/NAME`, hint)
    }
    const strange = /[*?]/.test(resource) ? 'has a wildcard' : 'has a character that IAM does not allow'
    if (!/^[\w+=,.@/-]*[\w+=,.@-]$/.test(resource)) throw invalid(name, `${strange} after ${kind}/`, hint)
    return String(value)
  }
}

export const roleArn: Rule = iamArn('role', 'arn:aws:iam::123456789012:role/NAME')
export const policyArn: Rule = iamArn('policy', 'arn:aws:iam::aws:policy/NAME', ['aws'])

/** Context providers belong to other services too: only the form of an ARN is asked for. */
export const providerArn: Rule = (value, name) => {
  arnParts(value, name, 'arn:aws:iam::aws:contextProvider/NAME')
  return String(value)
}

const mfaArn = iamArn('mfa', 'arn:aws:iam::123456789012:mfa/NAME')

/** The ARN of a virtual MFA device, or the serial number of a hardware one. */
export const serialNumber: Rule = (value, name) => {
  if (typeof value === 'string' && value.includes(':')) {
    if (/:u2f\//.test(value))
      throw invalid(name, 'is a security key', 'STS takes codes of six digits only: use mfa/NAME')
    return mfaArn(value, name)
  }
  return text(
    9,
    256,
    /[A-Za-z0-9]/,
    'letters and digits, or an ARN such as arn:aws:iam::123456789012:mfa/NAME',
  )(value, name)
}
