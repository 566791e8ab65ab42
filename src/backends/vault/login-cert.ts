// TLS certificate: for hosts. In: the certificate that the connection shows (`client-cert`), maybe a `role`. Out: a lease.
// HTTP API, "TLS certificates auth method", Login with TLS Certificate. No pin source is asked.

import type { VaultLogin } from './key-uri.ts'
import { type Lease, type LoginParts, sendLogin } from './login-request.ts'

export async function certLogin(
  parts: LoginParts,
  { mount, role }: Extract<VaultLogin, { method: 'cert' }>,
): Promise<Lease> {
  return await sendLogin(parts, mount, 'login', role === undefined ? [] : [['name', role]])
}
