// A command with authorization sessions. In: a command code, objects, parameters, who authorises. Out: what the answer holds,
// proved by the session's HMAC and decrypted.
// TPM 2.0 Library, Part 1, 18.8 "cpHash and rpHash", 19.6 "Session-Based Authorizations", 21 "Session-based encryption".
// 1. Secret parameters are encrypted where they stand before anything is sent; the buffer in clear exists nowhere else.
// 2. An answer is read no further than its frame before its HMAC was compared.

import { timingSafeEqual } from 'node:crypto'
import { HardkeyError } from '../../../errors.ts'
import { commandName } from '../status.ts'
import { headerSize } from './answer-frame.ts'
import { Reader, WireFault, type Writer, written } from './codec.ts'
import { TPM_ST, TPMA_SESSION } from './constants.ts'
import { sha256 } from './hash.ts'
import { explainLockout } from './lockout.ts'
import { decryptFirst, encryptFirst } from './param-encryption.ts'
import { type Entity, readAnswer } from './plain-command.ts'
import { nonceSize, type Session } from './session.ts'
import type { SendOptions, Tpm } from './tpm.ts'

/** One session of a command. The first ones authorise the first handles, in their order. */
export interface Authorization {
  readonly session: Session
  /**
   * Auth value of the object that this session authorises, empty where it has none; it stays the caller's. Undefined
   * where the session authorises nothing and is there for encryption alone; such sessions come last.
   */
  readonly authValue: Uint8Array | undefined
  /** For messages: `the owner hierarchy`. */
  readonly of?: string | undefined
  /** Encrypts the first parameter of the command. */
  readonly decrypt?: boolean | undefined
  /** Has the TPM encrypt the first parameter of the answer. */
  readonly encrypt?: boolean | undefined
  /** The TPM ends the session with this command (continueSession clear), if it succeeds: one FlushContext less. */
  readonly last?: boolean | undefined
}

export interface AuthorizedCommand {
  readonly code: number
  /** Handles in the order of the command's table; those to be authorised first. */
  readonly entities: readonly Entity[]
  readonly write: (writer: Writer) => void
  readonly authorizations: readonly Authorization[]
  /** True where the answer begins with a handle, which is then kept by the Tpm to be flushed. */
  readonly makesHandle?: boolean | undefined
}

export interface AuthorizedAnswer {
  /** The handle that was made; 0 where the command makes none. */
  readonly handle: number
  /** The parameters, decrypted, in a buffer of the caller's, who wipes it where they are secret. */
  readonly parameters: Uint8Array
}

/** Part 1, 18.8 "cpHash": the command code, the Names, the parameters as they are sent. */
export function commandHash(code: number, names: readonly Uint8Array[], parameters: Uint8Array): Uint8Array {
  return sha256(numberBytes(code), ...names, parameters)
}

/**
 * Sends the command and proves its answer.
 *
 * @throws as `Tpm.send`; ERR_DEVICE_FAILED where the answer is not what the sessions vouch for: something between has
 * changed it, or it comes from another TPM
 */
export async function authorizedCommand(
  tpm: Tpm,
  command: AuthorizedCommand,
  options: Omit<SendOptions, 'authorized'> = {},
): Promise<AuthorizedAnswer> {
  refuseUnsalted(command)
  const parameters = written(command.write)
  for (const { session } of command.authorizations) session.rollCaller()
  try {
    encryptParameters(command.authorizations, parameters)
    const bytes = commandBytes(command, parameters)
    const authorized = command.authorizations.map(({ of }) => of)
    const answer = await explainLockout(tpm, async () => await tpm.send(bytes, { ...options, authorized }))
    return readAnswer(tpm, command.code, () => provedAnswer(tpm, command, answer))
  } finally {
    parameters.fill(0)
  }
}

/** A session without salt would encrypt with a key that everyone can compute. */
function refuseUnsalted({ code, authorizations }: AuthorizedCommand): void {
  const isIn = ({ session, decrypt, encrypt }: Authorization) => !session.canEncrypt && (decrypt || encrypt) === true
  if (!authorizations.some(isIn)) return
  throw new HardkeyError('ERR_INTERNAL', `${commandName(code)} should be encrypted by a session without salt`)
}

function encryptParameters(authorizations: readonly Authorization[], parameters: Uint8Array): void {
  const by = authorizations.find(({ decrypt }) => decrypt === true)
  if (by === undefined) return
  const sessionValue = by.session.value(by.authValue)
  try {
    const { nonceCaller, nonceTpm } = by.session
    encryptFirst(parameters, { sessionValue, nonceNewer: nonceCaller, nonceOlder: nonceTpm })
  } finally {
    sessionValue.fill(0)
  }
}

