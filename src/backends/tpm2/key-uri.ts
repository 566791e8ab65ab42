// What a `tpm2:` URI says: where the key lies, under which parent, how the TPM is reached and what the session is salted
// to. In: a key URI. Out: its parts, checked. RFC 7512 for the syntax; TPM 2.0 Library, Part 2, 7.5 for handles.
// `tpm2:file=PATH`, `tpm2:handle=0x81…` or `tpm2:public=PATH;private=PATH`; nothing is read and no TPM is asked here.

import { HardkeyError } from '../../errors.ts'
import { type PinSource, pinSourceOf } from '../../key/pin-source.ts'
import { KeyUri } from '../../key/uri.ts'
import { type ParentKind, parentKinds } from './documents/parents.ts'
import { persistentHandles } from './wire/constants.ts'
import { parseTpmAddress, type TpmAddress } from './wire/tcti.ts'

/** Where a key lies. */
export type KeyPlace =
  | { readonly kind: 'handle'; readonly handle: number }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'pair'; readonly publicPath: string; readonly privatePath: string }

/** A parent by its template, or the handle of a persistent object. */
export type ParentChoice = ParentKind | number

/** Everything that the URI says; what it leaves out is undefined. */
export interface KeyAddress {
  readonly place: KeyPlace
  readonly device: TpmAddress
  /** As the URI has it, for the URI of an imported key. */
  readonly deviceText: string | undefined
  readonly parent: ParentChoice | undefined
  /** Another key than the parent to salt sessions to: the handle of a persistent object. */
  readonly salt: number | undefined
  /** The Name that the salting key must have. */
  readonly saltName: Uint8Array | undefined
  /** The TPMT_PUBLIC of the salting key; `saltName` says whether it is the right one. */
  readonly saltPublic: Uint8Array | undefined
  /** The Name that the key must have. */
  readonly name: Uint8Array | undefined
  /** PCRs of its policy, as a person writes them. */
  readonly pcrs: string | undefined
  /** Whether the key wants an auth value; undefined where nobody said so. */
  readonly hasAuth: boolean | undefined
  /** The file of approvals of a date rule. */
  readonly approvals: string | undefined
  /** The public key of a date rule: for an import. */
  readonly dateRule: string | undefined
}

const pathAttributes: readonly string[] = ['file', 'handle', 'public', 'private', 'parent']

const authSources = ['owner-auth-source', 'endorsement-auth-source', 'parent-auth-source'] as const

const queryAttributes: readonly string[] = [
  'device',
  'salt',
  'salt-name',
  'salt-public',
  'name',
  'pcrs',
  'auth',
  'approvals',
  'date-rule',
  'pin-source',
  'pin-value',
  ...authSources,
]

/** SHA-512 in front of which stand two bytes of its number. */
const longestName = 66
/** A TPMT_PUBLIC of RSA 4096 with a policy is shorter. */
const longestPublic = 1024

/** @throws ERR_URI_INVALID */
export function keyAddress(uri: KeyUri): KeyAddress {
  const device = deviceAddress(uri)
  const salt = uri.get('salt')
  const auth = uri.get('auth')
  if (auth !== undefined && auth !== 'yes' && auth !== 'no') throw invalid('auth in the key URI is neither yes nor no')
  if (uri.has('salt-public') && !uri.has('salt-name')) {
    throw invalid('the key URI has salt-public and no salt-name, which would say that it is the right one')
  }
  return {
    place: placeOf(uri),
    device,
    deviceText: uri.get('device'),
    parent: parentChoice(uri),
    salt: salt === undefined ? undefined : persistentHandle(salt, 'salt'),
    saltName: hexOf(uri, 'salt-name', longestName),
    saltPublic: hexOf(uri, 'salt-public', longestPublic),
    name: hexOf(uri, 'name', longestName),
    pcrs: uri.get('pcrs'),
    hasAuth: auth === undefined ? undefined : auth === 'yes',
    approvals: uri.get('approvals'),
    dateRule: uri.get('date-rule'),
  }
}

/** The TPM that the URI names, be there a key in it or not. @throws ERR_URI_INVALID for attributes too */
export function deviceAddress(uri: KeyUri): TpmAddress {
  uri.expect(pathAttributes, queryAttributes)
  return parseTpmAddress(uri.get('device'))
}

