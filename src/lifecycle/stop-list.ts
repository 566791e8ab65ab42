// What ends a leak of a key, in order. In: the key, its user, its roles, the time. Out: steps, each with its effect, how long
// the leaked thing is good without it, the command that does it, and the call of IAM where there is one. SECURITY.md.
// IAM User Guide: "Manage access keys", "Revoking role sessions". AWS STS API Reference: how long sessions may be.

import { HardkeyError } from '../errors.ts'
import type { IamCallOptions, IamClient, InlinePolicy } from '../iam/client.ts'
import type { DateKeySource } from '../sigv4/date-key.ts'
import { revokePolicy } from './aws-policies.ts'
import { timeText } from './rotation-parts.ts'

/** What a step is about. */
export type StopId =
  | 'access-key'
  | 'role-sessions'
  | 'user-sessions'
  | 'kept-sessions'
  | 'look-up'
  | 'deletion'
  | 'device'
  | 'links'

export interface StopStep {
  readonly id: StopId
  /** What comes of it. */
  readonly effect: string
  /** How long that goes on without it; undefined where nothing does. */
  readonly otherwise?: string | undefined
  /** The words of the command that does it, each as it is. */
  readonly command: readonly string[]
  /** Undefined where IAM has no part in it. */
  readonly iam?: IamPart | undefined
}

export interface IamPart {
  /** What the signer must be allowed to do: `iam:PutRolePolicy`. */
  readonly right: string
  /** Of the access key that it switches off, or of the role that it is about. */
  readonly accessKeyId?: string | undefined
  readonly roleArn?: string | undefined
  readonly call: (iam: IamClient, options: IamCallOptions) => Promise<void>
}

export interface Leak {
  /** Of the record. */
  readonly name: string
  /** All keys that the device holds for it: two while a rotation is under way. */
  readonly accessKeyIds: readonly string[]
  readonly userName: string
  readonly roleArns: readonly string[]
  /** Options of `aws iam` that say where IAM is; none for most of AWS. */
  readonly awsOptions: readonly string[]
  /** By the clock of AWS, where it was asked. */
  readonly now: Date
}

export interface StopList {
  /** Sessions that were made before this time are ended; new ones work after it. */
  readonly until: Date
  readonly steps: readonly StopStep[]
  /** What a person decides, afterwards. */
  readonly byHand: readonly StopStep[]
}

/** The next revocation writes over it, and ends all that it ended. */
const policyName = 'hardkey-revoke'

/** IAM may take a key for some minutes after it was switched off, and the clock here may be behind. */
const settlingMinutes = 5

/** AWS STS API Reference: DurationSeconds of GetSessionToken and GetFederationToken, and of AssumeRole. */
const longestUserSessionHours = 36
const longestRoleSessionHours = 12

/** The steps for a leak. */
export function stopList(leak: Leak): StopList {
  const { name, accessKeyIds, roleArns, now } = leak
  const until = after(now, settlingMinutes)
  const policy: InlinePolicy = { name: policyName, document: JSON.stringify(revokePolicy(until)) }
  const steps: readonly StopStep[] = [
    ...accessKeyIds.map((accessKeyId) => switchOff(leak, accessKeyId)),
    endUserSessions(leak, policy, until),
    ...roleArns.map((roleArn) => endRoleSessions(leak, roleArn, policy, until)),
    {
      id: 'kept-sessions',
      effect: 'no program is given a session that this machine keeps and AWS refuses',
      command: ['hardkey', 'cache', 'clear', name],
    },
  ]
  return { until, steps, byHand: byHand(leak) }
}

function switchOff(leak: Leak, accessKeyId: string): StopStep {
  return {
    id: 'access-key',
    effect: `ends all that ${accessKeyId} signs, presigned URLs too; no session that it has opened`,
    otherwise: 'for ever; with a stolen day key until its day ends, with a presigned URL up to 7 days',
    command: awsIam(leak, 'update-access-key', [...userKey(leak, accessKeyId), '--status', 'Inactive']),
    iam: {
      right: 'iam:UpdateAccessKey',
      accessKeyId,
      call: (iam, options) => iam.setAccessKey(leak.userName, accessKeyId, 'Inactive', options),
    },
  }
}

function endUserSessions(leak: Leak, policy: InlinePolicy, until: Date): StopStep {
  const { userName } = leak
  return {
    id: 'user-sessions',
    effect: `ends the sessions of the user ${userName} (GetSessionToken, GetFederationToken) made before ${timeText(until)}`,
    otherwise: `until ${timeText(after(until, longestUserSessionHours * 60))}`,
    command: awsIam(leak, 'put-user-policy', ['--user-name', userName, ...policyWords(policy)]),
    iam: {
      right: 'iam:PutUserPolicy',
      call: (iam, options) => iam.putUserPolicy(userName, policy, options),
    },
  }
}

