// A stay begins. In: an opened TPM, what the URI and the key file say. Out: the key in the TPM.
// TPM 2.0 Library, Part 3, 11.1 TPM2_StartAuthSession, 12.4 TPM2_ReadPublic. A key file is loaded by key-file-stay.ts.

import { HardkeyError } from '../../errors.ts'
import { asHmacKey } from './documents/key-object.ts'
import { stayOfFile } from './key-file-stay.ts'
import { handleText } from './key-uri.ts'
import { bringStorageKey } from './parent.ts'
import { flushedOnFailure, Stay, type StayWish } from './stay.ts'
import { readPublic } from './wire/object-commands.ts'
import { readPublicArea } from './wire/public-area.ts'
import { isOtherName } from './wire/salt.ts'
import { Session } from './wire/session.ts'
import type { Tpm } from './wire/tpm.ts'

/** @throws ERR_KEY_NOT_FOUND, ERR_KEY_UNUSABLE, ERR_DEVICE_FAILED, ERR_PIN_*, ERR_POLICY_REFUSED, and as `Tpm.send` */
export async function beginStay(tpm: Tpm, wish: StayWish): Promise<Stay> {
  return await flushedOnFailure(tpm, async () => {
    if (wish.material === undefined) return await stayOfHandle(tpm, wish)
    return await stayOfFile(tpm, wish, wish.material)
  })
}

async function stayOfHandle(tpm: Tpm, wish: StayWish): Promise<Stay> {
  const { address, auths, readsPublic, signal } = wish
  if (address.place.kind !== 'handle') throw new HardkeyError('ERR_INTERNAL', 'a key file was not read')
  const { handle } = address.place
  const { saltName, saltPublic, name } = address
  const choice = address.salt ?? address.parent ?? 'h2'
  const knownPublic = typeof choice === 'number' ? saltPublic : undefined
  const bring = () => bringStorageKey(tpm, { choice, auths, pinnedName: saltName, knownPublic, signal })
  const salt = await bring().catch(async (error: unknown) => {
    // F-T11: in a TPM that was cleared the key is gone as well.
    if (isOtherName(error)) await orNoKey(tpm, handle, () => readPublic(tpm, handle, { signal }))
    throw error
  })
  if (name !== undefined && !readsPublic) {
    const prepared = wish.takePrepared()
    const start = () => Session.start(tpm, { kind: 'hmac', salt, prepared, bind: handle, signal })
    const session = await orNoKey(tpm, handle, start)
    return new Stay(tpm, { key: { handle, name }, isLoaded: false, session }, salt)
  }
  const object = await orNoKey(tpm, handle, () => readPublic(tpm, handle, { signal }))
  if (name !== undefined && Buffer.compare(object.name, name) !== 0) throw anotherKey(tpm, handle)
  const area = asHmacKey(readPublicArea(object.publicArea), 'ERR_KEY_UNUSABLE', `the object at ${handleText(handle)}`)
  return new Stay(tpm, { key: { handle, name: object.name }, area, isLoaded: false }, salt)
}

/** The refusals of a TPM without such an object, in words. The first handle of TPM2_StartAuthSession is the salting key. */
async function orNoKey<T>(tpm: Tpm, handle: number, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof HardkeyError) || error.code !== 'ERR_KEY_NOT_FOUND') throw error
    const isSalt = error.message.includes('TPM2_StartAuthSession') && error.message.includes('handle 1')
    const what = isSalt ? 'the key that its sessions are salted to' : `a key at ${handleText(handle)}`
    throw new HardkeyError('ERR_KEY_NOT_FOUND', `the TPM at ${tpm.description} does not have ${what}`, {
      hint:
        'the TPM was cleared, this is another TPM, or the object was removed; where it was cleared the key is gone: ' +
        'make a new access key and check it in',
      serviceCode: error.serviceCode,
    })
  }
}

/** F-T12. */
export function anotherKey(tpm: Tpm, handle: number): HardkeyError {
  return new HardkeyError(
    'ERR_KEY_NOT_FOUND',
    `the TPM at ${tpm.description} has another key at ${handleText(handle)} now than the one that checked in`,
    { hint: 'somebody removed it and put another there; check the secret in again' },
  )
}
