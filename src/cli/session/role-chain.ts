// Roles assumed one after the other. In: the role that is wanted, and those before it. Out: one request, each role through
// the one before it.
// 1. The device signs the first call alone, and an MFA code goes with it: no session of a role can bring one.
// 2. What lies between is used at once and lives as short as there is.
// AWS IAM User Guide, "Role chaining": a session got from another role's lasts an hour at most.

import type { AssumeRoleInput } from '../../sts/inputs.ts'
import type { RoleRequest } from './session-request.ts'

const betweenSeconds = 900

/** Asks for `last` through the roles of `through`, the first of which the key itself assumes. */
export function chainedRequest(
  through: readonly AssumeRoleInput[],
  { serialNumber, tokenCode, ...last }: AssumeRoleInput,
): RoleRequest {
  const mfa = serialNumber === undefined ? {} : { serialNumber, tokenCode }
  const before = through.map((role) => ({ ...role, durationSeconds: betweenSeconds }))
  const [first = last, ...rest] = [...before, last]
  return rest.reduce<RoleRequest>((via, input) => ({ action: 'AssumeRole', input, via }), {
    action: 'AssumeRole',
    input: { ...first, ...mfa },
  })
}
