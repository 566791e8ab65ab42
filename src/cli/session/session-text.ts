// What decides a session, as text: two runs share a session where their texts are equal, and only there. In: a named key, a
// place and a request. Out: a line for the record, one for its key, and under them a line for the rest.

import { withoutPinSource } from '../../key/pin-source.ts'
import type { StsEndpoint } from '../../sts/endpoints.ts'
import type { NamedKey } from '../device/open-key.ts'
import type { SessionRequest } from './session-request.ts'

/** The first line of all sessions of a record, whatever key it names by now. */
export function recordText(path: string): string {
  return JSON.stringify({ path })
}

/** The first line of all sessions that NAME has: a key URI has those of its key. */
export function nameText(named: NamedKey): string {
  return named.path === undefined ? keyLine(named) : recordText(named.path)
}

/** The lines of a key: another access key, another device or another secret under the same name is another key. */
export function keyText(named: NamedKey): string {
  return `${nameText(named)}\n${keyLine(named)}`
}

function keyLine({ accessKeyId, uri, check }: NamedKey): string {
  // Where the PIN comes from decides nothing; a PIN in the URI shows as [secret].
  return JSON.stringify({ accessKeyId, uri: withoutPinSource(uri).toString(), check })
}

/** The text of a request at this endpoint, the sessions that it goes through included. */
export function requestText(key: string, { url, signingRegion }: StsEndpoint, request: SessionRequest): string {
  // What is left out and the callback for an MFA code are dropped by JSON; the MFA device is a part of the input.
  return `${key}\n${JSON.stringify({ url, signingRegion, ...request })}`
}
