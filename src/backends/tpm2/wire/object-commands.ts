// The commands that make, load and keep objects. In: values. Out: values. One function for each command.
// TPM 2.0 Library, Part 3, the section above each.
// 1. What a command makes is kept by the Tpm and flushed at the end of its scope, or by `tpm.flush(handle)`.
// 2. A secret parameter is encrypted by the session that says `decrypt`; these functions do not choose for the caller.

import { HardkeyError } from '../../../errors.ts'
import { commandName } from '../status.ts'
import { type Authorization, authorizedCommand } from './authorized-command.ts'
import { type Reader, readWhole, WireFault, type Writer } from './codec.ts'
import { TPM_ALG, TPM_CC } from './constants.ts'
import { joined } from './kdf.ts'
import { type Entity, plainCommand, readAnswer, unnamedEntity } from './plain-command.ts'
import { nameOf, type PublicArea, writePublicArea } from './public-area.ts'
import { type SensitiveCreate, writeSensitiveCreate } from './structures.ts'
import { primaryMilliseconds, type SendOptions, type Tpm } from './tpm.ts'

type Options = Pick<SendOptions, 'signal'>

/** An object in the TPM with the bytes of its TPMT_PUBLIC. */
export interface PublicObject extends Entity {
  readonly publicArea: Uint8Array
}

/**
 * Part 3, 12.4 TPM2_ReadPublic. The Name is computed from the area, not taken from the answer. Nothing is proved: compare the
 * Name with one that is known.
 *
 * @throws ERR_KEY_NOT_FOUND where there is no such object
 */
export async function readPublic(tpm: Tpm, handle: number, options?: Options): Promise<PublicObject> {
  const command = { code: TPM_CC.ReadPublic, handles: [handle] }
  const read = (reader: Reader) => {
    const publicArea = joined(reader.tpm2b())
    const name = joined(reader.tpm2b())
    reader.tpm2b()
    return { handle, name: nameOf(publicArea), publicArea, told: name }
  }
  const { told, ...object } = await plainCommand(tpm, command, read, options)
  refuseOtherName(tpm, TPM_CC.ReadPublic, object.name, told)
  return object
}

export interface PrimaryWish {
  /** TPM_RH: the owner or the endorsement hierarchy. */
  readonly hierarchy: number
  readonly template: PublicArea
  readonly authorization: Authorization
}

/** Part 3, 24.1 TPM2_CreatePrimary, without sensitive data. May take a minute for RSA in a slow chip. */
export async function createPrimary(tpm: Tpm, wish: PrimaryWish, { signal }: Options = {}): Promise<PublicObject> {
  const answer = await authorizedCommand(
    tpm,
    {
      code: TPM_CC.CreatePrimary,
      entities: [unnamedEntity(wish.hierarchy)],
      write: (writer) => {
        writeSensitiveCreate(writer, { userAuth: nothing, data: nothing })
        // outsideInfo and creationPCR are empty.
        writer.tpm2b(writePublicArea(wish.template)).u16(0).u32(0)
      },
      authorizations: [wish.authorization],
      makesHandle: true,
    },
    { signal, timeoutMilliseconds: primaryMilliseconds },
  )
  return readAnswer(tpm, TPM_CC.CreatePrimary, () => {
    const publicArea = readWhole(answer.parameters, (reader) => {
      const area = joined(reader.tpm2b())
      // Creation data, hash and ticket, and the Name: all follow from the area or say nothing here.
      reader.rest()
      return area
    })
    return { handle: answer.handle, name: nameOf(publicArea), publicArea }
  })
}

export interface CreateWish {
  readonly parent: Entity
  /** The auth value and the key; both stay the caller's. */
  readonly sensitive: SensitiveCreate
  readonly template: PublicArea
  /** Must say `decrypt`: the key is in the command. */
  readonly authorization: Authorization
}

/** What a parent gives of a new object: the content of TPM2B_PRIVATE, and the bytes of its TPMT_PUBLIC. */
export interface CreatedObject {
  readonly private: Uint8Array
  readonly publicArea: Uint8Array
}

/** Part 3, 12.1 TPM2_Create. Nothing stays in the TPM. */
export async function create(tpm: Tpm, wish: CreateWish, options?: Options): Promise<CreatedObject> {
  refuseClear(TPM_CC.Create, wish.authorization)
  const { parameters } = await authorizedCommand(
    tpm,
    {
      code: TPM_CC.Create,
      entities: [wish.parent],
      write: (writer) => {
        writeSensitiveCreate(writer, wish.sensitive)
        writer.tpm2b(writePublicArea(wish.template)).u16(0).u32(0)
      },
      authorizations: [wish.authorization],
    },
    options,
  )
  return readAnswer(tpm, TPM_CC.Create, () =>
    readWhole(parameters, (reader) => {
      const created = { private: joined(reader.tpm2b()), publicArea: joined(reader.tpm2b()) }
      reader.rest()
      return created
    }),
  )
}

export interface LoadWish extends CreatedObject {
  readonly parent: Entity
  readonly authorization: Authorization
}

