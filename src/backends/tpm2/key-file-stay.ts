// A key file is loaded. In: an opened TPM, the file's content, what the URI says of its parent. Out: the key in the TPM, under
// the parent that fits. TPM 2.0 Library, Part 3, 12.2 TPM2_Load, 13.3 TPM2_Import.
// Makers write under which parent a key lies in ways that contradict one another, so parents are tried: a wrong one answers
// TPM_RC_INTEGRITY, which costs nothing and counts for nothing.

import { HardkeyError } from '../../errors.ts'
import { isWrongAuth } from './auth-values.ts'
import { parentsFor } from './documents/parents.ts'
import type { KeyMaterial } from './key-material.ts'
import type { ParentChoice } from './key-uri.ts'
import { authorizeParent, bringStorageKey, choiceWords, type StorageKey, usingParent } from './parent.ts'
import { flushedOnFailure, Stay, type StayWish } from './stay.ts'
import type { Authorization } from './wire/authorized-command.ts'
import { importObject, load } from './wire/object-commands.ts'
import { nameOf } from './wire/public-area.ts'
import { isOtherName } from './wire/salt.ts'
import { Session } from './wire/session.ts'
import type { Tpm } from './wire/tpm.ts'

/** @throws as `beginStay` */
export async function stayOfFile(tpm: Tpm, wish: StayWish, material: KeyMaterial): Promise<Stay> {
  const { address, auths, signal } = wish
  const name = nameOf(material.publicArea)
  if (address.name !== undefined && Buffer.compare(address.name, name) !== 0) {
    throw new HardkeyError('ERR_KEY_NOT_FOUND', 'the key file holds another key than the one that checked in', {
      hint: 'bring the file of this key back, or check the secret in again',
    })
  }
  const otherSalt =
    address.salt === undefined
      ? undefined
      : await bringStorageKey(tpm, {
          choice: address.salt,
          auths,
          pinnedName: address.saltName,
          knownPublic: address.saltPublic,
          signal,
        })
  return await underAnyParent(tpm, wish, material, otherSalt)
}

/** Tries the parents in their order; one that does not fit costs nothing but time. */
async function underAnyParent(
  tpm: Tpm,
  wish: StayWish,
  material: KeyMaterial,
  otherSalt: StorageKey | undefined,
): Promise<Stay> {
  const choices = choicesOf(wish, material)
  const misfits: unknown[] = []
  for (const choice of choices) {
    try {
      return await flushedOnFailure(tpm, () => underParent(tpm, choice, wish, material, otherSalt))
    } catch (error) {
      if (!mayFitElsewhere(error)) throw error
      misfits.push(error)
    }
  }
  if (misfits.some(isOtherName) && (await isForeign(tpm, choices, wish, material))) throw noneFits(tpm, choices, [])
  throw choices.length === 1 ? misfits[0] : noneFits(tpm, choices, misfits)
}

/**
 * F-T11: another Name than the pinned one is that of a TPM that was cleared, of another TPM, or of somebody on the bus. A real
 * parent that cannot load the key is one of the first two. Nothing secret is sent to find out: the session is not salted, and
 * the key is encrypted for its true parent.
 */
async function isForeign(
  tpm: Tpm,
  [choice]: readonly ParentChoice[],
  { auths, signal }: StayWish,
  { form, privateArea, publicArea }: KeyMaterial,
): Promise<boolean> {
  if (choice === undefined || typeof choice === 'number' || form === 'importable') return false
  try {
    const parent = await bringStorageKey(tpm, { choice, auths, signal })
    const session = await Session.start(tpm, { kind: 'hmac', salt: undefined, signal })
    const authorization = { session, authValue: new Uint8Array(0), last: true }
    await load(tpm, { parent, authorization, private: privateArea, publicArea }, { signal })
    return false
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    return error.serviceCode === 'TPM_RC_INTEGRITY'
  }
}

async function underParent(
  tpm: Tpm,
  choice: ParentChoice,
  wish: StayWish,
  material: KeyMaterial,
  otherSalt: StorageKey | undefined,
): Promise<Stay> {
  const { address, auths, signal } = wish
  const pinned = otherSalt === undefined ? { pinnedName: address.saltName, knownPublic: address.saltPublic } : {}
  const known = typeof choice === 'number' ? pinned : { ...pinned, knownPublic: undefined }
  const parent = await bringStorageKey(tpm, { choice, auths, signal, ...known })
  const salt = otherSalt ?? parent
  let authorization = await authorizeParent(tpm, parent, { salt, auths, prepared: wish.takePrepared(), signal })
  try {
    // A session of the parent's auth value goes on to the key; one of a policy is used up by each command.
    const goesOn = authorization.session.kind === 'hmac'
    const areas = await loadable(tpm, parent, wish, material, { ...authorization, last: !goesOn })
    if (areas.isImported && !goesOn) authorization = await authorizeParent(tpm, parent, { salt, auths, signal })
    const use = { ...authorization, last: !goesOn }
    const act = () => load(tpm, { parent, authorization: use, ...areas }, { signal })
    const key = await usingParent(tpm, parent, use, auths, act)
    const session = goesOn ? authorization.session : undefined
    return new Stay(tpm, { key, parent, area: material.object, isLoaded: true, session }, salt)
  } catch (error) {
    await authorization.session.end()
    throw error
  }
}

