// The variables by which AWS tools find an endpoint. In: where it is, its token, a region. Out: lines for a POSIX shell.
// AWS SDKs and Tools Reference Guide, "Container credential provider", "IMDS credential provider": SDKs disagree on which of
// two variables wins, so what is not set here is taken away.

import type { Listening } from '../../endpoint/place.ts'
import { regionVariables } from './credential-variables.ts'

/** What an SDK takes before a container endpoint and before the instance metadata service. */
const winners: readonly string[] = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_SECURITY_TOKEN',
  'AWS_CREDENTIAL_EXPIRATION',
  'AWS_PROFILE',
  'AWS_DEFAULT_PROFILE',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_ROLE_ARN',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
]

/** How a client proves itself: by the token, or by a file that holds it. */
export type TokenVariable = { readonly token: string } | { readonly file: string }

/**
 * The SDK for Rust sends every request through HTTP_PROXY, where there is one, and botocore those for metadata. Both spellings:
 * Python reads the small one where it is set. Alone a `*` means every host; in a list it means nothing to some.
 */
const noProxyLines: readonly string[] = [
  'export NO_PROXY="${NO_PROXY-${no_proxy-}}" no_proxy="${no_proxy-${NO_PROXY-}}"',
  ...['NO_PROXY', 'no_proxy'].map(
    (name) => `[ "$${name}" = "*" ] || ${name}="127.0.0.1,localhost\${${name}:+,$${name}}"`,
  ),
]

/** For a container endpoint at a port; at a socket the relay before it has the address. */
export function containerLines(at: Listening, proof: TokenVariable, region?: string): readonly string[] {
  const [name, other] = ['AWS_CONTAINER_AUTHORIZATION_TOKEN', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE']
  return [
    ...('port' in at ? [addressLine(at.port)] : []),
    'token' in proof ? `export ${name}=${proof.token}` : `export ${other}=${shellWord(proof.file)}`,
    ...regionLines(region),
    ...noProxyLines,
    `unset ${[...winners, 'token' in proof ? other : name].join(' ')}`,
  ]
}

/** Always an address and never a name: SDKs differ in the names that they take for loopback. */
export function addressLine(port: number): string {
  return `export AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:${port}/`
}

/** For the instance metadata service. */
export function metadataLines(port: number, region?: string): readonly string[] {
  return [
    `export AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:${port}/`,
    'export AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv4',
    'export AWS_EC2_METADATA_V1_DISABLED=true',
    ...regionLines(region),
    ...noProxyLines,
    `unset ${[...winners, 'AWS_CONTAINER_CREDENTIALS_FULL_URI', 'AWS_EC2_METADATA_DISABLED'].join(' ')}`,
  ]
}

/** No endpoint for credentials tells a container its region, and not every SDK asks the metadata service for it. */
function regionLines(region: string | undefined): readonly string[] {
  return Object.entries(regionVariables(region)).map(([name, value]) => `export ${name}=${shellWord(value)}`)
}

/** A word that a POSIX shell takes as it is. */
function shellWord(text: string): string {
  return /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
