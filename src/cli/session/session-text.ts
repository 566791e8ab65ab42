// What decides a session, as text: two runs share a session where their texts are equal, and only there. In: a named key, a
// place and a request. Out: a line for the key, and under it a line for the rest.

import { withoutPinSource } from '../../key/pin-source.ts'
import type { StsEndpoint } from '../../sts/endpoints.ts'
import type { NamedKey } from '../device/open-key.ts'
import type { SessionRequest } from './session-request.ts'

/** The line of a key: another access key, another device or another secret under the same name is another key. */
export function keyText({ accessKeyId, uri, check }: Pick<NamedKey, 'accessKeyId' | 'uri' | 'check'>): string {
  // Where the PIN comes from decides nothing; a PIN in the URI shows as [secret].
  return JSON.stringify({ accessKeyId, uri: withoutPinSource(uri).toString(), check })
}

/** The text of a request at this endpoint, the sessions that it goes through included. */
export function requestText(key: string, { url, signingRegion }: StsEndpoint, request: SessionRequest): string {
  // What is left out and the callback for an MFA code are dropped by JSON; the MFA device is a part of the input.
  return `${key}\n${JSON.stringify({ url, signingRegion, ...request })}`
}
