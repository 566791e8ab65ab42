// `hardkey policy NAME [PART]`: the least policies that go with a key. In: a record, options. Out: policy documents for
// IAM and for the server of a vault: key; one part alone is the bare document, for a pipe. Nothing is changed but with --apply.

import { isIP } from 'node:net'
import {
  type PolicyDocument,
  type PolicyInput,
  revokePolicy,
  rotatePolicy,
  signatureAgePolicy,
  trustPolicy,
  userPolicy,
} from '../../lifecycle/aws-policies.ts'
import type { RecordSettings } from '../../profiles/record.ts'
import { checkAssumeRole } from '../../sts/inputs.ts'
import { partitionOfRegion } from '../../sts/partitions.ts'
import { quoted } from '../args.ts'
import { pinPrompt } from '../ask/pin-prompt.ts'
import { makePolicy, policyLines } from '../check-in/import-policy.ts'
import type { CommandContext } from '../command.ts'
import { withDateKeys } from '../device/date-keys.ts'
import { type NamedKey, namedKey } from '../device/open-key.ts'
import { byOption } from '../option-names.ts'
import { stsSettings } from '../settings/settings.ts'
import { refuseStoreWithoutSts } from '../settings/store-without-sts.ts'

/** A day: what a link of a leaked day key may live at a bucket with that policy. */
const signatureAgeSeconds = 86_400

/** One policy with what it is for. */
interface Part {
  readonly name: string
  readonly title: string
  readonly document: PolicyDocument | undefined
  /** Where there is no document: why. */
  readonly note?: string | undefined
}

/** Prints all parts with a line on each, or one. */
export async function policy(context: CommandContext): Promise<number> {
  const { args, output } = context
  const named = await namedKey(context)
  const part = args.optionalWord('PART')
  if (part === 'vault') return await vaultPolicy(context, named)
  if (args.has('apply') || args.value('policy-months') !== undefined) {
    throw args.wrong('--apply and --policy-months are for the part vault')
  }
  const parts = await awsParts(context, named, part)
  const chosen = part === undefined ? parts : parts.filter(({ name }) => name === part)
  const [first] = chosen
  if (first === undefined) throw args.wrong(`there is no part of this name; there are ${[...partNames].join(', ')}`)
  if (part !== undefined && first.document === undefined) throw args.wrong(first.note ?? 'it needs more options')
  if (args.has('json') && part === undefined) {
    output.json(Object.fromEntries(chosen.map(({ name, document }) => [name, document ?? null])))
  } else if (part !== undefined) output.json(first.document)
  else output.line(chosen.map(section).join('\n\n'))
  return 0
}

const partNames = ['user', 'rotate', 'trust', 'revoke', 'bucket', 'vault'] as const

async function awsParts(context: CommandContext, named: NamedKey, part: string | undefined): Promise<readonly Part[]> {
  const { args, now } = context
  const { settings } = named
  if (part !== 'bucket') refuseStoreWithoutSts(context, settings)
  const roleArns = [...args.values('role-arn'), ...(settings.roleArn === undefined ? [] : [settings.roleArn])]
  refuseWider(context, roleArns)
  const input: PolicyInput = {
    partition: partitionOf(settings, roleArns),
    roleArns: [...new Set(roleArns)],
    sourceIps: args.values('source-ip'),
    externalId: settings.externalId,
    isWithMfa: settings.mfaSerial !== undefined,
  }
  const needsUser = (part === undefined || part === 'trust') && roleArns.length > 0
  const userArn = needsUser ? await userArnOf(context, named) : undefined
  const bucket = args.value('bucket')
  return [
    { name: 'user', title: 'the IAM user: all that the key itself may do', document: userPolicy(input) },
    { name: 'rotate', title: 'the IAM user, for hardkey rotate', document: rotatePolicy(input) },
    {
      name: 'trust',
      title: 'the trust policy of the role',
      document: userArn === undefined ? undefined : trustPolicy(input, userArn),
      note: 'the trust policy needs a role, in the record or by --role-arn, and --user-arn or an STS to ask',
    },
    {
      name: 'revoke',
      title: 'role and user, after a leak: ends the sessions made until now (hardkey revoke)',
      document: revokePolicy(now()),
    },
    {
      name: 'bucket',
      title: 'a bucket: presigned URLs end after a day',
      document: bucket === undefined ? undefined : signatureAgePolicy(input.partition, bucket, signatureAgeSeconds),
      note: 'name it by --bucket',
    },
  ]
}

/** @throws ERR_USAGE for what IAM would read as more than one thing, or would not read */
function refuseWider({ args }: CommandContext, roleArns: readonly string[]): void {
  for (const roleArn of roleArns) byOption(args, () => checkAssumeRole({ roleArn }, ''))
  const isBlock = (text: string): boolean => {
    const [, address = '', size = '0'] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? []
    return isIP(address) > 0 && Number(size) <= (isIP(address) === 4 ? 32 : 128)
  }
  const wrong = args.values('source-ip').find((text) => !isBlock(text))
  if (wrong !== undefined) throw args.wrong(`--source-ip ${quoted(wrong)} is no address`, 'write 203.0.113.0/24')
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(args.value('bucket') ?? 'none')) {
    throw args.wrong('--bucket is not the name of a bucket', '3 to 63 lower-case letters, digits, "." and "-"')
  }
}

function section({ name, title, document, note }: Part): string {
  const text = document === undefined ? `(${note})` : JSON.stringify(document, undefined, 2)
  return `# ${name}: ${title}\n${text}`
}

function partitionOf({ region }: RecordSettings, [roleArn]: readonly string[]): string {
  return roleArn?.split(':')[1] ?? (region === undefined ? undefined : partitionOfRegion(region)?.name) ?? 'aws'
}

/** The user's ARN: as given, or what STS says of the key. */
async function userArnOf(context: CommandContext, named: NamedKey): Promise<string | undefined> {
  const { args, now, report, signal } = context
  const given = args.value('user-arn')
  if (given !== undefined) {
    if (!/^arn:aws[\w-]*:iam::\d{12}:user\/[\w+=,.@/-]{1,576}$/.test(given)) {
      throw args.wrong('--user-arn is not the ARN of an IAM user', 'it looks like arn:aws:iam::123456789012:user/NAME')
    }
    return given
  }
  if (args.has('offline')) return undefined
  const settings = await stsSettings(context, named.settings)
  const { arn } = await withDateKeys(context, named, {
    scope: settings.scope,
    prepare: async () => (await import('../aws/connection.ts')).connectSts(settings, report.step),
    use: (keys, sts) => report.waiting('STS', sts.client(keys, now).getCallerIdentity({ signal })),
  })
  return arn
}

/** Writes or prints the narrowest policy of the server, from this month on: the way to renew it. */
async function vaultPolicy(context: CommandContext, { uri }: NamedKey): Promise<number> {
  const { args, output } = context
  if (uri.scheme !== 'vault') throw args.wrong('the part vault is for vault: keys')
  const months = args.value('policy-months') ?? '2'
  if (!/^(?:[1-9]|1[0-9]|2[0-4])$/.test(months)) throw args.wrong('--policy-months is not a number from 1 to 24')
  const wish = { months: Number(months), isWritten: args.has('apply') }
  const made = await makePolicy(context, uri, wish, pinPrompt(context, uri))
  output.line(policyLines(made).trimStart())
  return wish.isWritten && !made.written ? 1 : 0
}
