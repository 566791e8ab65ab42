// The storage key that a key lies under, and that sessions are salted to. In: which one, and what is pinned of it. Out: the
// key in the TPM, and a session that may use it. TPM 2.0 Library, Part 1, 23 "Protected Storage"; Part 3, 24.1 and 12.4.
// 1. A primary key that is made here is flushed by its user; a persistent one is left as it is.
// 2. Its Name is compared with the pinned one before a salt or an auth value leaves for it.

import { HardkeyError } from '../../errors.ts'
import { type AuthValues, authKindOf, changedOnItsWay, isWrongAuth } from './auth-values.ts'
import { parentOf } from './documents/parents.ts'
import { ekPolicyDigest } from './documents/policy.ts'
import { handleText, type ParentChoice } from './key-uri.ts'
import { type Authorization, authorizedCommand } from './wire/authorized-command.ts'
import { TPM_CC, TPM_RH, TPMA_OBJECT } from './wire/constants.ts'
import { createPrimary, type PublicObject, readPublic } from './wire/object-commands.ts'
import { unnamedEntity } from './wire/plain-command.ts'
import { policySecret } from './wire/policy-commands.ts'
import { nameOf } from './wire/public-area.ts'
import { type PreparedSalt, type SaltKey, saltKey } from './wire/salt.ts'
import { Session } from './wire/session.ts'
import type { Tpm } from './wire/tpm.ts'

/** A storage key in the TPM. */
export interface StorageKey extends SaltKey {
  readonly choice: ParentChoice
  /** TPMT_PUBLIC. */
  readonly publicArea: Uint8Array
  /** Made for this use, and to be flushed after it. */
  readonly isTransient: boolean
}

export interface StorageKeyWish {
  readonly choice: ParentChoice
  readonly auths: AuthValues
  /** The Name that it must have; undefined where nobody has pinned one. */
  readonly pinnedName?: Uint8Array | undefined
  /** The TPMT_PUBLIC of a persistent one, where it is known: one command less. */
  readonly knownPublic?: Uint8Array | undefined
  readonly signal?: AbortSignal | undefined
}

const nothing: Uint8Array = new Uint8Array(0)

/**
 * The storage key in the TPM: made anew from its template, or the persistent one.
 *
 * @throws ERR_KEY_NOT_FOUND where there is no such object, ERR_DEVICE_FAILED where its Name is not the pinned one,
 * ERR_KEY_UNUSABLE where it is no storage key, ERR_PIN_* for the hierarchy's auth value
 */
export async function bringStorageKey(tpm: Tpm, wish: StorageKeyWish): Promise<StorageKey> {
  const { choice, pinnedName } = wish
  const { handle, publicArea } = await (typeof choice === 'number' ? persistent(tpm, choice, wish) : primary(tpm, wish))
  try {
    return { ...saltKey(handle, publicArea, pinnedName), choice, publicArea, isTransient: typeof choice !== 'number' }
  } catch (error) {
    await tpm.flush(handle)
    throw error
  }
}

/** `parent=` of a key URI. */
export function choiceText(choice: ParentChoice): string {
  return typeof choice === 'number' ? handleText(choice) : choice
}

/** For a person: `the H-2 ECC primary key of the owner hierarchy`. */
export function choiceWords(choice: ParentChoice): string {
  return typeof choice === 'number' ? `the object at ${handleText(choice)}` : parentOf(choice).words
}

/**
 * A session that may use the parent, salted to `salt`: by the parent's auth value, or by the policy of an endorsement key.
 * The caller ends it.
 *
 * @throws ERR_PIN_* for an auth value, ERR_POLICY_REFUSED for a parent with a policy that hardkey does not know
 */
export async function authorizeParent(
  tpm: Tpm,
  parent: StorageKey,
  wish: {
    readonly salt: SaltKey
    readonly auths: AuthValues
    readonly prepared?: PreparedSalt | undefined
    readonly signal?: AbortSignal | undefined
  },
): Promise<Authorization> {
  const { salt, auths, prepared, signal } = wish
  if ((parent.area.attributes & TPMA_OBJECT.userWithAuth) !== 0) {
    const session = await Session.start(tpm, { kind: 'hmac', salt, prepared, signal })
    return { session, authValue: await valueOrEnd(session, auths, 'parent'), of: auths.of('parent') }
  }
  if (Buffer.compare(parent.area.authPolicy, ekPolicyDigest()) !== 0) throw unknownPolicy(parent)
  const session = await Session.start(tpm, { kind: 'policy', salt, prepared, signal })
  try {
    await proveSecret(tpm, session, { hierarchy: TPM_RH.ENDORSEMENT, policyRef: nothing, salt, auths, signal })
    return { session, authValue: nothing, of: auths.of('parent') }
  } catch (error) {
    await session.end()
    throw error
  }
}

