// A key that has just come into the TPM is kept. In: the key as the TPM has it, where it goes. Out: a key file or a persistent
// object with its attributes read back, and the URI that opens it; or nothing at all.
// What the TPM gave was loaded before anything is kept, so that a file that is written is one that this TPM takes.

import type { ImportedKey, KeyInfo } from '../../key/hmac-key.ts'
import type { KeyUri } from '../../key/uri.ts'
import type { AuthValues } from './auth-values.ts'
import { describeKey } from './describe-key.ts'
import type { KeyFileContent } from './documents/key-file.ts'
import { formatPcrList, type PcrEntry } from './documents/pcr.ts'
import type { PolicyStep } from './documents/policy.ts'
import { type ImportTarget, keyExists, writeKeyFile } from './import-target.ts'
import { handleText, keyAddress, type ParentChoice } from './key-uri.ts'
import { authorizeParent, bringStorageKey, type StorageKey } from './parent.ts'
import { isPersistent, persist } from './persist.ts'
import { pinnedUri } from './pinned-uri.ts'
import { Stay } from './stay.ts'
import { TPM_RH } from './wire/constants.ts'
import { type CreatedObject, load } from './wire/object-commands.ts'
import type { Entity } from './wire/plain-command.ts'
import type { KeyedHashPublic } from './wire/public-area.ts'
import type { Tpm } from './wire/tpm.ts'

/** What an import asks for. */
export interface KeepWish {
  readonly uri: KeyUri
  readonly target: ImportTarget
  readonly auths: AuthValues
  readonly signal: AbortSignal | undefined
}

/** Where a key lies, and what sessions are salted to. */
export interface Below {
  readonly parent: StorageKey
  readonly salt: StorageKey
}

/** A key in the TPM that is not kept yet. */
export interface UnkeptKey extends CreatedObject, Below {
  readonly area: KeyedHashPublic
  readonly key: Entity
  /** The list of its policy, for the key file. */
  readonly policy: readonly PolicyStep[]
  readonly pcrs: readonly PcrEntry[]
}

/** What an import gives, but for its undoing. */
export type NewKeyResult = Omit<ImportedKey, 'remove'>

/** @throws ERR_KEY_EXISTS where an object has the handle */
export async function refuseTaken(tpm: Tpm, { target, signal }: KeepWish): Promise<void> {
  const { place } = target.address
  if (place.kind !== 'handle' || !(await isPersistent(tpm, place.handle, signal))) return
  throw keyExists(`an object at ${handleText(place.handle)} of the TPM at ${tpm.description}`)
}

/** The parent that the URI names, else `usual`, and what sessions are salted to. @throws as `bringStorageKey` */
export async function bringParent(tpm: Tpm, { target, auths, signal }: KeepWish, usual: ParentChoice): Promise<Below> {
  const { parent: named, salt: otherSalt, saltName } = target.address
  const pinned = { pinnedName: saltName, auths, signal }
  const choice = named ?? usual
  if (otherSalt === undefined) {
    const parent = await bringStorageKey(tpm, { choice, ...pinned })
    return { parent, salt: parent }
  }
  const salt = await bringStorageKey(tpm, { choice: otherSalt, ...pinned })
  return { salt, parent: await bringStorageKey(tpm, { choice, auths, signal }) }
}

/** The object in the TPM that has made or opened it. @throws as `load` */
export async function loadBelow(
  tpm: Tpm,
  { parent, salt }: Below,
  object: CreatedObject,
  { auths, signal }: KeepWish,
): Promise<Entity> {
  const authorization = await authorizeParent(tpm, parent, { salt, auths, signal })
  try {
    return await load(tpm, { parent, authorization: { ...authorization, last: true }, ...object }, { signal })
  } finally {
    await authorization.session.end()
  }
}

/** Writes the key file or keeps the object. @throws ERR_KEY_EXISTS, ERR_DEVICE_FAILED, ERR_PIN_* for the owner's auth value */
export async function keepKey(tpm: Tpm, kept: UnkeptKey, wish: KeepWish): Promise<NewKeyResult> {
  const { target, auths, signal } = wish
  const { place, device } = target.address
  const uri = importedUri(kept, wish)
  const info = await describe(tpm, kept, uri, wish)
  signal?.throwIfAborted()
  if (place.kind === 'file') await writeKeyFile(place.path, fileContent(kept, target))
  else await persist(tpm, { key: kept.key, handle: place.handle, salt: kept.salt, auths, device, signal })
  return { uri, info, ...(target.office === undefined ? {} : { awaitsApproval: true }) }
}

async function describe(tpm: Tpm, kept: UnkeptKey, uri: KeyUri, { target, signal }: KeepWish): Promise<KeyInfo> {
  const { key, parent, area, salt } = kept
  const stay = new Stay(tpm, { key, parent, area, isLoaded: true }, salt)
  const material = { ...fileContent(kept, target), object: area }
  const auth = target.hasAuth ? 'yes' : 'no'
  return await describeKey(stay, { address: keyAddress(uri), material, auth, describes: true, signal })
}

function fileContent(
  { private: privateArea, publicArea, parent, policy }: UnkeptKey,
  { hasAuth }: ImportTarget,
): KeyFileContent {
  return {
    form: 'loadable',
    emptyAuth: !hasAuth,
    policy,
    parent: parentInFile(parent),
    rsaParent: parent.choice === 'rsa-srk' ? true : undefined,
    publicArea,
    privateArea,
  }
}

/** The TSS2 key file draft, 3.1.8: the owner hierarchy means the H-2 template; a search finds the others. */
function parentInFile({ choice }: StorageKey): number {
  if (typeof choice === 'number') return choice
  return choice === 'rsa-ek' || choice === 'ecc-ek' ? TPM_RH.ENDORSEMENT : TPM_RH.OWNER
}

function importedUri({ key, parent, salt, pcrs }: UnkeptKey, { uri, target }: KeepWish): KeyUri {
  const query = {
    // With their values, so that an error can name the PCRs that differ.
    pcrs: pcrs.length === 0 ? undefined : formatPcrList(pcrs),
    auth: target.hasAuth ? 'yes' : 'no',
  }
  return pinnedUri(uri, { name: key.name, parent: parent.choice, salt }).with({ query })
}
