// What a `tink:` URI says: `tink:file=PATH?kek=KEK`, and what the key-encryption key needs besides.
// In: a key URI. Out: the path of the keyset and where its key-encryption key is. Attributes that a form does not have
// are refused; nothing is read and nobody is asked here.

import { HardkeyError } from '../../errors.ts'
import { type ServerTrust, serverPath, serverTrust, trustNames } from '../../key/server-trust.ts'
import type { KeyUri } from '../../key/uri.ts'
import { type KekAddress, readKek, type ServiceAddress } from './kek-uri.ts'

/** A keyset and what opens it. */
export interface KeysetAddress {
  readonly file: string
  readonly kek: KekAddress
  /** As the URI has it. */
  readonly kekText: string
  /** In place of the service's own endpoint. */
  readonly endpoint: string | undefined
  readonly namespace: string | undefined
  /** Of a transit engine. */
  readonly trust: ServerTrust
  /** The URI names where the token comes from. */
  readonly hasTokenSource: boolean
}

/** A keyset that a service decrypts. */
export interface ServiceKeyset extends KeysetAddress {
  readonly kek: ServiceAddress
}

const tokenNames: readonly string[] = ['token-source', 'pin-source', 'pin-value']
/** What each kind of key-encryption key takes behind the "?". */
const queryNames: Readonly<Record<KekAddress['kind'], readonly string[]>> = {
  passphrase: ['pin-source', 'pin-value'],
  'aws-kms': ['kek-endpoint'],
  'gcp-kms': ['kek-endpoint', ...tokenNames],
  hcvault: [...trustNames, 'namespace', ...tokenNames],
}

/** @throws ERR_URI_INVALID */
export function keysetAddress(uri: KeyUri): KeysetAddress {
  const kekText = uri.get('kek')
  // Without one, a misspelt name is the likely reason.
  if (kekText === undefined) uri.expect(['file'], ['kek', ...Object.values(queryNames).flat()])
  const kek = readKek(kekText)
  uri.expect(['file'], ['kek', ...queryNames[kek.kind]])
  const namespace = uri.get('namespace')
  return {
    file: fileOf(uri),
    kek,
    kekText: kekText ?? '',
    endpoint: endpointOf(uri),
    namespace: namespace === undefined ? undefined : serverPath('namespace', namespace),
    trust: serverTrust(uri),
    hasTokenSource: tokenNames.some((name) => uri.has(name)),
  }
}

/** The path of a keyset whose key-encryption key the caller has. @throws ERR_URI_INVALID */
export function callersKeyset(uri: KeyUri): string {
  uri.expect(['file'], [])
  return fileOf(uri)
}

function fileOf(uri: KeyUri): string {
  const path = uri.get('file')
  if (path !== undefined) return path
  throw invalid('tink: does not say which file', 'write tink:file=prod.keyset.json?kek=passphrase:')
}

/** That it is https, or http on this machine, is the HTTP client's concern. */
function endpointOf(uri: KeyUri): string | undefined {
  const text = uri.get('kek-endpoint')
  if (text === undefined) return undefined
  if (!/^https?:\/\/[^/?#@\s]+\/?$/.test(text) || !URL.canParse(text)) {
    throw invalid('kek-endpoint in the key URI is no https URL without a path', 'write kek-endpoint=https://HOST')
  }
  return text.replace(/\/$/, '')
}

function invalid(message: string, hint: string): HardkeyError {
  return new HardkeyError('ERR_URI_INVALID', message, { hint })
}
