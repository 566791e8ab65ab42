// What hardkey asks of the child that runs a PKCS#11 module, and what the child answers: the heads of the frames.
// In: the head of an answer, as JSON gave it. Out: values whose types have been looked at. The module's code runs in
// the child and could write answers of its own, so nothing in them is trusted further than its type.

import type { AttributeName } from './constants.ts'
import { attributeNames, attributeTypes } from './constants.ts'

/** One value of a template for C_CreateObject; bytes and text as hexadecimal digits. */
export type TemplateValue = boolean | number | string | readonly number[]
export type Template = Readonly<Partial<Record<AttributeName, TemplateValue>>>

/** The acts of the child, in the order in which they are asked. */
export type Act =
  /** C_GetFunctionList and C_Initialize of the module at an absolute path. */
  | { readonly act: 'load'; readonly module: string }
  /** C_GetSlotList, C_GetSlotInfo, C_GetTokenInfo of every slot with a token. */
  | { readonly act: 'tokens' }
  /** C_OpenSession; a session that was open before is closed afterwards, so that a login outlives it. */
  | { readonly act: 'session'; readonly slotId: string; readonly write: boolean }
  /** C_Login as user. The PIN is the frame's bytes; with a protected authentication path there is none. */
  | { readonly act: 'login'; readonly pad: boolean }
  /** C_GetMechanismInfo of CKM_SHA256_HMAC. */
  | { readonly act: 'mechanism' }
  /** C_FindObjects among the secret keys, by label and id in hexadecimal digits. */
  | { readonly act: 'find'; readonly label?: string | undefined; readonly id?: string | undefined }
  /** C_SignInit and C_Sign with the nth key that was found. The frame's bytes: a mask for the answer, then the data. */
  | { readonly act: 'hmac'; readonly key: number }
  /** C_CreateObject. The value is the frame's bytes. */
  | { readonly act: 'create'; readonly template: Template }
  /** C_FindObjects among the private RSA keys, by label in hexadecimal digits. */
  | { readonly act: 'pairs'; readonly label: string }
  /** C_GenerateKeyPair of RSA, whose private half may unwrap. */
  | ({ readonly act: 'pair' } & PairWish)
  /** C_UnwrapKey with the private half of the nth pair that was found. The frame's bytes: the ciphertext. */
  | ({ readonly act: 'unwrap' } & UnwrapWish)
  /** C_DestroyObject of the nth key that was found, or of all that was made last. */
  | { readonly act: 'destroy'; readonly key: number | 'created' }

/** The hash of RSA-OAEP, and of its mask. */
export type OaepHash = 'sha256' | 'sha1'

/** A pair that is to be made. */
export interface PairWish {
  /** In hexadecimal digits, as `id`. */
  readonly label: string
  readonly id: string
  readonly bits: number
  /** The private key is bound to what it may unwrap, and to OAEP. Not every token can. */
  readonly narrow: boolean
}

/** A key that is to come out of a ciphertext. */
export interface UnwrapWish {
  /** Place of the pair among those found last. */
  readonly pair: number
  readonly hash: OaepHash
  readonly template: Template
}

/** A wrapping pair as the token tells it; the numbers in hexadecimal digits. */
export interface WrappingPair {
  readonly attributes: KeyAttributes
  readonly modulus: string
  readonly exponent: string
}

export interface LibraryInfo {
  readonly manufacturer: string
  readonly description: string
  /** `2.6` */
  readonly version: string
}

export interface TokenInfo {
  /** CK_SLOT_ID in decimal digits. */
  readonly slotId: string
  readonly slotDescription: string
  readonly slotManufacturer: string
  readonly slotFlags: number
  readonly label: string
  readonly manufacturer: string
  readonly model: string
  readonly serial: string
  readonly flags: number
}

/** Attributes of a key as the token tells them; what it does not know or tell is left out. Bytes in hexadecimal digits. */
export type KeyAttributes = Template

/** What the child could not do: a module refused, or it was no module, or koffi is not there. */
export type ChildFailure =
  | { readonly kind: 'refused'; readonly function: string; readonly status: number }
  | { readonly kind: 'module'; readonly text: string }
  | { readonly kind: 'koffi'; readonly text: string }
  | { readonly kind: 'fault'; readonly text: string }

