// One request to a server. In: a path, a body, who asks. Out: its headers; and an answer without what the request carried.
// HTTP API of Vault and OpenBao, "Authentication" and "Namespaces".

import type { Secret } from '../../key/secret.ts'

/** One request. */
export interface VaultRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Behind `/v1/`, safe in a URL as it is. */
  readonly path: string
  /** JSON. Wiped by its owner. */
  readonly body?: Uint8Array | string | undefined
  /** Asked before each attempt, since it may be renewed in between; left out for what needs none. */
  readonly token?: (() => Secret | undefined) | undefined
  /** What the body carries and no answer may show. */
  readonly secret?: Secret | undefined
  /** It changes something there. */
  readonly once?: boolean | undefined
}

/** The token stands in its header and nowhere else. */
export function headersOf({ token, body }: VaultRequest, namespace: string | undefined): Record<string, string> {
  return {
    // An Agent or Proxy may ask for it, so that a page in a browser cannot use its token.
    'x-vault-request': 'true',
    'user-agent': 'hardkey',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
    ...tokenHeader(token?.()),
  }
}

function tokenHeader(token: Secret | undefined): Record<string, string> {
  return token === undefined || token.length === 0 ? {} : { 'x-vault-token': token.lend(asText) }
}

/** A refusal that repeats what it was given must not bring it into a message. */
export function blank(body: Uint8Array, secrets: readonly (Secret | undefined)[]): void {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  for (const secret of secrets) {
    secret?.lend((needle) => {
      if (needle.length === 0) return
      for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at))
        bytes.fill('*', at, at + needle.length)
    })
  }
}

/** The value of a header must be a string; it lives as long as its request. */
function asText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
