// The faults of a PKCS#11 device and module, F-P01 to F-P26, as data. In: nothing. Out: orders for the shim
// (pkcs11-shim.c), the moment at which they are given, and what must come of it: a code, or the right answer.

import type { Pkcs11Options } from '../../src/backends/pkcs11/backend.ts'
import type { ErrorCode } from '../../src/errors.ts'

export interface DeviceFault {
  readonly id: string
  /** Goes on after "a token or module that". */
  readonly what: string
  readonly orders: readonly string[]
  readonly comes: ErrorCode | 'the right answer'
  /** A part of the message, where it must name something. */
  readonly says?: string
  /** Attributes of the key URI beside token and object, and its pin-source. */
  readonly uri?: { readonly path?: Readonly<Record<string, string>>; readonly pinSource?: string }
  readonly options?: Pkcs11Options
}

type Row = readonly [
  id: string,
  what: string,
  orders: string | readonly string[],
  comes: DeviceFault['comes'],
  says?: string,
]

const faults = (rows: readonly Row[], more: Pick<DeviceFault, 'uri' | 'options'> = {}): readonly DeviceFault[] =>
  rows.map(([id, what, orders, comes, says]) => ({
    id,
    what,
    orders: [orders].flat(),
    comes,
    ...(says === undefined ? {} : { says }),
    ...more,
  }))

const right = 'the right answer'
const gone = 'ERR_DEVICE_UNAVAILABLE'
const hangs = { timeoutMilliseconds: 4000, pinPadTimeoutMilliseconds: 4000 }

/** The orders are there before the key is opened. */
export const openingFaults: readonly DeviceFault[] = [
  ...faults([
    ['F-P01', 'refuses the PIN', 'C_Login * return 0xa0', 'ERR_PIN_INCORRECT', 'token "prod"'],
    ['F-P01', 'refuses the PIN with CKR_GENERAL_ERROR', 'C_Login * return 0x5', 'ERR_PIN_INCORRECT'],
    ['F-P01', 'refuses the PIN with CKR_FUNCTION_FAILED', 'C_Login * return 0x6', 'ERR_PIN_INCORRECT'],
    ['F-P02', 'answers that the PIN is locked', 'C_Login * return 0xa4', 'ERR_PIN_LOCKED', 'token "prod"'],
    ['F-P02', 'shows that the PIN is locked', 'C_GetTokenInfo * set 0x40000', 'ERR_PIN_LOCKED', 'token "prod"'],
    ['F-P03', 'shows that one try is left', 'C_GetTokenInfo * set 0x20000', 'ERR_PIN_LOCKED', 'token "prod"'],
    ['F-P04', 'shows that a PIN was wrong', 'C_GetTokenInfo * set 0x10000', right],
    ['F-P05', 'answers that the PIN has expired', 'C_Login * return 0xa3', 'ERR_POLICY_REFUSED'],
    ['F-P05', 'answers that the PIN has a wrong length', 'C_Login * return 0xa2', 'ERR_PIN_INCORRECT'],
    ['F-P05', 'has no PIN yet', 'C_Login * return 0x102', 'ERR_PIN_REQUIRED'],
    ['F-P06', 'says that the user is logged in already', 'C_Login * after 0x100', right],
    ['F-P07', 'says that another user is logged in', 'C_Login * return 0x104', 'ERR_DEVICE_FAILED'],
    ['F-P07', 'says that too many users are logged in', 'C_Login * return 0x105', 'ERR_DEVICE_FAILED'],
    [
      'F-P08',
      'is cancelled by the person',
      ['C_GetTokenInfo * set 0x100', 'C_Login * return 0x50'],
      'ERR_PIN_REQUIRED',
    ],
    ['F-P09', 'is gone before the session', 'C_OpenSession * return 0xe0', gone, 'token "prod"'],
    ['F-P09', 'is taken out before the login', 'C_Login * return 0x32', gone, 'token "prod"'],
    ['F-P09', 'is not there at the login', 'C_Login * return 0xe0', gone, 'token "prod"'],
    ['F-P09', 'loses the session before the login', 'C_Login * return 0xb3', gone, 'token "prod"'],
    ['F-P11', 'is in another slot, after others', ['C_GetSlotList * reverse', 'C_GetSlotList * renumber 7'], right],
    ['F-P13', 'errs when the session is opened', 'C_OpenSession * return 0x30', 'ERR_DEVICE_FAILED'],
    ['F-P13', 'has no memory for the search', 'C_FindObjectsInit * return 0x31', 'ERR_DEVICE_FAILED'],
    ['F-P14', 'has no session free at first', ['C_OpenSession 1 return 0xb1', 'C_OpenSession 2 return 0xb1'], right],
    ['F-P20', 'crashes in C_Initialize', 'C_Initialize * crash', 'ERR_DEVICE_FAILED'],
    ['F-P20', 'crashes in C_Login', 'C_Login * crash', 'ERR_DEVICE_FAILED'],
    ['F-P20', 'aborts in C_OpenSession', 'C_OpenSession * abort', 'ERR_DEVICE_FAILED'],
    ['F-P20', 'calls exit() in C_GetTokenInfo', 'C_GetTokenInfo * exit 0', 'ERR_DEVICE_FAILED'],
    ['F-P20', 'crashes in C_Finalize', 'C_Finalize * crash', right],
    [
      'F-P21',
      'prints wherever it can',
      ['C_Initialize', 'C_Login', 'C_Finalize'].map((name) => `${name} * print {"Version":1}`),
      right,
    ],
    ['F-P22', 'is initialised already', 'C_Initialize * after 0x191', right],
  ]),
  ...faults(
    [['F-P04', 'shows that a PIN was wrong, where nobody is asked', 'C_GetTokenInfo * set 0x10000', 'ERR_PIN_LOCKED']],
    {
      uri: { pinSource: 'file:/nowhere/pin' },
    },
  ),
  ...faults(
    [
      ['F-P08', 'waits for a person who never comes', ['C_GetTokenInfo * set 0x100', 'C_Login * hang'], 'ERR_TIMEOUT'],
      ['F-P14', 'has no session free', 'C_OpenSession * return 0xb1', gone, 'token "prod"'],
      ['F-P19', 'hangs in C_Initialize', 'C_Initialize * hang', 'ERR_TIMEOUT', 'C_Initialize'],
      ['F-P19', 'hangs in C_GetSlotList', 'C_GetSlotList * hang', 'ERR_TIMEOUT'],
      ['F-P19', 'hangs in C_OpenSession', 'C_OpenSession * hang', 'ERR_TIMEOUT'],
      ['F-P19', 'hangs in C_Login', 'C_Login * hang', 'ERR_TIMEOUT', 'C_Login'],
      ['F-P19', 'hangs in C_FindObjects', 'C_FindObjects * hang', 'ERR_TIMEOUT'],
      ['F-P19', 'hangs in C_Finalize', 'C_Finalize * hang', right],
    ],
    { options: hangs },
  ),
]