/** The head of an answer is not of the agreed shape. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError'
}

/** The failure that an answer reports, or undefined where it reports success. */
export function readFailure(head: unknown): ChildFailure | undefined {
  const failure = member(head, 'failure')
  if (failure === undefined) return undefined
  const kind = textOf(failure, 'kind')
  if (kind === 'refused') return { kind, function: textOf(failure, 'function'), status: numberOf(failure, 'status') }
  if (kind === 'module' || kind === 'koffi' || kind === 'fault') return { kind, text: textOf(failure, 'text') }
  throw new AnswerError('an answer fails in an unknown way')
}

export function readLibrary(head: unknown): LibraryInfo {
  const library = member(head, 'library')
  return {
    manufacturer: textOf(library, 'manufacturer'),
    description: textOf(library, 'description'),
    version: textOf(library, 'version'),
  }
}

export function readTokens(head: unknown): readonly TokenInfo[] {
  return listOf(head, 'tokens').map((token) => ({
    slotId: textOf(token, 'slotId'),
    slotDescription: textOf(token, 'slotDescription'),
    slotManufacturer: textOf(token, 'slotManufacturer'),
    slotFlags: numberOf(token, 'slotFlags'),
    label: textOf(token, 'label'),
    manufacturer: textOf(token, 'manufacturer'),
    model: textOf(token, 'model'),
    serial: textOf(token, 'serial'),
    flags: numberOf(token, 'flags'),
  }))
}

/** Flags of CK_MECHANISM_INFO; undefined where the token does not have the mechanism. */
export function readMechanismFlags(head: unknown): number | undefined {
  return member(head, 'flags') === undefined ? undefined : numberOf(head, 'flags')
}

export function readKeys(head: unknown): readonly KeyAttributes[] {
  return listOf(head, 'keys').map(readAttributes)
}

export function readPairs(head: unknown): readonly WrappingPair[] {
  return listOf(head, 'pairs').map((pair) => ({
    attributes: readAttributes(member(pair, 'attributes')),
    modulus: hexOf(pair, 'modulus'),
    exponent: hexOf(pair, 'exponent'),
  }))
}

function hexOf(from: unknown, name: string): string {
  const value = textOf(from, name)
  if (!/^([0-9a-f]{2})+$/.test(value)) throw new AnswerError(`"${name}" of an answer is no bytes`)
  return value
}

function readAttributes(from: unknown): KeyAttributes {
  const attributes: Partial<Record<AttributeName, TemplateValue>> = {}
  for (const name of attributeNames) {
    const value = member(from, name)
    if (value !== undefined) attributes[name] = attributeValue(name, value)
  }
  return attributes
}

function attributeValue(name: AttributeName, value: unknown): TemplateValue {
  const { kind } = attributeTypes[name]
  if (kind === 'boolean' && typeof value === 'boolean') return value
  if (kind === 'number' && typeof value === 'number') return value
  if (kind === 'bytes' && typeof value === 'string' && /^([0-9a-f]{2})*$/.test(value)) return value
  if (kind === 'mechanisms' && Array.isArray(value) && value.every((item) => typeof item === 'number')) return value
  throw new AnswerError(`${name} of a key is no ${kind}`)
}

function member(from: unknown, name: string): unknown {
  if (typeof from !== 'object' || from === null) throw new AnswerError(`an answer has no "${name}"`)
  // An object of JSON; its own members only, so that a polluted prototype adds nothing.
  return Object.hasOwn(from, name) ? (from as Record<string, unknown>)[name] : undefined
}

function textOf(from: unknown, name: string): string {
  const value = member(from, name)
  if (typeof value !== 'string') throw new AnswerError(`"${name}" of an answer is no text`)
  return value
}

function numberOf(from: unknown, name: string): number {
  const value = member(from, name)
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new AnswerError(`"${name}" of an answer is no number`)
  }
  return value
}

function listOf(from: unknown, name: string): readonly unknown[] {
  const value = member(from, name)
  if (!Array.isArray(value)) throw new AnswerError(`"${name}" of an answer is no list`)
  return value
}
