// The name of a user in IAM. In: an ARN, as STS tells it. Out: the name without its path, which no action of IAM takes.
// IAM User Guide, "IAM identifiers".

/** Undefined for the ARN of a role, of a session or of the root user. */
export function userNameOf(arn: string): string | undefined {
  return /^arn:[\w-]+:iam::\d*:user\/(?:.*\/)?([\w+=,.@-]{1,128})$/.exec(arn)?.[1]
}
