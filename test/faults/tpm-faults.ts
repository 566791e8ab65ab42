// The faults of a TPM and of the way to it, F-T01 to F-T20, as data. In: nothing. Out: rules for the proxy (tpm-rules.ts)
// and what must come of them: a code, or the right answer.

import type { ErrorCode } from '../../src/errors.ts'
import type { Kind } from './faulty-tpm.ts'
import { encryptionDenied, encryptionDropped } from './tpm-attacks.ts'
import type { CommandName, Rule } from './tpm-proxy.ts'
import { cut, delay, deny, first, flip, lengthen, pad, refuse, replay, resize, retag, silence } from './tpm-rules.ts'

export interface TpmFault {
  readonly id: string
  /** Goes on after "a TPM that" or "a way to it that". */
  readonly what: string
  readonly rules: () => readonly Rule[]
  /** A code, or several: which one hangs on the moment. */
  readonly comes: ErrorCode | 'the right answer' | readonly ErrorCode[]
  /** Parts of message and hint, where they must name something. */
  readonly says?: string
  /** So often a command may reach the proxy, at most. */
  readonly atMost?: Readonly<Partial<Record<CommandName, number>>>
  /** The connection is given up, so that only a resource manager can flush what was made over it. */
  readonly isManaged?: boolean
  /** Only with this kind of key; default: with a key file and with a persistent key, without auth value. */
  readonly only?: Kind
}

type Row = readonly [
  id: string,
  what: string,
  rules: () => Rule | readonly Rule[],
  comes: TpmFault['comes'],
  more?: Pick<TpmFault, 'says' | 'atMost' | 'only'>,
]

const right = 'the right answer'
const failed = 'ERR_DEVICE_FAILED'
const gone = 'ERR_DEVICE_UNAVAILABLE'
const once = first(1)
const asked: readonly CommandName[] = ['StartAuthSession', 'HMAC']

function table(rows: readonly Row[]): readonly TpmFault[] {
  return rows.map(([id, what, rules, comes, more = {}]) => ({
    id,
    what,
    rules: () => [rules()].flat(),
    comes,
    ...more,
  }))
}

/** Response codes. */
const codes = table([
  [
    'F-T01',
    'answers RETRY once',
    () => refuse('HMAC', 0x922, once),
    right,
    { atMost: { HMAC: 2, StartAuthSession: 1 } },
  ],
  ['F-T01', 'answers RETRY five times', () => refuse('HMAC', 0x922, first(5)), right, { atMost: { HMAC: 6 } }],
  ['F-T01', 'answers RETRY to every command once', () => refuse('*', 0x922, once), right],
  ['F-T01', 'answers RETRY for ever', () => refuse('HMAC', 0x922), gone, { only: 'file', atMost: { HMAC: 22 } }],
  ['F-T02', 'answers YIELDED', () => refuse(asked, 0x908, first(2)), right],
  ['F-T02', 'answers TESTING', () => refuse(asked, 0x90a, first(2)), right],
  ['F-T02', 'answers CANCELED', () => refuse(asked, 0x909, once), right],
  ['F-T02', 'answers NV_RATE', () => refuse(asked, 0x920, first(2)), right],
  ['F-T02', 'answers NV_UNAVAILABLE', () => refuse(asked, 0x923, first(2)), right],
  ['F-T06', 'has no room for an object, once', () => refuse('Load', 0x902, once), right, { only: 'file' }],
  ['F-T06', 'has no room for an object', () => refuse('Load', 0x902), gone, { only: 'file', says: '/dev/tpmrm0' }],
  ['F-T06', 'has no room for a session, once', () => refuse('StartAuthSession', 0x903, once), right],
  ['F-T06', 'has no room for a session', () => refuse('StartAuthSession', 0x903), gone, { says: '/dev/tpmrm0' }],
  ['F-T06', 'has no handle for an object', () => refuse('Load', 0x906), gone, { only: 'file', says: '/dev/tpmrm0' }],
  ['F-T06', 'has no handle for a session', () => refuse('StartAuthSession', 0x905), gone, { says: '/dev/tpmrm0' }],
  ['F-T06', 'has a gap of contexts', () => refuse('StartAuthSession', 0x901), gone, { says: '/dev/tpmrm0' }],
  [
    'F-T11',
    'was cleared (INTEGRITY)',
    () => refuse('Load', 0x1df),
    'ERR_KEY_UNUSABLE',
    { only: 'file', says: 'another TPM' },
  ],
  ['F-T11', 'was cleared (HANDLE)', () => refuse('HMAC', 0x18b), 'ERR_KEY_NOT_FOUND', { only: 'handle' }],
  // A persistent key whose policy nobody told is asked once more, by its policy.
  [
    'F-T13',
    'says that the policy is not met',
    () => refuse('HMAC', 0x99d),
    'ERR_POLICY_REFUSED',
    { atMost: { HMAC: 2 } },
  ],
  ['F-T14', 'wants a policy session', () => refuse('HMAC', 0x12f), 'ERR_POLICY_REFUSED', { atMost: { HMAC: 2 } }],
  [
    'F-T18',
    'is in failure mode',
    () => refuse(asked, 0x101),
    failed,
    { says: 'restart', atMost: { StartAuthSession: 1 } },
  ],
  [
    'F-T18',
    'was not started up',
    () => refuse(asked, 0x100),
    failed,
    { says: 'restart', atMost: { StartAuthSession: 1 } },
  ],
  ['F-T19', 'has lost the session (REFERENCE_S0)', () => refuse('HMAC', 0x918, once), right, { atMost: { HMAC: 2 } }],
  ['F-T19', 'has lost the object (REFERENCE_H0)', () => refuse('HMAC', 0x910, once), right, { atMost: { HMAC: 2 } }],
  ['F-T19', 'does not know the session (HANDLE)', () => refuse('HMAC', 0x98b, once), right, { atMost: { HMAC: 2 } }],
  ['F-T19', 'loses every session', () => refuse('HMAC', 0x918), failed, { atMost: { HMAC: 2 } }],
])

