// What a `vault:` URI says: which key, at which server, over which connection, and who logs in how.
// In: `vault:key=aws;mount=transit?address=https://a:8200,https://b:8200&login=approle&role-id=…&secret-source=file:…`.
// Out: each part checked; no secret is among them. Nothing is read and nobody is asked here.

import { HardkeyError } from '../../errors.ts'
import { type ServerTrust, serverPath, serverTrust, trustNames } from '../../key/server-trust.ts'
import type { KeyUri } from '../../key/uri.ts'
import { readAddresses, type VaultAddress } from './address.ts'

/** How the token is come by; the secret of each way comes from a pin source. */
export type VaultLogin =
  | { readonly method: 'token' }
  | { readonly method: 'approle'; readonly mount: string; readonly roleId: string }
  | { readonly method: 'kubernetes'; readonly mount: string; readonly role: string }
  | { readonly method: 'userpass'; readonly mount: string; readonly username: string }
  | { readonly method: 'cert'; readonly mount: string; readonly role: string | undefined }
  /** An Agent or Proxy at the address adds its own token. */
  | { readonly method: 'none' }

/** How the server is reached, and who asks. */
export interface VaultServer extends ServerTrust {
  readonly addresses: readonly VaultAddress[]
  readonly namespace: string | undefined
  readonly login: VaultLogin
}

/** The key, and the server that has it. */
export interface VaultKeyAddress extends VaultServer {
  readonly key: string
  /** Without slashes at its ends: `transit`, `team/transit`. */
  readonly mount: string
  /** The only version whose answers count. */
  readonly keyVersion: number | undefined
}

const ownSource: Readonly<Record<VaultLogin['method'], string | undefined>> = {
  token: 'token-source',
  approle: 'secret-source',
  kubernetes: 'jwt-source',
  userpass: 'password-source',
  cert: undefined,
  none: undefined,
}

const serverNames = ['address', 'namespace', ...trustNames, 'login', 'login-mount']
const loginNames = ['role-id', 'role', 'username', 'pin-source', 'pin-value']
const sources = ['token-source', 'secret-source', 'jwt-source', 'password-source']

/** @throws ERR_URI_INVALID, naming the attribute */
export function vaultKeyAddress(uri: KeyUri): VaultKeyAddress {
  const server = vaultServer(uri)
  const key = uri.get('key')
  if (key === undefined) throw invalid('the key URI names no key', 'add the key of the transit engine: vault:key=aws')
  // The server's own rule for names (framework.GenericNameRegex).
  if (!/^\w(?:[\w.-]{0,254}\w)?$/.test(key)) {
    throw invalid('key= in the key URI is no name of a transit key', 'letters, digits, "_", and "." or "-" inside')
  }
  const version = uri.get('key-version')
  if (version !== undefined && !/^[1-9][0-9]{0,8}$/.test(version)) {
    throw invalid('key-version in the key URI is not a number from 1 on')
  }
  return {
    ...server,
    key,
    mount: serverPath('mount', uri.get('mount') ?? 'transit'),
    keyVersion: version === undefined ? undefined : Number(version),
  }
}

/** The server alone: what `devices` lists. @throws ERR_URI_INVALID */
export function vaultServer(uri: KeyUri): VaultServer {
  uri.expect(['key', 'mount'], ['key-version', ...serverNames, ...loginNames, ...sources])
  const address = uri.get('address')
  if (address === undefined) {
    throw invalid('the key URI does not say where the server is', 'add ?address=https://vault.example:8200')
  }
  const namespace = uri.get('namespace')
  return {
    addresses: readAddresses(address),
    namespace: namespace === undefined ? undefined : serverPath('namespace', namespace),
    ...serverTrust(uri),
    login: loginOf(uri),
  }
}

function loginOf(uri: KeyUri): VaultLogin {
  const method = uri.get('login') ?? 'token'
  const login = loginBy(uri, method)
  const wrong = sources.find((name) => uri.has(name) && name !== ownSource[login.method])
  if (wrong !== undefined) {
    const own = ownSource[login.method]
    throw invalid(`${wrong} is not for login=${method}`, own === undefined ? 'leave it out' : `it takes ${own}`)
  }
  return login
}

function loginBy(uri: KeyUri, method: string): VaultLogin {
  const mount = serverPath('login-mount', uri.get('login-mount') ?? method)
  switch (method) {
    case 'token':
      refuseOthers(uri, method, [])
      return { method }
    case 'approle':
      refuseOthers(uri, method, ['login-mount', 'role-id'])
      return { method, mount, roleId: needed(uri, method, 'role-id') }
    case 'kubernetes':
      refuseOthers(uri, method, ['login-mount', 'role'])
      return { method, mount, role: needed(uri, method, 'role') }
    case 'userpass':
      refuseOthers(uri, method, ['login-mount', 'username'])
      return { method, mount, username: needed(uri, method, 'username') }
    case 'cert':
      refuseOthers(uri, method, ['login-mount', 'role'])
      return { method, mount, role: uri.get('role') }
    case 'none':
      refuseOthers(uri, method, [])
      return { method }
    default:
      throw invalid(
        'login in the key URI is of a kind that hardkey does not have',
        `use ${Object.keys(ownSource).join(', ')}`,
      )
  }
}

function needed(uri: KeyUri, method: string, name: string): string {
  const value = uri.get(name)
  if (value === undefined) throw invalid(`login=${method} in the key URI needs ${name}`)
  return value
}

function refuseOthers(uri: KeyUri, method: string, own: readonly string[]): void {
  const wrong = ['login-mount', 'role-id', 'role', 'username'].find((name) => uri.has(name) && !own.includes(name))
  if (wrong !== undefined) throw invalid(`${wrong} in the key URI is not for login=${method}`)
}

function invalid(message: string, hint?: string): HardkeyError {
  return new HardkeyError('ERR_URI_INVALID', message, { hint })
}
