// The two files of a delivery, as JSON. In: bytes that came from elsewhere. Out: a wrapping key or a wrapped key, checked; and
// their bytes again. Neither holds a secret that anyone but one device could read.
// 1. A file is read only as it is written, byte for byte: members in their order, texts alone, two blanks for each step.
// 2. `proof` is HMAC-SHA256 under the key, of a label and SHA-256 of all members before it. Only who knows the key or has it
//    in a device can make it, so a file whose proof the device confirms is the one that was written, whole.

import { createHash } from 'node:crypto'
import { HardkeyError } from '../errors.ts'
import type { WrappedKey, WrappingKey } from '../key/hmac-key.ts'

/** A key that was encrypted for one device, and what tells that it is the right one. */
export interface DeliveredKey {
  readonly wrapped: WrappedKey
  /** Undefined for a file of another tool. */
  readonly proof?: DeliveryProof | undefined
}

/** What the device must answer once it has the key. */
export interface DeliveryProof {
  readonly accessKeyId: string
  /** What it is asked for: 46 bytes, which no date can be. */
  readonly input: Uint8Array
  /** 32 bytes. */
  readonly answer: Uint8Array
}

/** What a wrapped key says of itself, before there is a proof. */
export interface WrappedHeader {
  readonly accessKeyId: string
  /** UTC: "2026-11-24T17:20:00Z". */
  readonly created: string
  readonly wrapped: WrappedKey & { readonly check: string }
}

/** Ours have about 2 KiB, 4 with a certificate. */
export const longestWrapFile = 32_768

type Members = Readonly<Record<string, string>>

/** In the order in which they are written. */
const rules: Readonly<Record<string, RegExp>> = {
  hardkey: /^(?:wrapping|wrapped) key 1$/,
  accessKeyId: /^[\x21-\x2b\x2d\x2e\x30-\x7e]{1,128}$/,
  created: /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/,
  scheme: /^[a-z][a-z0-9]{0,31}$/,
  kind: /^[a-z0-9+-]{1,64}$/,
  device: /^[^\p{C}\u2028\u2029]{1,500}$/u,
  name: /^(?:[0-9a-f]{2}){20,66}$/,
  publicKey: /^[A-Za-z0-9+/]{40,}={0,2}$/,
  certificate: /^[A-Za-z0-9+/]{40,}={0,2}$/,
  ciphertext: /^[A-Za-z0-9+/]{40,}={0,2}$/,
  check: /^[0-9a-f]{16}$/,
  proof: /^[0-9a-f]{64}$/,
}
const base64Members: readonly string[] = ['publicKey', 'certificate', 'ciphertext']
const wrappingMembers = ['hardkey', 'scheme', 'kind', 'device', 'name', 'publicKey']
const wrappedMembers = [
  'hardkey',
  'accessKeyId',
  'created',
  'scheme',
  'kind',
  'device',
  'name',
  'ciphertext',
  'check',
  'proof',
]

/** @throws ERR_KEY_FILE_INVALID, naming the member */
export function parseWrappingKey(bytes: Uint8Array): WrappingKey {
  const { scheme, kind, device, name, publicKey, certificate } = members(
    bytes,
    'wrapping key',
    wrappingMembers,
    'certificate',
  )
  return {
    scheme: scheme ?? '',
    kind: kind ?? '',
    device: device ?? '',
    name: name ?? '',
    publicKey: fromBase64(publicKey),
    certificate: certificate === undefined ? undefined : fromBase64(certificate),
  }
}

export function formatWrappingKey({ scheme, kind, device, name, publicKey, certificate }: WrappingKey): string {
  return textOf({
    hardkey: 'wrapping key 1',
    scheme,
    kind,
    device,
    name,
    publicKey: base64(publicKey),
    ...(certificate === undefined ? {} : { certificate: base64(certificate) }),
  })
}

/** @throws ERR_KEY_FILE_INVALID, naming the member */
export function parseWrappedKey(
  bytes: Uint8Array,
): DeliveredKey & { readonly proof: DeliveryProof; readonly created: string } {
  const { proof = '', ...header } = members(bytes, 'wrapped key', wrappedMembers)
  const { accessKeyId = '', created = '', scheme = '', kind = '', device = '', name = '', ciphertext, check } = header
  return {
    wrapped: { scheme, kind, device, name, ciphertext: fromBase64(ciphertext), check },
    proof: { accessKeyId, input: proofInput(header), answer: new Uint8Array(Buffer.from(proof, 'hex')) },
    created,
  }
}

/** `prove` gives the HMAC-SHA256 under the key. */
export function formatWrappedKey(header: WrappedHeader, prove: (input: Uint8Array) => Uint8Array): string {
  const { scheme, kind, device, name, ciphertext, check } = header.wrapped
  const { accessKeyId, created } = header
  const written = {
    hardkey: 'wrapped key 1',
    accessKeyId,
    created,
    scheme,
    kind,
    device,
    name,
    ciphertext: base64(ciphertext),
    check,
  }
  return textOf({ ...written, proof: Buffer.from(prove(proofInput(written))).toString('hex') })
}

/** 14 bytes of label and 32 of digest. */
function proofInput(header: Members): Uint8Array {
  const digest = createHash('sha256').update(textOf(header)).digest()
  return Buffer.concat([Buffer.from('hardkey wrap 1', 'ascii'), digest])
}

function textOf(written: Members): string {
  return `${JSON.stringify(written, null, 2)}\n`
}

function members(bytes: Uint8Array, what: string, names: readonly string[], optional?: string): Members {
  if (bytes.length > longestWrapFile) throw invalid(what, `has more than ${longestWrapFile} bytes`)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
  const found = parsed(text, what)
  const { hardkey: heading } = found
  if (heading !== `${what} 1`) throw invalid(what, `is no ${what}, or one of a newer hardkey`)
  const read = Object.keys(found).filter((name) => name !== optional)
  if (read.join() !== names.join()) throw invalid(what, `does not have the members ${names.join(', ')} in this order`)
  const checked: Record<string, string> = {}
  for (const [name, value] of Object.entries(found)) {
    if (typeof value !== 'string' || !isRight(name, value)) throw invalid(what, `has a wrong "${name}"`)
    checked[name] = value
  }
  if (Buffer.compare(Buffer.from(textOf(checked)), bytes) === 0) return checked
  throw invalid(what, 'is not as hardkey has written it')
}

/** Bits that a base64 leaves over are none of its bytes: it would be written as another text. */
function isRight(name: string, value: string): boolean {
  if (rules[name]?.test(value) !== true) return false
  return !base64Members.includes(name) || base64(fromBase64(value)) === value
}

/** Of an object of JSON its own members, which are anything. */
function parsed(text: string, what: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's message shows a piece of the text.
    throw invalid(what, 'is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(what, 'is no JSON object')
  return Object.assign(Object.create(null), value)
}

function invalid(what: string, fault: string): HardkeyError {
  return new HardkeyError('ERR_KEY_FILE_INVALID', `the file of the ${what} ${fault}`, {
    hint: 'it is another file, or was changed on its way: bring it over again, byte for byte',
  })
}

function fromBase64(text = ''): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'))
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
