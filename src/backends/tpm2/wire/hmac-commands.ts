// HMAC-SHA256 in the TPM. In: a key in the TPM, data, who authorises. Out: 32 bytes in a buffer of the caller's.
// TPM 2.0 Library, Part 3, 15.5 TPM2_HMAC, 17.2 TPM2_HMAC_Start, 17.5 TPM2_SequenceComplete.
// 1. The answer crosses the bus encrypted: without a session that says `encrypt` nothing is sent.
// 2. hashAlg is always TPM_ALG_NULL, the hash of the key, so that cpHash of a date is the same everywhere.

import { HardkeyError } from '../../../errors.ts'
import { commandName } from '../status.ts'
import { type Authorization, type AuthorizedAnswer, authorizedCommand } from './authorized-command.ts'
import { type Reader, readWhole, WireFault } from './codec.ts'
import { TPM_ALG, TPM_CC, TPM_RH } from './constants.ts'
import { joined } from './kdf.ts'
import { type Entity, readAnswer } from './plain-command.ts'
import { readTicket } from './structures.ts'
import type { SendOptions, Tpm } from './tpm.ts'

type Options = Pick<SendOptions, 'signal'>

/** Bytes of an HMAC-SHA256. */
const macSize = 32

export interface HmacWish {
  readonly key: Entity
  readonly data: Uint8Array
  /** The first authorises the key; one of them says `encrypt`. */
  readonly authorizations: readonly Authorization[]
}

/** Part 3, 15.5 TPM2_HMAC. One command; many chips do not have it (ERR_BACKEND_UNSUPPORTED, TPM_RC_COMMAND_CODE). */
export async function hmac(tpm: Tpm, wish: HmacWish, options?: Options): Promise<Uint8Array> {
  refuseClear(TPM_CC.HMAC, wish.authorizations)
  const answer = await authorizedCommand(
    tpm,
    {
      code: TPM_CC.HMAC,
      entities: [wish.key],
      write: (writer) => writer.tpm2b(wish.data).u16(TPM_ALG.NULL),
      authorizations: wish.authorizations,
    },
    options,
  )
  return takeMac(tpm, TPM_CC.HMAC, answer, (reader) => reader.tpm2b())
}

export interface SequenceWish {
  readonly key: Entity
  /** At most as many bytes as the TPM takes in one buffer, of which every TPM has room for 64. */
  readonly data: Uint8Array
  /** Authorises the key for TPM2_HMAC_Start. */
  readonly start: readonly Authorization[]
  /**
   * Authorises the sequence, whose auth value is empty, for TPM2_SequenceComplete; says `encrypt`. An HMAC session, since a
   * sequence has no policy; may be the one of `start`.
   */
  readonly complete: readonly Authorization[]
}

/** Part 3, 17.2 TPM2_HMAC_Start and 17.5 TPM2_SequenceComplete. Two commands, for a TPM without TPM2_HMAC. */
export async function hmacBySequence(tpm: Tpm, wish: SequenceWish, options?: Options): Promise<Uint8Array> {
  refuseClear(TPM_CC.SequenceComplete, wish.complete)
  const { handle } = await authorizedCommand(
    tpm,
    {
      code: TPM_CC.HMAC_Start,
      entities: [wish.key],
      write: (writer) => writer.u16(0).u16(TPM_ALG.NULL),
      authorizations: wish.start,
      makesHandle: true,
    },
    options,
  )
  try {
    const answer = await authorizedCommand(
      tpm,
      {
        code: TPM_CC.SequenceComplete,
        // Part 1, "Names": the Name of a sequence object is empty.
        entities: [{ handle, name: new Uint8Array(0) }],
        write: (writer) => writer.tpm2b(wish.data).u32(TPM_RH.NULL),
        authorizations: wish.complete,
      },
      options,
    )
    // The TPM has flushed the sequence.
    tpm.disown(handle)
    return takeMac(tpm, TPM_CC.SequenceComplete, answer, (reader) => {
      const mac = reader.tpm2b()
      readTicket(reader)
      return mac
    })
  } finally {
    await tpm.flush(handle)
  }
}

/** The MAC in a buffer of its own; the answer is wiped. */
function takeMac(
  tpm: Tpm,
  code: number,
  { parameters }: AuthorizedAnswer,
  read: (reader: Reader) => Uint8Array,
): Uint8Array {
  try {
    return readAnswer(tpm, code, () => {
      const mac = readWhole(parameters, read)
      if (mac.length !== macSize) throw new WireFault(`an HMAC of ${mac.length} bytes is none by SHA-256`, 0)
      return joined(mac)
    })
  } finally {
    parameters.fill(0)
  }
}

function refuseClear(code: number, authorizations: readonly Authorization[]): void {
  if (authorizations.some(({ encrypt }) => encrypt === true)) return
  throw new HardkeyError('ERR_INTERNAL', `the answer of ${commandName(code)} should be encrypted`)
}
