// What lies in the non-volatile memory of a TPM. In: an index. Out: its bytes, which are nothing secret.
// TPM 2.0 Library, Part 3, 31.6 TPM2_NV_ReadPublic and 31.13 TPM2_NV_Read; Part 2, 13.5 TPMS_NV_PUBLIC.

import { HardkeyError } from '../../../errors.ts'
import { authorizedCommand } from './authorized-command.ts'
import { type Reader, readWhole, WireFault, written } from './codec.ts'
import { TPM_CC, TPMA_NV } from './constants.ts'
import { digestOf, hashAlgorithm } from './hash.ts'
import { joined } from './kdf.ts'
import { type Entity, plainCommand, readAnswer } from './plain-command.ts'
import { Session } from './session.ts'
import type { SendOptions, Tpm } from './tpm.ts'

type Options = Pick<SendOptions, 'signal'>

/** TPM_PT_NV_BUFFER_MAX is at least so much: PC Client Platform TPM Profile, section 3. */
const pieceBytes = 512
/** A certificate has about 1.5 KiB. */
const mostBytes = 8192

/** Its own empty auth value may be tried: reading by it is allowed, and a wrong one counts for nothing. */
const readable = TPMA_NV.authRead | TPMA_NV.noDA

interface NvIndex extends Entity {
  readonly attributes: number
  readonly size: number
}

/**
 * The content of an index that its own empty auth value opens, as certificates of endorsement keys are kept.
 * @throws ERR_KEY_NOT_FOUND where there is none, ERR_KEY_UNUSABLE where it cannot be tried without counting as a wrong one
 */
export async function readNv(tpm: Tpm, index: number, options: Options = {}): Promise<Uint8Array> {
  const { attributes, size, ...entity } = await readNvPublic(tpm, index, options)
  if ((attributes & readable) !== readable) {
    throw new HardkeyError('ERR_KEY_UNUSABLE', `the TPM at ${tpm.description} has an index that not everyone may read`)
  }
  const content = new Uint8Array(Math.min(size, mostBytes))
  for (let offset = 0; offset < content.length; offset += pieceBytes) {
    content.set(await readPiece(tpm, entity, offset, Math.min(pieceBytes, content.length - offset), options), offset)
  }
  return content
}

/** The Name of an index is computed like that of an object, over its own area. */
async function readNvPublic(tpm: Tpm, index: number, options: Options): Promise<NvIndex> {
  const command = { code: TPM_CC.NV_ReadPublic, handles: [index] }
  const read = (reader: Reader) => {
    const area = joined(reader.tpm2b())
    reader.tpm2b()
    return area
  }
  const area = await plainCommand(tpm, command, read, options)
  return readAnswer(tpm, TPM_CC.NV_ReadPublic, () => readWhole(area, (reader) => nvIndex(reader, area)))
}

function nvIndex(reader: Reader, area: Uint8Array): NvIndex {
  const handle = reader.u32()
  const { offset } = reader
  const nameAlg = reader.u16()
  const algorithm = hashAlgorithm(nameAlg)
  if (algorithm === undefined) throw new WireFault('its nameAlg is no hash known here', offset)
  const attributes = reader.u32()
  reader.tpm2b()
  const digest = digestOf(algorithm, area)
  return { handle, attributes, size: reader.u16(), name: written((writer) => writer.u16(nameAlg).bytes(digest)) }
}

async function readPiece(tpm: Tpm, index: Entity, offset: number, size: number, options: Options): Promise<Uint8Array> {
  const session = await Session.start(tpm, { kind: 'hmac', salt: undefined, signal: options.signal })
  try {
    const { parameters } = await authorizedCommand(
      tpm,
      {
        code: TPM_CC.NV_Read,
        // An index may authorise its own reading.
        entities: [index, index],
        write: (writer) => writer.u16(size).u16(offset),
        authorizations: [{ session, authValue: new Uint8Array(0), last: true }],
      },
      options,
    )
    return readAnswer(tpm, TPM_CC.NV_Read, () => readWhole(parameters, (reader) => reader.tpm2b(size)))
  } finally {
    await session.end()
  }
}
