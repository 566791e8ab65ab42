// The URL of an endpoint that somebody gave. In: text. Out: a URL that a signed request may go to: https, or http on this
// machine, with nothing in it but scheme, host, port and path; or ERR_CONFIG_INVALID.

import { HardkeyError } from '../errors.ts'
import { isThisMachine } from '../http/target.ts'

/** @throws ERR_CONFIG_INVALID that names the service by its `title` */
export function checkedEndpointUrl(endpoint: string, title: string): URL {
  const refuse = (problem: string, hint?: string): HardkeyError =>
    new HardkeyError('ERR_CONFIG_INVALID', `the ${title} endpoint ${problem}`, { hint })
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  if (url === undefined) throw refuse('is not a URL', 'write it as https://HOST or https://HOST:PORT')
  if (url.username !== '' || url.password !== '') throw refuse('carries a user name or password')
  if (url.search !== '' || url.hash !== '') throw refuse('carries a query or a fragment')
  if (isMetadataHost(url.hostname)) throw refuse(`${url.host} is a link-local address of instance metadata`)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isThisMachine(url.hostname))) {
    throw refuse(`${url.protocol}//${url.host} is not https`, 'plain http is for this machine only: 127.0.0.1 or [::1]')
  }
  return url
}

/** The link-local ranges in which clouds answer for an instance (IPv4, and IPv6 also in AWS's own range). */
function isMetadataHost(host: string): boolean {
  return /^169\.254\./.test(host) || /^\[(fe[89ab]|fd00:ec2:)/.test(host) || /^\[::ffff:a9fe:/.test(host)
}
