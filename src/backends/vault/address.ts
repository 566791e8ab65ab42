// Where a server answers. In: the `address` of a key URI, one or several by commas, and the Location of a redirect.
// Out: base URLs to put a request's path behind, and which of them a redirect means.
// A token goes to these addresses and to no other: https, http on this machine alone, or a Unix socket.

import { isAbsolute } from 'node:path'
import { HardkeyError } from '../../errors.ts'
import { isThisMachine } from '../../http/target.ts'

/** One of the addresses. */
export interface VaultAddress {
  /** What a path such as `/v1/sys/health` goes behind; no slash at its end. */
  readonly base: string
  /** For messages: the host, with the port where it is not 443. */
  readonly name: string
  /** The Unix socket that is connected to in place of the host. */
  readonly socketPath: string | undefined
}

/** @throws ERR_URI_INVALID, and never shows a user name or password */
export function readAddresses(text: string): readonly VaultAddress[] {
  const addresses = text.split(',').map((part) => readAddress(part.trim()))
  const twice = addresses.find(({ name }, index) => addresses.findIndex((other) => other.name === name) !== index)
  if (twice !== undefined) throw invalid(`address names ${twice.name} twice`)
  return addresses
}

function readAddress(text: string): VaultAddress {
  if (text.startsWith('unix:')) return readSocket(text.slice('unix:'.length))
  // URL takes the next word for a host that is missing.
  const url = /^https?:\/\/[^/]/i.test(text) && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) {
    throw invalid('address is no https URL', 'write address=https://vault.example:8200, several divided by commas')
  }
  if (url.username !== '' || url.password !== '') throw invalid('address has a user name or password in it')
  // "?" and "#" with nothing behind them vanish in a URL.
  if (/[?#]/.test(text)) throw invalid('address has a query or a fragment')
  if (/\.\.|%/.test(text)) throw invalid('address has a path that leads upwards or a percent code')
  if (url.protocol === 'http:' && !isThisMachine(url.hostname)) {
    throw invalid(`address is http, which is not encrypted: ${url.host}`, 'use https; http is for this machine alone')
  }
  return {
    base: `${url.origin}${url.pathname.replace(/\/$/, '')}`,
    name: url.host,
    socketPath: undefined,
  }
}

/** `unix:///run/bao.sock` as in VAULT_ADDR, or `unix:/run/bao.sock`. */
function readSocket(rest: string): VaultAddress {
  const path = rest.replace(/^\/\/(?=\/)/, '')
  if (!isAbsolute(path) || path.startsWith('//'))
    throw invalid('address names a Unix socket by a path that is not absolute')
  return { base: 'http://localhost', name: `unix:${path}`, socketPath: path }
}

/**
 * The address that a redirect of `path` leads to: one of the list, with the very same path behind it.
 * Undefined for any other place.
 */
export function redirectTarget(
  location: string | undefined,
  path: string,
  addresses: readonly VaultAddress[],
): VaultAddress | undefined {
  if (location === undefined || !URL.canParse(location)) return undefined
  const url = new URL(location)
  if (url.username !== '' || url.password !== '' || url.hash !== '') return undefined
  return addresses.find(
    ({ base, socketPath }) => socketPath === undefined && url.href === new URL(`${base}${path}`).href,
  )
}

function invalid(message: string, hint?: string): HardkeyError {
  return new HardkeyError('ERR_URI_INVALID', `${message} in the key URI`, { hint })
}
