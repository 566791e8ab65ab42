// The acts of the child with a key pair for wrapping. In: a module with an open session. Out: pairs that were found or made,
// and the handle of a key that one of them has unwrapped. Runs in the child alone.
// OASIS PKCS#11 Specification 3.1, sections 5.18.4 (C_GenerateKeyPair) and 5.18.6 (C_UnwrapKey), 6.1 (RSA) and 6.1.8 (OAEP).

import { encodeValue, fromHex } from './attribute-values.ts'
import * as ck from './constants.ts'
import type { AttributeBytes, Cryptoki } from './cryptoki.ts'
import { memory } from './function-list.ts'
import { mechanismMembers, oaepMembers, packStructure, readUlong, ulongBytes } from './layout.ts'
import type { OaepHash, PairWish, Template, UnwrapWish } from './messages.ts'

/** A module, and the session that is open. */
export interface OpenModule {
  readonly module: Cryptoki
  readonly session: bigint
}

/** The two handles of a pair. */
export interface PairHandles {
  readonly publicKey: bigint
  readonly privateKey: bigint
}

/** What a pair's public half is made of, in hexadecimal digits. */
export interface PublicNumbers {
  readonly modulus: string
  readonly exponent: string
}

/** RSA 8192; larger keys are made nowhere. */
const longestModulus = 1024
/** 65537, the exponent of every pair made here. */
const usualExponent = '010001'
/** What the private key may unwrap, where the token can be told: nothing that would come out again. */
const unwrapTemplate: Template = {
  CKA_SENSITIVE: true,
  CKA_EXTRACTABLE: false,
  CKA_ENCRYPT: false,
  CKA_DECRYPT: false,
  CKA_WRAP: false,
  CKA_UNWRAP: false,
  CKA_DERIVE: false,
}

/** Handles of the private RSA keys with this label, at most `limit`. */
export function findPairs({ module, session }: OpenModule, label: string, limit: number): readonly bigint[] {
  const wanted = [
    ...bytesOf(module, { CKA_KEY_TYPE: ck.CKK_RSA, CKA_LABEL: label }),
    classOf(module, ck.CKO_PRIVATE_KEY),
  ]
  return module.findObjects(session, wanted, limit)
}

/** Modulus and exponent, which a private key tells too. */
export function publicNumbers({ module, session }: OpenModule, key: bigint): PublicNumbers {
  const wanted = [
    { type: ck.CKA_MODULUS, bytes: memory(longestModulus) },
    { type: ck.CKA_PUBLIC_EXPONENT, bytes: memory(8) },
  ] as const
  const [modulus = 0, exponent = 0] = module.readAttributes(session, key, wanted)
  const hex = (bytes: Uint8Array, length: number) => Buffer.from(bytes.subarray(0, length)).toString('hex')
  // A token may leave the exponent out of the private key.
  return {
    modulus: hex(wanted[0].bytes, modulus),
    exponent: exponent === 0 ? usualExponent : hex(wanted[1].bytes, exponent),
  }
}

/** A pair whose private half may unwrap and nothing else. @throws Refusal */
export function makePair({ module, session }: OpenModule, { label, id, bits, narrow }: PairWish): PairHandles {
  const names = { CKA_LABEL: label, CKA_ID: id, CKA_TOKEN: true }
  const publicKey = [
    ...bytesOf(module, { ...names, CKA_PRIVATE: false, CKA_ENCRYPT: false, CKA_VERIFY: false, CKA_WRAP: true }),
    { type: ck.CKA_MODULUS_BITS, bytes: ulongBytes(module.layout, bits) },
    { type: ck.CKA_PUBLIC_EXPONENT, bytes: fromHex(usualExponent) },
  ]
  const bound = narrow ? { CKA_ALLOWED_MECHANISMS: [ck.CKM_RSA_PKCS_OAEP], CKA_MODIFIABLE: false } : {}
  const inner = narrow ? bytesOf(module, unwrapTemplate) : []
  const privateKey = [
    ...bytesOf(module, { ...names, ...pairTemplate, ...bound }),
    ...(narrow ? [{ type: ck.CKA_UNWRAP_TEMPLATE, bytes: module.pack(inner) }] : []),
  ]
  const handles = [ulongBytes(module.layout, 0), ulongBytes(module.layout, 0)] as const
  const mechanism = packStructure(module.layout, mechanismMembers, [ck.CKM_RSA_PKCS_KEY_PAIR_GEN, 0, 0])
  const templates = [module.pack(publicKey), publicKey.length, module.pack(privateKey), privateKey.length] as const
  module.call('C_GenerateKeyPair', session, mechanism, ...templates, ...handles)
  wipe([...publicKey, ...privateKey, ...inner])
  const [first, second] = handles.map((handle) => readUlong(module.layout, handle, 0))
  return { publicKey: first ?? 0n, privateKey: second ?? 0n }
}

/** What the private half shall have. */
const pairTemplate: Template = {
  CKA_PRIVATE: true,
  CKA_SENSITIVE: true,
  CKA_EXTRACTABLE: false,
  CKA_UNWRAP: true,
  CKA_DECRYPT: false,
  CKA_SIGN: false,
  CKA_DERIVE: false,
}

/** The handle of the secret key that comes out. @throws Refusal */
export function unwrap({ module, session }: OpenModule, key: bigint, wish: UnwrapWish, ciphertext: Uint8Array): bigint {
  const { layout } = module
  const attributes = [classOf(module, ck.CKO_SECRET_KEY), ...bytesOf(module, wish.template)]
  const oaep = packStructure(layout, oaepMembers, [...oaepHashes[wish.hash], ck.CKZ_DATA_SPECIFIED, 0, 0])
  const values = [ck.CKM_RSA_PKCS_OAEP, module.address(oaep), oaep.length]
  const mechanism = packStructure(layout, mechanismMembers, values)
  const object = ulongBytes(layout, 0)
  const template = [module.pack(attributes), attributes.length] as const
  module.call('C_UnwrapKey', session, mechanism, key, ciphertext, ciphertext.length, ...template, object)
  // What addresses point to is held until here.
  wipe([...attributes, { bytes: oaep }])
  return readUlong(layout, object, 0)
}

const oaepHashes: Readonly<Record<OaepHash, readonly [hash: number, mgf: number]>> = {
  sha256: [ck.CKM_SHA256, ck.CKG_MGF1_SHA256],
  sha1: [ck.CKM_SHA_1, ck.CKG_MGF1_SHA1],
}

/** Nothing in these is secret: the use of the buffers holds them until the call is over. */
function wipe(used: readonly Pick<AttributeBytes, 'bytes'>[]): void {
  for (const { bytes } of used) bytes.fill(0)
}

function classOf(module: Cryptoki, objectClass: number): AttributeBytes {
  return { type: ck.CKA_CLASS, bytes: ulongBytes(module.layout, objectClass) }
}

/** The attributes of a template as bytes, in the order of the table. */
export function bytesOf({ layout }: Cryptoki, template: Template): readonly AttributeBytes[] {
  return ck.attributeNames.flatMap((name) => {
    const value = template[name]
    return value === undefined ? [] : [{ type: ck.attributeTypes[name].type, bytes: encodeValue(layout, value) }]
  })
}
