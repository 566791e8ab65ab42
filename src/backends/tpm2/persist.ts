// Persistent keys. In: an object in the TPM and a handle of the owner's range. Out: the object at that handle, or none.
// TPM 2.0 Library, Part 3, 28.5 TPM2_EvictControl, which never puts an object over another one (TPM_RC_NV_DEFINED).
// 1. After a lost answer the handle is looked at over a new connection: the object is there with its Name, or it is not.
// 2. Only a key of the kind that hardkey makes is removed, and where its Name is known only that very one.

import { HardkeyError } from '../../errors.ts'
import type { AuthValues } from './auth-values.ts'
import { anotherKey } from './begin-stay.ts'
import { asHmacKey } from './documents/key-object.ts'
import { keyExists } from './import-target.ts'
import { handleText, type ParentChoice } from './key-uri.ts'
import { bringStorageKey } from './parent.ts'
import { TPM_RH } from './wire/constants.ts'
import { evictControl, type PublicObject, readPublic } from './wire/object-commands.ts'
import type { Entity } from './wire/plain-command.ts'
import { readPublicArea } from './wire/public-area.ts'
import type { SaltKey } from './wire/salt.ts'
import { Session } from './wire/session.ts'
import type { TpmAddress } from './wire/tcti.ts'
import { Tpm } from './wire/tpm.ts'

export interface PersistWish {
  readonly key: Entity
  readonly handle: number
  readonly salt: SaltKey
  readonly auths: AuthValues
  readonly device: TpmAddress
  readonly signal: AbortSignal | undefined
}

/** True where some object has the handle. */
export async function isPersistent(tpm: Tpm, handle: number, signal?: AbortSignal): Promise<boolean> {
  return (await nameAt(tpm, handle, signal)) !== undefined
}

/**
 * Keeps the object at the handle; the transient one is flushed.
 *
 * @throws ERR_KEY_EXISTS, ERR_PIN_* for the owner's auth value, ERR_DEVICE_FAILED where the TPM has no room; then, and after
 * an abort, the object is not there
 */
export async function persist(tpm: Tpm, wish: PersistWish): Promise<void> {
  const { key, handle, salt, auths, signal } = wish
  try {
    await evict(tpm, { object: key, handle, salt, auths, signal })
  } catch (error) {
    if (error instanceof HardkeyError && error.serviceCode === 'TPM_RC_NV_DEFINED') {
      throw keyExists(`an object at ${handleText(handle)} of the TPM at ${tpm.description}`)
    }
    const isUnsure = tpm.isBroken || signal?.aborted === true
    if (!isUnsure || !(await isKept(tpm, wish))) throw error
    if (signal?.aborted === true) {
      await removeAgain(tpm, wish)
      throw error
    }
  }
  try {
    // It makes room: a TPM may hold three objects, of which a persistent one that is looked at is one.
    await tpm.flush(key.handle)
    if (await isKept(tpm, wish)) return
    throw new HardkeyError('ERR_DEVICE_FAILED', `the TPM did not keep the key at ${handleText(handle)}`)
  } catch (error) {
    await removeAgain(tpm, wish)
    throw error
  }
}

export interface RemovePersistentWish {
  readonly handle: number
  readonly device: TpmAddress
  readonly name: Uint8Array | undefined
  readonly salt: number | undefined
  readonly saltName: Uint8Array | undefined
  readonly parent: ParentChoice | undefined
  readonly auths: AuthValues
  readonly signal: AbortSignal | undefined
}

/** @throws ERR_KEY_NOT_FOUND, ERR_KEY_UNUSABLE for an object that is no HMAC key, ERR_PIN_* for the owner's auth value */
export async function removePersistent(wish: RemovePersistentWish): Promise<void> {
  const tpm = await Tpm.open(wish.device, { signal: wish.signal })
  try {
    await removeOn(tpm, wish)
  } finally {
    await tpm.close()
  }
}

async function removeOn(tpm: Tpm, wish: RemovePersistentWish): Promise<void> {
  const { handle, name, auths, signal } = wish
  const object = await objectAt(tpm, handle, signal)
  if (object === undefined) {
    throw new HardkeyError('ERR_KEY_NOT_FOUND', `the TPM at ${tpm.description} has no key at ${handleText(handle)}`, {
      hint: '`hardkey devices --keys` lists what is there',
    })
  }
  if (name !== undefined && Buffer.compare(object.name, name) !== 0) throw anotherKey(tpm, handle)
  asHmacKey(readPublicArea(object.publicArea), 'ERR_KEY_UNUSABLE', `the object at ${handleText(handle)}`)
  const choice = wish.salt ?? wish.parent ?? 'h2'
  const salt = await bringStorageKey(tpm, { choice, auths, pinnedName: wish.saltName, signal })
  await evict(tpm, { object, handle, salt, auths, signal })
}

/** The Name of what is at the handle. */
async function nameAt(tpm: Tpm, handle: number, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
  return (await objectAt(tpm, handle, signal))?.name
}

async function objectAt(tpm: Tpm, handle: number, signal: AbortSignal | undefined): Promise<PublicObject | undefined> {
  try {
    return await readPublic(tpm, handle, { signal })
  } catch (error) {
    if (error instanceof HardkeyError && error.code === 'ERR_KEY_NOT_FOUND') return undefined
    throw error
  }
}

interface EvictAct {
  readonly object: Entity
  readonly handle: number
  readonly salt: SaltKey
  readonly auths: AuthValues
  readonly signal: AbortSignal | undefined
}

async function evict(tpm: Tpm, { object, handle, salt, auths, signal }: EvictAct): Promise<void> {
  const authValue = await auths.value('owner')
  const session = await Session.start(tpm, { kind: 'hmac', salt, signal })
  try {
    const authorization = { session, authValue, of: auths.of('owner'), last: true }
    const wish = { hierarchy: TPM_RH.OWNER, object, persistentHandle: handle, authorization }
    await auths.explained('owner', () => evictControl(tpm, wish, { signal }))
  } finally {
    await session.end()
  }
}

/** Not ended by the signal, whose abort may be why it is asked. */
async function isKept(tpm: Tpm, { device, handle, key }: PersistWish): Promise<boolean> {
  return await onWorking(tpm, device, async (working) => {
    const name = await nameAt(working, handle, undefined)
    return name !== undefined && Buffer.compare(name, key.name) === 0
  })
}

async function removeAgain(tpm: Tpm, { device, handle, key, auths }: PersistWish): Promise<void> {
  const wish = { salt: undefined, saltName: undefined, parent: undefined, signal: undefined }
  await onWorking(tpm, device, async (working) => {
    await working.flush(key.handle)
    await removeOn(working, { handle, device, name: key.name, auths, ...wish })
  })
}

/** A TPM of one client would let a second connection wait while the first is open, so that one is used where it works. */
async function onWorking<T>(tpm: Tpm, device: TpmAddress, act: (tpm: Tpm) => Promise<T>): Promise<T> {
  if (!tpm.isBroken) return await act(tpm)
  const other = await Tpm.open(device)
  try {
    return await act(other)
  } finally {
    await other.close()
  }
}
