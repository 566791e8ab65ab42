// The key object on a token: which one is meant, and how well it is protected. In: an address and what the token tells.
// Out: exactly one key, and findings as sentences. OASIS PKCS#11 Specification 3.1, sections 4.4, 4.7 and 4.10.

import { HardkeyError, onOneLine } from '../../errors.ts'
import type { KeyAddress } from './address.ts'
import { type AttributeName, attributeNames, CKM_SHA256_HMAC, keyTypes } from './constants.ts'
import type { KeyAttributes, TemplateValue } from './messages.ts'
import type { ModuleClient } from './module-client.ts'

/** A key that was found. `place` names it to the child until the next search. */
export interface FoundKey {
  readonly place: number
  readonly attributes: KeyAttributes
  /** The id of the URI was read as hexadecimal digits. */
  readonly idWasHex: boolean
}

/**
 * The one key that matches: by the id's bytes, and where none has them, by its hexadecimal digits.
 *
 * @throws ERR_KEY_NOT_FOUND, ERR_KEY_AMBIGUOUS
 */
export async function findKey(client: ModuleClient, address: KeyAddress, signal?: AbortSignal): Promise<FoundKey> {
  const { label, id, idFromHex } = address
  const digits = idFromHex === undefined ? [] : await client.find({ label, id: idFromHex }, signal)
  // The places are those of the last search, so the reading that is meant by RFC 7512 is looked up last.
  const plain = await client.find({ label, id }, signal)
  if (plain.length > 0 && digits.length > 0) {
    throw ambiguous(client, address, 'one has the id as it stands, one has its hexadecimal digits as bytes')
  }
  const idWasHex = digits.length > 0
  const found = idWasHex ? await client.find({ label, id: idFromHex }, signal) : plain
  const [attributes] = found
  if (attributes === undefined) throw notFound(client, address)
  if (found.length > 1) throw ambiguous(client, address, `${found.length === 8 ? 'eight or more' : found.length} match`)
  return { place: 0, attributes, idWasHex }
}

/** What must be so, or the secret could come out, or be used for something else. */
const required: Readonly<Partial<Record<AttributeName, boolean>>> = {
  CKA_TOKEN: true,
  CKA_PRIVATE: true,
  CKA_SENSITIVE: true,
  CKA_EXTRACTABLE: false,
  CKA_SIGN: true,
  CKA_ENCRYPT: false,
  CKA_DECRYPT: false,
  CKA_WRAP: false,
  CKA_UNWRAP: false,
  CKA_DERIVE: false,
  CKA_MODIFIABLE: false,
  CKA_COPYABLE: false,
}

/** Without a word from the token about these, the key does not count as protected. */
const mustBeTold: readonly AttributeName[] = ['CKA_TOKEN', 'CKA_SENSITIVE', 'CKA_EXTRACTABLE', 'CKA_SIGN']

/** What a new key shall have. A token without login cannot keep objects private. */
export function protectedTemplate(hasLogin: boolean): Readonly<Partial<Record<AttributeName, TemplateValue>>> {
  return { ...required, CKA_PRIVATE: hasLogin, CKA_VERIFY: false, CKA_ALLOWED_MECHANISMS: [CKM_SHA256_HMAC] }
}

/** Attributes that are not as they must be: `CKA_EXTRACTABLE is true`. Empty where the key is protected. */
export function flaws(attributes: KeyAttributes, hasLogin: boolean): readonly string[] {
  const expected = { ...required, CKA_PRIVATE: hasLogin ? true : undefined }
  return attributeNames.flatMap((name) => {
    const wanted = Object.hasOwn(expected, name) ? expected[name as keyof typeof expected] : undefined
    if (wanted === undefined) return []
    const value = attributes[name]
    if (value === undefined) return mustBeTold.includes(name) ? [`${name} is not told`] : []
    return value === wanted ? [] : [`${name} is ${value}`]
  })
}

/** What the token keeps less narrow than was asked, though the secret stays in. */
export function limits(attributes: KeyAttributes): readonly string[] {
  const mechanisms = attributes.CKA_ALLOWED_MECHANISMS
  const isNarrow = Array.isArray(mechanisms) && mechanisms.length === 1 && mechanisms[0] === CKM_SHA256_HMAC
  const untold = attributeNames.filter((name) => Object.hasOwn(required, name) && attributes[name] === undefined)
  return [
    ...(isNarrow ? [] : ['the token does not bind the key to CKM_SHA256_HMAC (CKA_ALLOWED_MECHANISMS)']),
    ...untold.map((name) => `the token does not tell ${name}`),
  ]
}

/** The attributes for people and records, by the names of the specification. */
export function shownAttributes(attributes: KeyAttributes): Readonly<Record<string, string | number | boolean>> {
  const shown: Record<string, string | number | boolean> = {}
  for (const name of attributeNames) {
    const value = attributes[name]
    if (value !== undefined) shown[name] = shownValue(name, value)
  }
  return shown
}

function shownValue(name: AttributeName, value: TemplateValue): string | number | boolean {
  if (name === 'CKA_LABEL' && typeof value === 'string') return onOneLine(Buffer.from(value, 'hex').toString())
  if (name === 'CKA_KEY_TYPE') {
    return Object.entries(keyTypes).find(([, type]) => type === value)?.[0] ?? `CKK_0x${Number(value).toString(16)}`
  }
  if (Array.isArray(value)) return value.map(mechanismName).join(' ')
  // Lists were shown above; what is left are the plain values.
  return value as string | number | boolean
}

function mechanismName(mechanism: number): string {
  return mechanism === CKM_SHA256_HMAC ? 'CKM_SHA256_HMAC' : `CKM_0x${mechanism.toString(16)}`
}

function notFound(client: ModuleClient, address: KeyAddress): HardkeyError {
  return new HardkeyError('ERR_KEY_NOT_FOUND', `${client.device} has no secret key with ${describe(address)}`, {
    hint: address.id === undefined ? 'pkcs11-tool --list-objects shows what is there' : 'an id is written id=%01%02',
  })
}

function ambiguous(client: ModuleClient, address: KeyAddress, how: string): HardkeyError {
  return new HardkeyError(
    'ERR_KEY_AMBIGUOUS',
    `several secret keys of ${client.device} have ${describe(address)}: ${how}`,
    {
      hint: 'name both object and id in the key URI, or remove the one that is not needed',
    },
  )
}

/** `label "aws" and id 0102` */
export function describe({ label, id }: KeyAddress): string {
  const parts = [
    label === undefined ? undefined : `label "${Buffer.from(label).toString()}"`,
    id === undefined ? undefined : `id ${Buffer.from(id).toString('hex')}`,
  ]
  return parts.filter((part) => part !== undefined).join(' and ')
}