/** The key is open when the orders come. */
export const signingFaults: readonly DeviceFault[] = [
  ...faults([
    ['F-P07', 'says that another user is logged in', 'C_Sign * return 0x104', 'ERR_DEVICE_FAILED'],
    ['F-P09', 'is taken out once in the midst of it', 'C_Sign +1 return 0x32', right],
    ['F-P09', 'is taken out for good', ['C_Sign * return 0x32', 'C_OpenSession * return 0xe0'], gone, 'token "prod"'],
    [
      'F-P09',
      'is not there any more',
      ['C_SignInit * return 0xe0', 'C_OpenSession * return 0xe0'],
      gone,
      'token "prod"',
    ],
    [
      'F-P10',
      'is another one of the same label',
      ['C_Sign * return 0x32', 'C_GetTokenInfo * serial 4711'],
      gone,
      'token "prod"',
    ],
    [
      'F-P11',
      'comes back in another slot',
      ['C_Sign +1 return 0x32', 'C_GetSlotList * reverse', 'C_GetSlotList * renumber 7'],
      right,
    ],
    ['F-P12', 'has lost the session', 'C_Sign +1 return 0xb3', right],
    ['F-P12', 'has closed the session', 'C_SignInit +1 return 0xb0', right],
    ['F-P12', 'was finalised', 'C_SignInit +1 return 0x190', right],
    ['F-P12', 'has forgotten the login', 'C_SignInit +1 return 0x101', right],
    ['F-P12', 'loses every session', 'C_Sign * return 0xb3', gone, 'token "prod"'],
    ['F-P13', 'errs once (CKR_DEVICE_ERROR)', 'C_Sign +1 return 0x30', right],
    ['F-P13', 'errs once (CKR_DEVICE_MEMORY)', 'C_SignInit +1 return 0x31', right],
    ['F-P13', 'errs once (CKR_GENERAL_ERROR)', 'C_Sign +1 return 0x5', right],
    ['F-P13', 'errs once (CKR_FUNCTION_FAILED)', 'C_Sign +1 return 0x6', right],
    ['F-P13', 'errs for ever', 'C_Sign * return 0x30', 'ERR_DEVICE_FAILED'],
    ['F-P14', 'has no session left for a new one', ['C_Sign * return 0x30', 'C_OpenSession * return 0xb1'], gone],
    ['F-P15', 'finds an operation under way', 'C_SignInit +1 return 0x90', right],
    ['F-P16', 'does not know the handle any more', 'C_SignInit +1 return 0x60', right],
    ['F-P17', 'does not have the mechanism', 'C_SignInit * return 0x70', 'ERR_KEY_UNUSABLE'],
    ['F-P17', 'finds the key of another type', 'C_SignInit * return 0x63', 'ERR_KEY_UNUSABLE'],
    ['F-P17', 'may not use the key', 'C_SignInit * return 0x68', 'ERR_KEY_UNUSABLE'],
    ['F-P18', 'answers no byte', 'C_Sign * length 0', 'ERR_DEVICE_FAILED'],
    ['F-P18', 'answers 31 bytes', 'C_Sign * length 31', 'ERR_DEVICE_FAILED'],
    ['F-P18', 'answers 33 bytes', 'C_Sign * length 33', 'ERR_DEVICE_FAILED'],
    ['F-P18', 'answers 64 bytes', 'C_Sign * length 64', 'ERR_DEVICE_FAILED'],
    ['F-P18', 'claims 4294967295 bytes', 'C_Sign * length 4294967295', 'ERR_DEVICE_FAILED'],
    ['T-5', 'writes beyond the end of its answer', 'C_Sign * overrun 40', 'ERR_DEVICE_FAILED'],
    ['T-5', 'writes an answer of its own into the pipe', 'C_Sign * answer', 'ERR_DEVICE_FAILED'],
    ['T-5', 'starts a process of its own', 'C_Sign * fork', right],
    ['F-P20', 'crashes in C_Sign', 'C_Sign * crash', 'ERR_DEVICE_FAILED'],
    ['F-P20', 'aborts in C_SignInit', 'C_SignInit * abort', 'ERR_DEVICE_FAILED'],
    ['F-P20', 'calls exit() in C_Sign', 'C_Sign * exit 0', 'ERR_DEVICE_FAILED'],
    ['F-P21', 'prints while it signs', 'C_Sign * print {"Version":1}', right],
  ]),
  ...faults(
    [
      ['F-P19', 'hangs in C_Sign', 'C_Sign * hang', 'ERR_TIMEOUT', 'C_Sign'],
      ['F-P19', 'hangs in C_SignInit', 'C_SignInit * hang', 'ERR_TIMEOUT'],
      ['F-P19', 'hangs in the new login', ['C_Sign * return 0xb3', 'C_Login * hang'], 'ERR_TIMEOUT', 'C_Login'],
    ],
    { options: hangs },
  ),
]