function commandBytes({ code, entities, authorizations }: AuthorizedCommand, parameters: Uint8Array): Uint8Array {
  const names = entities.map(({ name }) => name)
  const areas = authorizationArea(authorizations, commandHash(code, names, parameters))
  const size = headerSize + 4 * entities.length + 4 + areas.length + parameters.length
  return written((writer) => {
    writer.u16(TPM_ST.SESSIONS).u32(size).u32(code)
    for (const { handle } of entities) writer.u32(handle)
    writer.u32(areas.length).bytes(areas).bytes(parameters)
  })
}

/** Part 2, 10.13.2 TPMS_AUTH_COMMAND, one for each session. */
function authorizationArea(authorizations: readonly Authorization[], cpHash: Uint8Array): Uint8Array {
  const otherNonces = noncesOfOthers(authorizations)
  return written((writer) => {
    authorizations.forEach((authorization, index) => {
      const { session, authValue } = authorization
      const attributes = attributesOf(authorization)
      const others = index === 0 ? otherNonces : []
      const flags = Uint8Array.of(attributes)
      const mac = session.hmac(authValue, cpHash, session.nonceCaller, session.nonceTpm, ...others, flags)
      writer.u32(session.handle).tpm2b(session.nonceCaller).u8(attributes).tpm2b(mac)
    })
  })
}

/** Part 1, 19.6.5: the first session's HMAC vouches for the nonces of other sessions that encrypt. */
function noncesOfOthers(authorizations: readonly Authorization[]): readonly Uint8Array[] {
  const first = authorizations[0]?.session
  const decrypting = authorizations.find(({ decrypt }) => decrypt === true)?.session
  const encrypting = authorizations.find(({ encrypt }) => encrypt === true)?.session
  const others = new Set([decrypting, encrypting])
  others.delete(first)
  return [...others].flatMap((session) => (session === undefined ? [] : [session.nonceTpm]))
}

function attributesOf({ decrypt, encrypt, last }: Authorization): number {
  return (
    (last === true ? 0 : TPMA_SESSION.continueSession) |
    (decrypt === true ? TPMA_SESSION.decrypt : 0) |
    (encrypt === true ? TPMA_SESSION.encrypt : 0)
  )
}

/** Part 1, "Response Structure": header, the handle if one was made, the size of the parameters, those, one area for each session. */
function provedAnswer(tpm: Tpm, command: AuthorizedCommand, answer: Uint8Array): AuthorizedAnswer {
  const reader = new Reader(answer)
  const tag = reader.u16()
  reader.bytes(headerSize - 2)
  // Kept before anything else is asked: whatever is wrong with the answer, the object may be there.
  const handle = command.makesHandle === true ? reader.u32() : 0
  if (command.makesHandle === true) tpm.own(handle)
  if (tag !== TPM_ST.SESSIONS) throw tampered(tpm, command.code, 'without the sessions that the command had')
  const parameters = reader.bytes(reader.u32())
  const rpHash = sha256(noError, numberBytes(command.code), parameters)
  for (const authorization of command.authorizations) {
    if (!isProved(reader, authorization, rpHash)) throw tampered(tpm, command.code, 'with a wrong session HMAC')
  }
  reader.end()
  decryptParameters(command.authorizations, parameters)
  for (const { session, last } of command.authorizations) if (last === true) session.ended()
  return { handle, parameters }
}

/** Part 2, 10.13.3 TPMS_AUTH_RESPONSE. Takes the TPM's nonce over where the HMAC is right. */
function isProved(reader: Reader, authorization: Authorization, rpHash: Uint8Array): boolean {
  const { session, authValue } = authorization
  const nonceTpm = reader.tpm2b(nonceSize)
  const flags = reader.bytes(1)
  const mac = reader.tpm2b(nonceSize)
  const expected = session.hmac(authValue, rpHash, nonceTpm, session.nonceCaller, flags)
  if (mac.length !== expected.length || !timingSafeEqual(mac, expected)) return false
  // The HMAC covers the flags; the TPM echoes those of the command.
  if (flags[0] !== attributesOf(authorization)) return false
  session.rollTpm(nonceTpm)
  return true
}

function decryptParameters(authorizations: readonly Authorization[], parameters: Uint8Array): void {
  const by = authorizations.find(({ encrypt }) => encrypt === true)
  if (by === undefined) return
  const [high = 0, low = 0] = parameters
  if (2 + high * 0x100 + low > parameters.length) throw new WireFault('the first parameter is cut off', 0)
  const sessionValue = by.session.value(by.authValue)
  try {
    const { nonceCaller, nonceTpm } = by.session
    decryptFirst(parameters, { sessionValue, nonceNewer: nonceTpm, nonceOlder: nonceCaller })
  } finally {
    sessionValue.fill(0)
  }
}

const noError: Uint8Array = new Uint8Array(4)

function numberBytes(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}

function tampered(tpm: Tpm, code: number, how: string): HardkeyError {
  return new HardkeyError(
    'ERR_DEVICE_FAILED',
    `the TPM at ${tpm.description} answered ${commandName(code)} ${how}: possible tampering`,
    {
      hint: 'something between this program and the TPM changes answers, or another TPM answers; the answer was not used',
    },
  )
}
