// The numbers of TPM 2.0 that hardkey needs, by the names of the specification. No input, no output.
// TPM 2.0 Library, Part 2 (Structures), and the TCG Algorithm Registry.

/** Part 2, 6.5.2 TPM_CC: command codes. */
export const TPM_CC = {
  EvictControl: 0x0120,
  ChangePPS: 0x0125,
  Clear: 0x0126,
  CreatePrimary: 0x0131,
  DictionaryAttackLockReset: 0x0139,
  SequenceComplete: 0x013e,
  SetCommandCodeAuditStatus: 0x0140,
  SelfTest: 0x0143,
  Startup: 0x0144,
  Shutdown: 0x0145,
  ActivateCredential: 0x0147,
  Certify: 0x0148,
  PolicyNV: 0x0149,
  Duplicate: 0x014b,
  NV_Read: 0x014e,
  ObjectChangeAuth: 0x0150,
  PolicySecret: 0x0151,
  Rewrap: 0x0152,
  Create: 0x0153,
  HMAC: 0x0155,
  Import: 0x0156,
  Load: 0x0157,
  HMAC_Start: 0x015b,
  SequenceUpdate: 0x015c,
  Sign: 0x015d,
  Unseal: 0x015e,
  PolicySigned: 0x0160,
  ContextLoad: 0x0161,
  ContextSave: 0x0162,
  FlushContext: 0x0165,
  LoadExternal: 0x0167,
  NV_ReadPublic: 0x0169,
  PolicyAuthorize: 0x016a,
  PolicyAuthValue: 0x016b,
  PolicyCommandCode: 0x016c,
  PolicyCounterTimer: 0x016d,
  PolicyCpHash: 0x016e,
  PolicyLocality: 0x016f,
  PolicyNameHash: 0x0170,
  PolicyOR: 0x0171,
  PolicyTicket: 0x0172,
  ReadPublic: 0x0173,
  StartAuthSession: 0x0176,
  VerifySignature: 0x0177,
  GetCapability: 0x017a,
  GetRandom: 0x017b,
  PCR_Read: 0x017e,
  PolicyPCR: 0x017f,
  PCR_Extend: 0x0182,
  PolicyDuplicationSelect: 0x0188,
  PolicyGetDigest: 0x0189,
  TestParms: 0x018a,
  PolicyPassword: 0x018c,
  PolicyNvWritten: 0x018f,
  PolicyTemplate: 0x0190,
} as const

/** TCG Algorithm Registry, table 3; Part 2, 6.3 TPM_ALG_ID. */
export const TPM_ALG = {
  ERROR: 0x0000,
  RSA: 0x0001,
  TDES: 0x0003,
  SHA1: 0x0004,
  HMAC: 0x0005,
  AES: 0x0006,
  MGF1: 0x0007,
  KEYEDHASH: 0x0008,
  XOR: 0x000a,
  SHA256: 0x000b,
  SHA384: 0x000c,
  SHA512: 0x000d,
  NULL: 0x0010,
  SM3_256: 0x0012,
  SM4: 0x0013,
  RSASSA: 0x0014,
  RSAES: 0x0015,
  RSAPSS: 0x0016,
  OAEP: 0x0017,
  ECDSA: 0x0018,
  ECDH: 0x0019,
  ECDAA: 0x001a,
  SM2: 0x001b,
  ECSCHNORR: 0x001c,
  ECMQV: 0x001d,
  KDF1_SP800_56A: 0x0020,
  KDF2: 0x0021,
  KDF1_SP800_108: 0x0022,
  ECC: 0x0023,
  SYMCIPHER: 0x0025,
  CAMELLIA: 0x0026,
  SHA3_256: 0x0027,
  SHA3_384: 0x0028,
  SHA3_512: 0x0029,
  CTR: 0x0040,
  OFB: 0x0041,
  CBC: 0x0042,
  CFB: 0x0043,
  ECB: 0x0044,
} as const

/** Part 2, 6.4 TPM_ECC_CURVE. */
export const TPM_ECC = {
  NIST_P192: 0x0001,
  NIST_P224: 0x0002,
  NIST_P256: 0x0003,
  NIST_P384: 0x0004,
  NIST_P521: 0x0005,
  BN_P256: 0x0010,
  BN_P638: 0x0011,
  SM2_P256: 0x0020,
} as const

