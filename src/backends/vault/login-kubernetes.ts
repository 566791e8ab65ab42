// Kubernetes: for pods. In: `role` of the key URI, the service account's token of `jwt-source`, which the kubelet renews.
// Out: a lease. HTTP API, "Kubernetes auth method", Login.

import type { VaultLogin } from './key-uri.ts'
import { asked, type Lease, type LoginParts, sendLogin } from './login-request.ts'

export async function kubernetesLogin(
  parts: LoginParts,
  { mount, role }: Extract<VaultLogin, { method: 'kubernetes' }>,
): Promise<Lease> {
  const jwt = await asked(parts, 'JWT', `role "${role}"`)
  return await sendLogin(parts, mount, 'login', [
    ['role', role],
    ['jwt', jwt],
  ])
}
