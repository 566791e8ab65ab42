// User name and password: for people. In: `username` of the key URI, the password of `password-source`. Out: a lease.
// HTTP API, "Userpass auth method", Login.

import type { VaultLogin } from './key-uri.ts'
import { asked, type Lease, type LoginParts, sendLogin } from './login-request.ts'

export async function userpassLogin(
  parts: LoginParts,
  { mount, username }: Extract<VaultLogin, { method: 'userpass' }>,
): Promise<Lease> {
  const password = await asked(parts, 'password', `user "${username}"`)
  const path = `login/${encodeURIComponent(username)}`
  return await sendLogin(parts, mount, path, [['password', password]], { isCounted: true })
}
