// How a token is come by. In: what the key URI says of the login, a pin source. Out: a lease. One file for each way;
// what they have in common is login-request.ts.

import { appRoleLogin } from './login-approle.ts'
import { certLogin } from './login-cert.ts'
import { kubernetesLogin } from './login-kubernetes.ts'
import type { Lease, LoginParts } from './login-request.ts'
import { tokenLogin } from './login-token.ts'
import { userpassLogin } from './login-userpass.ts'

/** @throws ERR_PIN_REQUIRED, ERR_PIN_INCORRECT where the login is refused, ERR_SECRET_INVALID, and as `VaultClient.call` */
export async function logIn(parts: LoginParts): Promise<Lease> {
  const { login } = parts
  if (parts.token !== undefined) return await tokenLogin(parts)
  switch (login.method) {
    case 'token':
      return await tokenLogin(parts)
    case 'approle':
      return await appRoleLogin(parts, login)
    case 'kubernetes':
      return await kubernetesLogin(parts, login)
    case 'userpass':
      return await userpassLogin(parts, login)
    case 'cert':
      return await certLogin(parts, login)
    case 'none':
      return { token: undefined, seconds: 0, renewable: false }
  }
}
