// The IAM policies that go with a key. In: what is known of it. Out: policy documents, the narrowest that its use needs.
// IAM User Guide: "Grammar of the JSON policy language", "AWS global condition context keys", "Revoking role sessions";
// Service Authorization Reference: AWS STS, AWS IAM. Amazon S3: condition key s3:signatureAge.

/** A policy document, as `aws iam put-user-policy --policy-document` takes it. */
export interface PolicyDocument {
  readonly Version: '2012-10-17'
  readonly Statement: readonly object[]
}

/** What the policies of a key are made from. */
export interface PolicyInput {
  /** `aws`, `aws-cn`, `aws-us-gov`, … */
  readonly partition: string
  /** The roles that the key takes on; with none it may do nothing of its own. */
  readonly roleArns: readonly string[]
  /** CIDR blocks that the machine calls from. */
  readonly sourceIps?: readonly string[] | undefined
  readonly externalId?: string | undefined
  /** The role wants an MFA session. */
  readonly isWithMfa?: boolean | undefined
}

/**
 * What the IAM user itself may do: take on its roles. GetCallerIdentity and GetSessionToken need no permission. Without a role
 * the document denies all, since a document must have a statement.
 */
export function userPolicy({ roleArns, sourceIps = [] }: PolicyInput): PolicyDocument {
  if (roleArns.length === 0) return document({ Sid: 'NothingOfItsOwn', Effect: 'Deny', Action: '*', Resource: '*' })
  const condition = sourceIps.length === 0 ? {} : { Condition: { IpAddress: { 'aws:SourceIp': sourceIps } } }
  return document({
    Sid: 'TakeOnRoles',
    Effect: 'Allow',
    Action: 'sts:AssumeRole',
    Resource: roleArns,
    ...condition,
  })
}

/** What `rotate` needs besides: the user's own access keys, and no other user's. */
export function rotatePolicy({ partition }: PolicyInput): PolicyDocument {
  const actions = ['CreateAccessKey', 'ListAccessKeys', 'GetAccessKeyLastUsed', 'UpdateAccessKey', 'DeleteAccessKey']
  return document({
    Sid: 'RotateOwnAccessKey',
    Effect: 'Allow',
    Action: actions.map((action) => `iam:${action}`),
    // IAM puts the name of the user in, which has no path; names are unique in an account, whatever the path.
    Resource: ['', '*/'].map((path) => `arn:${partition}:iam::*:user/${path}\${aws:username}`),
  })
}

/** Who may take a role on: this one user. */
export function trustPolicy({ externalId, isWithMfa }: PolicyInput, userArn: string): PolicyDocument {
  const conditions = {
    ...(externalId === undefined ? {} : { StringEquals: { 'sts:ExternalId': externalId } }),
    ...(isWithMfa === true ? { Bool: { 'aws:MultiFactorAuthPresent': 'true' } } : {}),
  }
  return document({
    Effect: 'Allow',
    Principal: { AWS: userArn },
    Action: 'sts:AssumeRole',
    ...(Object.keys(conditions).length === 0 ? {} : { Condition: conditions }),
  })
}

/**
 * What ends sessions that were made before this moment: an inline policy of the role, or of the user for sessions by
 * GetSessionToken. Requests signed by the access key itself have no issue time and are not touched.
 */
export function revokePolicy(before: Date): PolicyDocument {
  return document({
    Sid: 'EndOlderSessions',
    Effect: 'Deny',
    Action: '*',
    Resource: '*',
    Condition: { DateLessThan: { 'aws:TokenIssueTime': before.toISOString().replace(/\.\d+Z$/, 'Z') } },
  })
}

/** For the policy of a bucket: presigned URLs older than this are refused, whatever end they carry. */
export function signatureAgePolicy(partition: string, bucket: string, mostSeconds: number): PolicyDocument {
  return document({
    Sid: 'OldSignatures',
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:*',
    Resource: [`arn:${partition}:s3:::${bucket}`, `arn:${partition}:s3:::${bucket}/*`],
    Condition: { NumericGreaterThan: { 's3:signatureAge': String(mostSeconds * 1000) } },
  })
}

function document(statement: object): PolicyDocument {
  return { Version: '2012-10-17', Statement: [statement] }
}