/** The orders are there while a secret checks in. */
export const importFaults: readonly DeviceFault[] = faults([
  [
    'F-P24',
    'does not keep CKA_EXTRACTABLE',
    'C_GetAttributeValue * tell 0x162 1',
    'ERR_KEY_UNUSABLE',
    'CKA_EXTRACTABLE',
  ],
  ['F-P24', 'does not keep CKA_SENSITIVE', 'C_GetAttributeValue * tell 0x103 0', 'ERR_KEY_UNUSABLE', 'CKA_SENSITIVE'],
  ['F-P24', 'does not tell CKA_EXTRACTABLE', 'C_GetAttributeValue * untell 0x162', 'ERR_KEY_UNUSABLE'],
  ['F-P25', 'is full (CKR_DEVICE_MEMORY)', 'C_CreateObject * return 0x31', 'ERR_DEVICE_FAILED'],
  ['F-P25', 'is full (CKR_TOKEN_RESOURCE_EXCEEDED)', 'C_CreateObject * return 0x201', 'ERR_DEVICE_FAILED'],
  ['F-P25', 'is write-protected', 'C_GetTokenInfo * set 0x2', 'ERR_BACKEND_UNSUPPORTED', 'write-protected'],
  ['F-P25', 'answers that it is write-protected', 'C_CreateObject * return 0xe2', 'ERR_BACKEND_UNSUPPORTED'],
  ['F-P20', 'crashes once when the attributes are read', 'C_GetAttributeValue +1 crash', 'ERR_DEVICE_FAILED'],
  ['F-P13', 'makes the object and answers CKR_DEVICE_ERROR', 'C_CreateObject * after 0x30', 'ERR_DEVICE_FAILED'],
])