/** Which authorization of the TPM a value is for. */
export type AuthKind = 'owner' | 'endorsement' | 'parent'

/**
 * The source of the authorization value of a hierarchy or of the parent; undefined where the URI names none and the value
 * is empty, as it is in most TPMs. `ask`: whom `prompt:` asks.
 *
 * @throws ERR_URI_INVALID
 */
export function authSource(uri: KeyUri, kind: AuthKind, ask: PinSource): PinSource | undefined {
  const named = uri.get(`${kind}-auth-source`)
  if (named === undefined) return undefined
  const own = uri.get('pin-source')
  const isUnattended = uri.has('pin-value') || (own !== undefined && own !== 'prompt:')
  if (named === 'prompt:' && isUnattended) {
    throw invalid(
      `${kind}-auth-source=prompt: beside a pin-source that asks nobody`,
      'name another source for one of them',
    )
  }
  return pinSourceOf(KeyUri.of(uri.scheme, {}, { 'pin-source': named }), ask)
}

/**
 * A handle as people write it: hexadecimal after `0x`, else decimal. `what` is where it stands.
 *
 * @throws ERR_URI_INVALID for one that no persistent object has
 */
export function persistentHandle(text: string, what: string): number {
  const isHandle = /^(0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10})$/.test(text)
  const handle = isHandle ? Number(text) : 0
  if (handle >= persistentHandles.first && handle <= persistentHandles.last) return handle
  throw invalid(`${what} in the key URI is no handle of a persistent object`, 'they are 0x81000000 to 0x81FFFFFF')
}

/** `0x81000100` */
export function handleText(handle: number): string {
  return `0x${handle.toString(16).padStart(8, '0')}`
}

/** The key for a person: `key file "prod.tss2.pem"`, `key 0x81000100`. */
export function describePlace(place: KeyPlace): string {
  if (place.kind === 'handle') return `key ${handleText(place.handle)}`
  return `key file "${place.kind === 'file' ? place.path : place.privatePath}"`
}

function placeOf(uri: KeyUri): KeyPlace {
  const [file, handle, publicPath, privatePath] = [
    uri.get('file'),
    uri.get('handle'),
    uri.get('public'),
    uri.get('private'),
  ]
  const isPair = publicPath !== undefined || privatePath !== undefined
  const named = [file !== undefined, handle !== undefined, isPair].filter(Boolean).length
  if (named > 1) throw invalid('the key URI names the key twice', 'write file=, or handle=, or public= and private=')
  if (handle !== undefined) return { kind: 'handle', handle: persistentHandle(handle, 'handle') }
  if (file !== undefined) return { kind: 'file', path: file }
  if (publicPath !== undefined && privatePath !== undefined) return { kind: 'pair', publicPath, privatePath }
  if (isPair) throw invalid('the key URI has one of public= and private=, which belong together')
  throw invalid('tpm2: does not say which key', 'write tpm2:file=prod.tss2.pem or tpm2:handle=0x81000100')
}

/** `parent=` of the URI. @throws ERR_URI_INVALID */
export function parentChoice(uri: KeyUri): ParentChoice | undefined {
  const text = uri.get('parent')
  const kind = parentKinds.find((one) => one === text)
  if (text === undefined || kind !== undefined) return kind
  if (/^[0-9]/.test(text)) return persistentHandle(text, 'parent')
  throw invalid(
    'parent in the key URI is none that hardkey knows',
    `it is a handle 0x81…, or ${parentKinds.join(', ')}`,
  )
}

function hexOf(uri: KeyUri, name: string, longest: number): Uint8Array | undefined {
  const text = uri.get(name)
  if (text === undefined) return undefined
  const isHex = text.length % 2 === 0 && text.length <= 2 * longest && /^[0-9a-fA-F]+$/.test(text)
  if (!isHex) throw invalid(`${name} in the key URI is not hexadecimal`, 'hardkey import writes it into the record')
  return new Uint8Array(Buffer.from(text, 'hex'))
}

function invalid(message: string, hint?: string): HardkeyError {
  return new HardkeyError('ERR_URI_INVALID', message, { hint })
}
