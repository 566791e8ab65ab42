// A token that is there already. In: the caller's own, or the answer of a pin source (`token-source`). Out: a lease whose
// length is not known yet. HTTP API, "Token auth method".

import { HardkeyError } from '../../errors.ts'
import { abortable } from '../../http/deadline.ts'
import { ownCopy, Secret } from '../../key/secret.ts'
import type { Lease, LoginParts } from './login-request.ts'

export async function tokenLogin(parts: LoginParts): Promise<Lease> {
  const token = await given(parts)
  // RFC 9110, section 5.5: what a header can carry.
  if (token.length > 0 && token.lend((bytes) => bytes.every((byte) => byte > 0x20 && byte < 0x7f))) {
    return { token, seconds: undefined, renewable: false }
  }
  token.wipe()
  throw new HardkeyError('ERR_SECRET_INVALID', 'the token is empty or has characters that no token has')
}

async function given({ token, pin, client, signal }: LoginParts): Promise<Secret> {
  const value = typeof token === 'function' ? await abortable(token(), signal, wipe) : token
  if (value === undefined)
    return Secret.take(await pin({ kind: 'token', target: `the user at ${client.where}`, signal }))
  return Secret.take(typeof value === 'string' ? new TextEncoder().encode(value) : ownCopy(value))
}

/** One that comes after the abort. */
function wipe(token: string | Uint8Array): void {
  if (typeof token !== 'string') token.fill(0)
}
