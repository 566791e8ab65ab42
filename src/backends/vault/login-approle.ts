// AppRole: for machines. In: `role-id` of the key URI, the secret ID of `secret-source`. Out: a lease.
// HTTP API, "AppRole auth method", Login With AppRole.

import type { VaultLogin } from './key-uri.ts'
import { asked, type Lease, type LoginParts, sendLogin } from './login-request.ts'

export async function appRoleLogin(
  parts: LoginParts,
  { mount, roleId }: Extract<VaultLogin, { method: 'approle' }>,
): Promise<Lease> {
  const secretId = await asked(parts, 'secret ID', 'the AppRole')
  const members = [
    ['role_id', roleId],
    ['secret_id', secretId],
  ] as const
  return await sendLogin(parts, mount, 'login', members, { isCounted: true })
}