/**
 * Part 3, 12.2 TPM2_Load.
 *
 * @throws ERR_KEY_UNUSABLE (TPM_RC_INTEGRITY) for an object of another parent or TPM, or a damaged one
 */
export async function load(tpm: Tpm, wish: LoadWish, options?: Options): Promise<Entity> {
  const name = nameFromFile(wish.publicArea)
  const { handle, parameters } = await authorizedCommand(
    tpm,
    {
      code: TPM_CC.Load,
      entities: [wish.parent],
      write: (writer) => writer.tpm2b(wish.private).tpm2b(wish.publicArea),
      authorizations: [wish.authorization],
      makesHandle: true,
    },
    options,
  )
  const told = readAnswer(tpm, TPM_CC.Load, () => readWhole(parameters, (reader) => reader.tpm2b()))
  refuseOtherName(tpm, TPM_CC.Load, name, told)
  return { handle, name }
}

/** Part 3, 12.3 TPM2_LoadExternal of a public area alone, as the key that checks a signature. */
export async function loadExternal(
  tpm: Tpm,
  { publicArea, hierarchy }: { readonly publicArea: Uint8Array; readonly hierarchy: number },
  options?: Options,
): Promise<Entity> {
  const name = nameFromFile(publicArea)
  const write = (writer: Writer) => writer.u16(0).tpm2b(publicArea).u32(hierarchy)
  const read = (reader: Reader) => {
    const handle = reader.u32()
    tpm.own(handle)
    return { handle, told: joined(reader.tpm2b()) }
  }
  const { handle, told } = await plainCommand(tpm, { code: TPM_CC.LoadExternal, write }, read, options)
  refuseOtherName(tpm, TPM_CC.LoadExternal, name, told)
  return { handle, name }
}

export interface ImportWish {
  readonly parent: Entity
  readonly publicArea: Uint8Array
  /** Content of TPM2B_PRIVATE: the outer wrapper's HMAC and the encrypted sensitive area. */
  readonly duplicate: Uint8Array
  /** Content of TPM2B_ENCRYPTED_SECRET: the seed of the outer wrapper. */
  readonly encryptedSeed: Uint8Array
  readonly authorization: Authorization
}

/** Part 3, 13.3 TPM2_Import of an object with an outer wrapper and no inner one. Returns the content of its TPM2B_PRIVATE here. */
export async function importObject(tpm: Tpm, wish: ImportWish, options?: Options): Promise<Uint8Array> {
  const { parameters } = await authorizedCommand(
    tpm,
    {
      code: TPM_CC.Import,
      entities: [wish.parent],
      write: (writer) => {
        // encryptionKey is empty and symmetricAlg TPM_ALG_NULL: no inner wrapper.
        writer.u16(0).tpm2b(wish.publicArea).tpm2b(wish.duplicate).tpm2b(wish.encryptedSeed).u16(TPM_ALG.NULL)
      },
      authorizations: [wish.authorization],
    },
    options,
  )
  return readAnswer(tpm, TPM_CC.Import, () => readWhole(parameters, (reader) => joined(reader.tpm2b())))
}

export interface EvictWish {
  /** TPM_RH.OWNER. */
  readonly hierarchy: number
  /** A transient object to keep, or a persistent one to remove. */
  readonly object: Entity
  readonly persistentHandle: number
  readonly authorization: Authorization
}

/** Part 3, 28.5 TPM2_EvictControl: keeps a transient object under a handle, or removes a persistent one. */
export async function evictControl(tpm: Tpm, wish: EvictWish, options?: Options): Promise<void> {
  const { parameters } = await authorizedCommand(
    tpm,
    {
      code: TPM_CC.EvictControl,
      entities: [unnamedEntity(wish.hierarchy), wish.object],
      write: (writer) => writer.u32(wish.persistentHandle),
      authorizations: [wish.authorization],
    },
    options,
  )
  readAnswer(tpm, TPM_CC.EvictControl, () => readWhole(parameters, () => undefined))
}

const nothing = new Uint8Array(0)

/** @throws ERR_KEY_FILE_INVALID for an area whose Name we cannot compute */
function nameFromFile(publicArea: Uint8Array): Uint8Array {
  try {
    return nameOf(publicArea)
  } catch (cause) {
    if (!(cause instanceof WireFault)) throw cause
    throw new HardkeyError('ERR_KEY_FILE_INVALID', `the public area of the key cannot be used: ${cause.message}`, {
      cause,
    })
  }
}

/** A session's HMAC vouches for the command's handle and Names, but the name in a plain answer is anybody's. */
function refuseOtherName(tpm: Tpm, code: number, expected: Uint8Array, told: Uint8Array): void {
  if (Buffer.compare(expected, told) === 0) return
  throw new HardkeyError(
    'ERR_DEVICE_FAILED',
    `the TPM at ${tpm.description} answered ${commandName(code)} with the Name of another object: possible tampering`,
  )
}

function refuseClear(code: number, { decrypt }: Authorization): void {
  if (decrypt === true) return
  throw new HardkeyError('ERR_INTERNAL', `${commandName(code)} carries a key and should be encrypted`)
}
