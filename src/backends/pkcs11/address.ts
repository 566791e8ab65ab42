// What a pkcs11: URI names: which token, and which key on it. In: a key URI. Out: what to compare with, checked.
// RFC 7512, section 2.3; beside it `slot`, an index that other tools write, and `id` as hexadecimal digits.

import { HardkeyError } from '../../errors.ts'
import type { KeyUri } from '../../key/uri.ts'

/** What a token must match; undefined matches every one. */
export interface TokenAddress {
  readonly label: string | undefined
  readonly manufacturer: string | undefined
  readonly model: string | undefined
  readonly serial: string | undefined
  /** CK_SLOT_ID in decimal digits without leading zeros. */
  readonly slotId: string | undefined
  /** Place in the module's list of slots with a token, from 0. */
  readonly slotIndex: number | undefined
  readonly slotDescription: string | undefined
  readonly slotManufacturer: string | undefined
  readonly libraryManufacturer: string | undefined
  readonly libraryDescription: string | undefined
  readonly libraryVersion: string | undefined
}

/** What a key must match. */
export interface KeyAddress {
  readonly label: Uint8Array | undefined
  readonly id: Uint8Array | undefined
  /** The id again, where its text could be hexadecimal digits. */
  readonly idFromHex: Uint8Array | undefined
}

const pathAttributes: readonly string[] = [
  'token',
  'manufacturer',
  'serial',
  'model',
  'object',
  'type',
  'id',
  'slot-id',
  'slot-manufacturer',
  'slot-description',
  'library-manufacturer',
  'library-description',
  'library-version',
  'slot',
]

// The last two are written by other tools: how many sessions they may hold, and that they shall ask for the PIN.
const queryAttributes: readonly string[] = [
  'module-path',
  'module-name',
  'pin-source',
  'pin-value',
  'max-sessions',
  'pin-prompt',
]

/** @throws ERR_URI_INVALID for an attribute that pkcs11: does not have, and for a slot that is no number */
export function tokenAddress(uri: KeyUri): TokenAddress {
  uri.expect(pathAttributes, queryAttributes)
  refuseOtherTypes(uri)
  const slot = numberOf(uri, 'slot')
  return {
    label: uri.get('token'),
    manufacturer: uri.get('manufacturer'),
    model: uri.get('model'),
    serial: uri.get('serial'),
    slotId: numberOf(uri, 'slot-id')?.toString(),
    slotIndex: slot === undefined ? undefined : Number(slot),
    slotDescription: uri.get('slot-description'),
    slotManufacturer: uri.get('slot-manufacturer'),
    libraryManufacturer: uri.get('library-manufacturer'),
    libraryDescription: uri.get('library-description'),
    libraryVersion: uri.get('library-version'),
  }
}

/** @throws ERR_URI_INVALID where neither label nor id is given, and for an id that looks cut */
export function keyAddress(uri: KeyUri): KeyAddress {
  const label = uri.bytes('object')
  const id = uri.bytes('id')
  if (label === undefined && id === undefined) {
    throw new HardkeyError('ERR_URI_INVALID', 'the key URI names no key: it has neither object nor id', {
      hint: 'add ;object=LABEL or ;id=%01%02, and quote the URI: a shell ends a word at ";" and "&"',
    })
  }
  return { label, id, idFromHex: id === undefined ? undefined : hexadecimal(id) }
}

/** True where the URI itself says where the PIN comes from, and no person is asked. */
export function namesUnattendedPin(uri: KeyUri): boolean {
  const source = uri.get('pin-source')
  return uri.has('pin-value') || (source !== undefined && !source.startsWith('prompt:'))
}

function refuseOtherTypes(uri: KeyUri): void {
  const type = uri.get('type')
  if (type === undefined || type === 'secret-key') return
  throw new HardkeyError('ERR_URI_INVALID', `type=${type} in the key URI is no key for an HMAC`, {
    hint: 'the key is a secret key: type=secret-key',
  })
}

function numberOf(uri: KeyUri, name: string): bigint | undefined {
  const text = uri.get(name)
  if (text === undefined) return undefined
  if (!/^[0-9]{1,10}$/.test(text) || BigInt(text) > 0xffff_ffffn) {
    throw new HardkeyError('ERR_URI_INVALID', `${name} in the key URI is not a number from 0 to 4294967295`)
  }
  return BigInt(text)
}

/** The bytes that an id's text gives as hexadecimal digits. One digit is taken as text: some tokens have such ids. */
function hexadecimal(id: Uint8Array): Uint8Array | undefined {
  const text = Buffer.from(id).toString('latin1')
  if (!/^[0-9a-fA-F]{2,}$/.test(text)) return undefined
  if (text.length % 2 !== 0) throw idError('the id in the key URI has an odd number of hexadecimal digits')
  return new Uint8Array(Buffer.from(text, 'hex'))
}

function idError(message: string): HardkeyError {
  return new HardkeyError('ERR_URI_INVALID', message, { hint: 'write each byte as %XX: id=%01%02' })
}