function endRoleSessions(leak: Leak, roleArn: string, policy: InlinePolicy, until: Date): StopStep {
  const [roleName = ''] = roleArn.split('/').slice(-1)
  return {
    id: 'role-sessions',
    effect: `ends the sessions of ${roleArn} made before ${timeText(until)}, by whomever`,
    otherwise: `until ${timeText(after(until, longestRoleSessionHours * 60))}; each of them can take on further roles, for an hour each`,
    command: awsIam(leak, 'put-role-policy', ['--role-name', roleName, ...policyWords(policy)]),
    iam: {
      right: 'iam:PutRolePolicy',
      roleArn,
      call: (iam, options) => iam.putRolePolicy(roleName, policy, options),
    },
  }
}

function byHand(leak: Leak): readonly StopStep[] {
  const { name, accessKeyIds } = leak
  return [
    ...accessKeyIds.map(
      (accessKeyId): StopStep => ({
        id: 'look-up',
        effect: 'shows its last 90 days, by region; sessions have access key IDs of their own',
        command: [
          ...['aws', 'cloudtrail', 'lookup-events'],
          ...['--lookup-attributes', `AttributeKey=AccessKeyId,AttributeValue=${accessKeyId}`],
        ],
      }),
    ),
    ...accessKeyIds.map(
      (accessKeyId): StopStep => ({
        id: 'deletion',
        effect: 'nobody switches it on again',
        command: awsIam(leak, 'delete-access-key', userKey(leak, accessKeyId)),
      }),
    ),
    {
      id: 'device',
      effect: 'the record goes, too',
      command: ['hardkey', 'forget', name, '--from-device'],
    },
    {
      id: 'links',
      effect: 'ends presigned URLs alone, where the access key must stay: a statement for the policy of the bucket',
      otherwise: 'up to 7 days',
      command: ['hardkey', 'policy', name, 'bucket', '--bucket', 'BUCKET'],
    },
  ]
}

function awsIam({ awsOptions }: Leak, action: string, options: readonly string[]): readonly string[] {
  return ['aws', 'iam', action, ...options, ...awsOptions]
}

function userKey({ userName }: Leak, accessKeyId: string): readonly string[] {
  return ['--user-name', userName, '--access-key-id', accessKeyId]
}

function policyWords({ name, document }: InlinePolicy): readonly string[] {
  return ['--policy-name', name, '--policy-document', document]
}

function after(time: Date, minutes: number): Date {
  return new Date(time.getTime() + minutes * 60_000)
}

export interface StopOutcome {
  readonly step: StopStep
  readonly failure?: HardkeyError | undefined
}

export interface StopParts {
  readonly iam: IamClient
  /** Who signs. The step that ends it goes last: its own key is switched off, or, for a session, those of the user end. */
  readonly signer: Pick<DateKeySource, 'accessKeyId' | 'sessionToken'>
  /** The account of the signer, the only one whose roles it can change. */
  readonly account: string
  /** Does what IAM has no part in. */
  readonly local: (step: StopStep) => Promise<void>
  readonly signal?: AbortSignal | undefined
}

/** Does every step, whatever became of those before it. @throws what is no HardkeyError, such as the reason of the signal */
export async function carryOut(steps: readonly StopStep[], parts: StopParts): Promise<readonly StopOutcome[]> {
  const { accessKeyId, sessionToken } = parts.signer
  const isOwn = ({ id, iam }: StopStep): boolean =>
    sessionToken === undefined ? iam?.accessKeyId === accessKeyId : id === 'user-sessions'
  const atAws = steps.filter(({ iam }) => iam !== undefined)
  const ordered = [
    ...atAws.filter((step) => !isOwn(step)),
    ...atAws.filter(isOwn),
    ...steps.filter(({ iam }) => iam === undefined),
  ]
  const outcomes: StopOutcome[] = []
  for (const step of ordered) {
    try {
      await carryOutOne(step, parts)
      outcomes.push({ step })
    } catch (failure) {
      if (!(failure instanceof HardkeyError)) throw failure
      outcomes.push({ step, failure })
    }
  }
  return outcomes
}

async function carryOutOne(step: StopStep, { iam, account, local, signal }: StopParts): Promise<void> {
  if (step.iam === undefined) return await local(step)
  const { roleArn, call } = step.iam
  // IAM takes a role by its name, and would change one of the same name in its own account.
  const ofRole = roleArn?.split(':')[4]
  if (ofRole !== undefined && ofRole !== account) {
    throw new HardkeyError('ERR_CONFIG_INVALID', `${roleArn} is a role of another account than ${account}`, {
      hint: 'sign with credentials of its own account: --admin-profile PROFILE',
    })
  }
  await call(iam, { signal })
}