/**
 * What `act`, a command that the parent authorises, gives. A refused auth value is told apart from a command that was
 * changed on its way: a parent that was made here has none, and a session that the TPM has as we have it still proves another.
 */
export async function usingParent<T>(
  tpm: Tpm,
  parent: StorageKey,
  { session }: Authorization,
  auths: AuthValues,
  act: () => Promise<T>,
): Promise<T> {
  return await auths.explained('parent', async () => {
    try {
      return await act()
    } catch (error) {
      if (!(error instanceof HardkeyError) || !isWrongAuth(error)) throw error
      if (parent.isTransient || !(await isSound(tpm, session, parent))) throw changedOnItsWay(tpm, error)
      throw error
    }
  })
}

/** True where the session proves TPM2_ReadPublic, for which it needs no auth value. */
async function isSound(tpm: Tpm, session: Session, { handle, name }: StorageKey): Promise<boolean> {
  const authorizations = [{ session, authValue: undefined, encrypt: true }]
  const command = { code: TPM_CC.ReadPublic, entities: [{ handle, name }], write: () => undefined, authorizations }
  try {
    await authorizedCommand(tpm, command)
    return true
  } catch (error) {
    if (error instanceof HardkeyError) return false
    throw error
  }
}

/** TPM2_PolicySecret with the auth value of a hierarchy, in a policy session. */
export async function proveSecret(
  tpm: Tpm,
  policySession: Session,
  wish: {
    readonly hierarchy: number
    readonly policyRef: Uint8Array
    readonly salt: SaltKey
    readonly auths: AuthValues
    readonly signal?: AbortSignal | undefined
  },
): Promise<void> {
  const { hierarchy, policyRef, salt, auths, signal } = wish
  const kind = authKindOf(hierarchy)
  const session = await Session.start(tpm, { kind: 'hmac', salt, signal })
  try {
    const authorization = { session, authValue: await auths.value(kind), of: auths.of(kind), last: true }
    const step = { entity: unnamedEntity(hierarchy), authorization, policyRef }
    await auths.explained(kind, () => policySecret(tpm, policySession, step, { signal }))
  } finally {
    await session.end()
  }
}

async function valueOrEnd(session: Session, auths: AuthValues, kind: 'parent'): Promise<Uint8Array> {
  try {
    return await auths.value(kind)
  } catch (error) {
    await session.end()
    throw error
  }
}

async function persistent(tpm: Tpm, handle: number, { knownPublic, signal }: StorageKeyWish): Promise<PublicObject> {
  if (knownPublic !== undefined) return { handle, name: nameOf(knownPublic), publicArea: knownPublic }
  try {
    return await readPublic(tpm, handle, { signal })
  } catch (error) {
    if (!(error instanceof HardkeyError) || error.code !== 'ERR_KEY_NOT_FOUND') throw error
    throw new HardkeyError(error.code, `the TPM at ${tpm.description} has no parent at ${handleText(handle)}`, {
      hint: 'the TPM was cleared, this is another one, or the object was removed; name another parent in the key URI',
      serviceCode: error.serviceCode,
    })
  }
}

/**
 * There may be no other key to salt a session with, so this one proves the hierarchy's auth value and encrypts nothing: a
 * template is no secret. What it makes is compared with the pinned Name.
 */
async function primary(tpm: Tpm, { choice, auths, signal }: StorageKeyWish): Promise<PublicObject> {
  if (typeof choice === 'number') throw new HardkeyError('ERR_INTERNAL', 'a persistent parent is not made anew')
  const { hierarchy, template } = parentOf(choice)
  const kind = authKindOf(hierarchy)
  const authValue = await auths.value(kind)
  const session = await Session.start(tpm, { kind: 'hmac', salt: undefined, signal })
  try {
    const authorization = { session, authValue, of: auths.of(kind), last: true }
    return await auths.explained(kind, () => createPrimary(tpm, { hierarchy, template, authorization }, { signal }))
  } finally {
    await session.end()
  }
}

function unknownPolicy({ choice }: StorageKey): HardkeyError {
  return new HardkeyError(
    'ERR_POLICY_REFUSED',
    `${choiceWords(choice)} may be used only by a policy that is unknown here`,
    {
      hint: 'parents are used by their auth value, or as endorsement keys by the auth value of the hierarchy',
    },
  )
}
