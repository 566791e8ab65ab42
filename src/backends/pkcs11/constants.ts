// The numbers of PKCS#11 that hardkey needs, by the names of the specification. No input, no output.
// OASIS PKCS#11 Specification 3.1, section 4 (objects), section 6 (mechanisms), and its header files (flags).

/** CK_OBJECT_CLASS of every key that signs, and of the private half of a pair that unwraps one. */
export const CKO_SECRET_KEY = 0x04
export const CKO_PRIVATE_KEY = 0x03

/** Key types under which tokens keep an HMAC-SHA256 key: the older one, and the one of PKCS#11 2.40 errata 1. */
export const keyTypes = { CKK_GENERIC_SECRET: 0x10, CKK_SHA256_HMAC: 0x2b } as const

export const CKM_SHA256_HMAC = 0x251

/** Of a wrapping pair: its type, how it is made, how it unwraps (CK_RSA_PKCS_OAEP_PARAMS). */
export const CKK_RSA = 0x00
export const CKM_RSA_PKCS_KEY_PAIR_GEN = 0x00
export const CKM_RSA_PKCS_OAEP = 0x09
export const CKM_SHA_1 = 0x220
export const CKM_SHA256 = 0x250
export const CKG_MGF1_SHA1 = 0x01
export const CKG_MGF1_SHA256 = 0x02
export const CKZ_DATA_SPECIFIED = 0x01

export const CKU_USER = 1

/** C_OpenSession. CKF_SERIAL_SESSION must always be set. */
export const CKF_RW_SESSION = 0x02
export const CKF_SERIAL_SESSION = 0x04

/** CK_C_INITIALIZE_ARGS: the module may lock by the operating system's own means. */
export const CKF_OS_LOCKING_OK = 0x02

/** CK_SLOT_INFO and CK_MECHANISM_INFO. */
export const CKF_HW_SLOT = 0x04
export const CKF_HW = 0x01

/** CK_TOKEN_INFO. */
export const tokenFlags = {
  CKF_WRITE_PROTECTED: 0x02,
  CKF_LOGIN_REQUIRED: 0x04,
  CKF_USER_PIN_INITIALIZED: 0x08,
  CKF_PROTECTED_AUTHENTICATION_PATH: 0x100,
  CKF_TOKEN_INITIALIZED: 0x400,
  CKF_USER_PIN_COUNT_LOW: 0x1_0000,
  CKF_USER_PIN_FINAL_TRY: 0x2_0000,
  CKF_USER_PIN_LOCKED: 0x4_0000,
} as const

/** How the value of an attribute is laid out. */
export type AttributeKind = 'boolean' | 'number' | 'bytes' | 'mechanisms'

export interface AttributeType {
  readonly type: number
  readonly kind: AttributeKind
}

/** The attributes that hardkey sets, reads or shows. CKA_VALUE is not among them: it is written once and never read. */
export type AttributeName =
  | 'CKA_LABEL'
  | 'CKA_ID'
  | 'CKA_KEY_TYPE'
  | 'CKA_TOKEN'
  | 'CKA_PRIVATE'
  | 'CKA_SENSITIVE'
  | 'CKA_EXTRACTABLE'
  | 'CKA_SIGN'
  | 'CKA_VERIFY'
  | 'CKA_ENCRYPT'
  | 'CKA_DECRYPT'
  | 'CKA_WRAP'
  | 'CKA_UNWRAP'
  | 'CKA_DERIVE'
  | 'CKA_MODIFIABLE'
  | 'CKA_COPYABLE'
  | 'CKA_ALLOWED_MECHANISMS'

export const attributeTypes: Readonly<Record<AttributeName, AttributeType>> = {
  CKA_LABEL: { type: 0x03, kind: 'bytes' },
  CKA_ID: { type: 0x102, kind: 'bytes' },
  CKA_KEY_TYPE: { type: 0x100, kind: 'number' },
  CKA_TOKEN: { type: 0x01, kind: 'boolean' },
  CKA_PRIVATE: { type: 0x02, kind: 'boolean' },
  CKA_SENSITIVE: { type: 0x103, kind: 'boolean' },
  CKA_EXTRACTABLE: { type: 0x162, kind: 'boolean' },
  CKA_SIGN: { type: 0x108, kind: 'boolean' },
  CKA_VERIFY: { type: 0x10a, kind: 'boolean' },
  CKA_ENCRYPT: { type: 0x104, kind: 'boolean' },
  CKA_DECRYPT: { type: 0x105, kind: 'boolean' },
  CKA_WRAP: { type: 0x106, kind: 'boolean' },
  CKA_UNWRAP: { type: 0x107, kind: 'boolean' },
  CKA_DERIVE: { type: 0x10c, kind: 'boolean' },
  CKA_MODIFIABLE: { type: 0x170, kind: 'boolean' },
  CKA_COPYABLE: { type: 0x171, kind: 'boolean' },
  CKA_ALLOWED_MECHANISMS: { type: 0x4000_0600, kind: 'mechanisms' },
}

/** Every name, in the order in which they are shown. The cast: Object.keys forgets which names the table has. */
export const attributeNames: readonly AttributeName[] = Object.freeze(Object.keys(attributeTypes) as AttributeName[])

export const CKA_CLASS = 0x00
export const CKA_VALUE = 0x11
export const CKA_MODULUS = 0x120
export const CKA_MODULUS_BITS = 0x121
export const CKA_PUBLIC_EXPONENT = 0x122
export const CKA_UNWRAP_TEMPLATE = 0x4000_0212

/** Places in CK_FUNCTION_LIST, the same in every version of the specification since 2.0. */
export const functionPlaces = {
  C_Initialize: 0,
  C_Finalize: 1,
  C_GetInfo: 2,
  C_GetSlotList: 4,
  C_GetSlotInfo: 5,
  C_GetTokenInfo: 6,
  C_GetMechanismInfo: 8,
  C_OpenSession: 12,
  C_CloseSession: 13,
  C_Login: 18,
  C_CreateObject: 20,
  C_DestroyObject: 22,
  C_GetAttributeValue: 24,
  C_FindObjectsInit: 26,
  C_FindObjects: 27,
  C_FindObjectsFinal: 28,
  C_SignInit: 42,
  C_Sign: 43,
  C_GenerateKeyPair: 59,
  C_UnwrapKey: 61,
} as const

export type FunctionName = keyof typeof functionPlaces