/** What TPM2_Load takes; an importable key is imported each time, and nothing of that is written anywhere. */
async function loadable(
  tpm: Tpm,
  parent: StorageKey,
  { auths, signal }: StayWish,
  { form, publicArea, privateArea, encryptedSecret }: KeyMaterial,
  authorization: Authorization,
): Promise<{ readonly private: Uint8Array; readonly publicArea: Uint8Array; readonly isImported: boolean }> {
  if (form === 'loadable' || encryptedSecret === undefined)
    return { private: privateArea, publicArea, isImported: false }
  const wish = { parent, publicArea, duplicate: privateArea, encryptedSeed: encryptedSecret, authorization }
  const act = async () => {
    try {
      return await importObject(tpm, wish, { signal })
    } catch (error) {
      throw asForeignSeed(error)
    }
  }
  return { private: await usingParent(tpm, parent, authorization, auths, act), publicArea, isImported: true }
}

function choicesOf({ address, parent }: StayWish, material: KeyMaterial): readonly ParentChoice[] {
  const told = parent ?? address.parent ?? material.parentKind
  if (told !== undefined) return [told]
  const search = parentsFor(material.parent, material.rsaParent)
  if (search === undefined) throw new HardkeyError('ERR_INTERNAL', 'a key file without a parent was read')
  return typeof search === 'number' ? [search] : search.filter((choice) => fitsSeed(choice, material))
}

/**
 * Part 2, 11.4.3 TPM2B_ENCRYPTED_SECRET: a point for an ECC parent, as many bytes as its modulus has for an RSA parent. swtpm
 * answers TPM_RC_FAILURE where an ECC key is given the seed of an RSA key.
 */
function fitsSeed(choice: ParentChoice, { form, encryptedSecret }: KeyMaterial): boolean {
  if (form !== 'importable' || encryptedSecret === undefined || typeof choice === 'number') return true
  return choice.startsWith('rsa-') === encryptedSecret.length >= rsaModulusBytes
}

/** swtpm answers TPM_RC_FAILURE to a seed for another RSA key; a TPM in failure mode would have started no session. */
function asForeignSeed(error: unknown): unknown {
  if (!(error instanceof HardkeyError) || error.serviceCode !== 'TPM_RC_FAILURE') return error
  const hint = 'the key was wrapped for another parent or another TPM: have it wrapped for this one'
  return new HardkeyError('ERR_KEY_UNUSABLE', error.message, { hint, serviceCode: error.serviceCode, cause: error })
}

/** RSA 2048, the smallest that a parent has; a point of P-256 takes 68. */
const rsaModulusBytes = 256

/** A wrong parent, one that is pinned otherwise, or one whose hierarchy is closed to us. */
function mayFitElsewhere(error: unknown): boolean {
  if (!(error instanceof HardkeyError)) return false
  if (isWrongAuth(error)) return false
  const codes: readonly string[] = [
    'ERR_KEY_UNUSABLE',
    'ERR_PIN_REQUIRED',
    'ERR_BACKEND_UNSUPPORTED',
    'ERR_KEY_NOT_FOUND',
  ]
  return codes.includes(error.code) || misfitStatuses.includes(error.serviceCode ?? '') || isOtherName(error)
}

/** What a parent answers that has another kind of key or another size of seed than the one that wrapped the key. */
const misfitStatuses: readonly string[] = [
  'TPM_RC_INTEGRITY',
  'TPM_RC_SIZE',
  'TPM_RC_VALUE',
  'TPM_RC_ECC_POINT',
  'TPM_RC_INSUFFICIENT',
]

/** The failure that a person can mend comes first: an auth value; then a pinned Name; then a key of another TPM. */
function noneFits(tpm: Tpm, choices: readonly ParentChoice[], misfits: readonly unknown[]): unknown {
  const errors = misfits.filter((error) => error instanceof HardkeyError)
  const mendable =
    errors.find(({ code }) => code === 'ERR_PIN_REQUIRED') ?? errors.find(({ code }) => code === 'ERR_DEVICE_FAILED')
  if (mendable !== undefined) return mendable
  return new HardkeyError('ERR_KEY_UNUSABLE', `the key lies under no parent of the TPM at ${tpm.description}`, {
    hint:
      'this TPM was cleared, or this is another TPM, or the file is damaged; where it was cleared the key is gone: ' +
      `make a new access key and check it in. Tried: ${choices.map(choiceWords).join(', ')}`,
    serviceCode: errors.at(-1)?.serviceCode,
  })
}