/** What only a key with an auth value meets. */
const auths = table([
  [
    'F-T03',
    'refuses the auth value (AUTH_FAIL)',
    () => refuse('HMAC', 0x98e),
    'ERR_PIN_INCORRECT',
    { only: 'typed', atMost: { HMAC: 1 } },
  ],
  [
    'F-T03',
    'refuses the auth value (BAD_AUTH)',
    () => refuse('HMAC', 0x9a2),
    'ERR_PIN_INCORRECT',
    { only: 'typed', atMost: { HMAC: 1 } },
  ],
  ['F-T04', 'is locked', () => refuse('HMAC', 0x921), 'ERR_PIN_LOCKED', { only: 'typed', atMost: { HMAC: 1 } }],
  ['F-T01', 'answers RETRY to the auth value', () => refuse('HMAC', 0x922, first(3)), right, { only: 'typed' }],
  ['F-T19', 'has lost the session with the proof', () => refuse('HMAC', 0x918, once), right, { only: 'typed' }],
])

/** Bytes that are no answer. */
const bytes: readonly TpmFault[] = table(
  (['StartAuthSession', 'HMAC'] as const).flatMap((name): readonly Row[] => [
    ['F-T15', `cuts the answer of ${name} in its header`, () => cut(name, 5), [gone, failed]],
    ['F-T15', `cuts the answer of ${name} behind its header`, () => cut(name, 12), [gone, failed]],
    ['F-T15', `ends with no byte of an answer to ${name}`, () => cut(name, 0), [gone, failed]],
    ['F-T15', `puts bytes behind the answer of ${name}`, () => lengthen(name, 4), failed],
    ['F-T15', `puts bytes at the end of the answer of ${name}`, () => pad(name, 4), failed],
    ['F-T15', `gives the answer of ${name} another tag`, () => retag(name, 0x00c4), failed],
    ['F-T15', `gives the answer of ${name} the size 0`, () => resize(name, 0), failed],
    ['F-T15', `gives the answer of ${name} the size 9`, () => resize(name, 9), failed],
    ['F-T15', `gives the answer of ${name} 4 KiB and more`, () => resize(name, 5000), failed],
    ['F-T15', `gives the answer of ${name} the size 4294967295`, () => resize(name, 0xffffffff), failed],
    ['F-T20', `ends once in the midst of the answer of ${name}`, () => cut(name, 20, once), right],
    ['F-T20', `ends once in place of an answer to ${name}`, () => cut(name, 0, once), right],
  ]),
).map((fault) => ({ ...fault, isManaged: true }))

/** Somebody on the bus, who is told so. */
const tampering = table([
  ['F-T16', 'flips a bit of the HMAC', () => flip('HMAC', 20), failed, { says: 'tamper', atMost: { HMAC: 1 } }],
  ['F-T16', 'flips a bit of the session HMAC', () => flip('HMAC', -1), failed, { says: 'tamper', atMost: { HMAC: 1 } }],
  ['F-T16', 'flips a bit of the nonce', () => flip('HMAC', 55), failed, { says: 'tamper', atMost: { HMAC: 1 } }],
  ['F-T16', 'flips a bit of the nonce at the start', () => flip('StartAuthSession', -1), failed],
  [
    'F-T16',
    'takes the mark of encryption off',
    () => encryptionDenied(),
    failed,
    { says: 'tamper', atMost: { HMAC: 1 } },
  ],
  ['F-T16', 'tells the TPM not to encrypt', () => encryptionDropped(), failed, { says: 'tamper', atMost: { HMAC: 1 } }],
  ['F-T16', 'says that the TPM refused, when it did not', () => deny('HMAC', 0x101), failed, { atMost: { HMAC: 1 } }],
])

/** Before a key is opened, and while it is open, with a key file and with a persistent key. */
export const tpmFaults: readonly TpmFault[] = [...codes, ...auths, ...bytes, ...tampering]

/** Time. The deadline of a command is 10 s, so there are few of these. */
export const slowFaults: readonly TpmFault[] = table([
  ['F-T21', 'never answers TPM2_HMAC', () => silence('HMAC'), 'ERR_TIMEOUT', { only: 'file', atMost: { HMAC: 1 } }],
  [
    'F-T21',
    'never answers TPM2_StartAuthSession',
    () => silence('StartAuthSession'),
    'ERR_TIMEOUT',
    { only: 'handle' },
  ],
  ['F-T21', 'answers each command late, but in time', () => delay('*', 300), right],
])

/** Needs an exchange before it: an old answer is played again. */
export const replayed: readonly Rule[] = [replay('HMAC')]
export const replayedStart: readonly Rule[] = [replay('StartAuthSession')]