/** Part 2, 6.9 TPM_ST: structure tags. */
export const TPM_ST = {
  RSP_COMMAND: 0x00c4,
  NULL: 0x8000,
  NO_SESSIONS: 0x8001,
  SESSIONS: 0x8002,
  CREATION: 0x8021,
  VERIFIED: 0x8022,
  AUTH_SECRET: 0x8023,
  HASHCHECK: 0x8024,
  AUTH_SIGNED: 0x8025,
} as const

/** Part 2, 6.11 TPM_SE: session types. */
export const TPM_SE = { HMAC: 0x00, POLICY: 0x01, TRIAL: 0x03 } as const

/** Part 2, 7.4 TPM_RH: permanent handles. FW_OWNER came with revision 1.83 (hierarchies limited by firmware). */
export const TPM_RH = {
  OWNER: 0x4000_0001,
  NULL: 0x4000_0007,
  PW: 0x4000_0009,
  LOCKOUT: 0x4000_000a,
  ENDORSEMENT: 0x4000_000b,
  PLATFORM: 0x4000_000c,
  FW_OWNER: 0x4000_0140,
} as const

/** Part 2, 7.2 TPM_HT: the first byte of a handle. */
export const TPM_HT = {
  PCR: 0x00,
  NV_INDEX: 0x01,
  HMAC_SESSION: 0x02,
  POLICY_SESSION: 0x03,
  PERMANENT: 0x40,
  TRANSIENT: 0x80,
  PERSISTENT: 0x81,
} as const

/** Part 2, 7.5 TPM_HC: 0x81000000 to 0x817fffff belong to the owner, the rest of 0x81 to the platform. */
export const persistentHandles = { first: 0x8100_0000, lastOfOwner: 0x817f_ffff, last: 0x81ff_ffff } as const

/** Part 2, 8.3 TPMA_OBJECT. */
export const TPMA_OBJECT = {
  fixedTPM: 0x0000_0002,
  stClear: 0x0000_0004,
  fixedParent: 0x0000_0010,
  sensitiveDataOrigin: 0x0000_0020,
  userWithAuth: 0x0000_0040,
  adminWithPolicy: 0x0000_0080,
  firmwareLimited: 0x0000_0100,
  svnLimited: 0x0000_0200,
  noDA: 0x0000_0400,
  encryptedDuplication: 0x0000_0800,
  restricted: 0x0001_0000,
  decrypt: 0x0002_0000,
  sign: 0x0004_0000,
  x509sign: 0x0008_0000,
} as const

/** Part 2, 13.4 TPMA_NV. */
export const TPMA_NV = { authRead: 0x0004_0000, noDA: 0x0200_0000 } as const

/** Part 2, 8.4 TPMA_SESSION. `decrypt` is the command's first parameter, `encrypt` the answer's. */
export const TPMA_SESSION = {
  continueSession: 0x01,
  auditExclusive: 0x02,
  auditReset: 0x04,
  decrypt: 0x20,
  encrypt: 0x40,
  audit: 0x80,
} as const

/** Part 2, 6.12 TPM_CAP. */
export const TPM_CAP = {
  ALGS: 0,
  HANDLES: 1,
  COMMANDS: 2,
  PCRS: 5,
  TPM_PROPERTIES: 6,
  ECC_CURVES: 8,
} as const

/** Part 2, 6.13 TPM_PT: fixed properties from 0x100, variable ones from 0x200. */
export const TPM_PT = {
  FAMILY_INDICATOR: 0x100,
  LEVEL: 0x101,
  REVISION: 0x102,
  MANUFACTURER: 0x105,
  VENDOR_STRING_1: 0x106,
  VENDOR_STRING_2: 0x107,
  VENDOR_STRING_3: 0x108,
  VENDOR_STRING_4: 0x109,
  FIRMWARE_VERSION_1: 0x10b,
  FIRMWARE_VERSION_2: 0x10c,
  INPUT_BUFFER: 0x10d,
  MAX_COMMAND_SIZE: 0x11e,
  MAX_RESPONSE_SIZE: 0x11f,
  MAX_DIGEST: 0x120,
  PERMANENT: 0x200,
  STARTUP_CLEAR: 0x201,
  LOCKOUT_COUNTER: 0x20e,
  MAX_AUTH_FAIL: 0x20f,
  LOCKOUT_INTERVAL: 0x210,
  LOCKOUT_RECOVERY: 0x211,
} as const
