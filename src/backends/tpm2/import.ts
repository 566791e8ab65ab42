// Secrets check in to a TPM, are adopted where they are in it already, and are removed. In: a key URI and the bytes of the
// key. Out: the URI that opens it; or no object at all. What is made is new-key.ts's.
// 1. Nothing is overwritten: a file that is there, or an object at the handle, ends the import before anything is made.
// 2. An answer that is lost is looked for and not sent again: where the object is there it is complete, or it is removed.
// 3. Only keys of the kind that hardkey uses are removed.

import { realpath, unlink } from 'node:fs/promises'
import { HardkeyError } from '../../errors.ts'
import { fileFailure, systemCode } from '../../files/file-failure.ts'
import type { DeviceContext, ImportedKey, KeyImporter } from '../../key/hmac-key.ts'
import type { Secret } from '../../key/secret.ts'
import type { KeyUri } from '../../key/uri.ts'
import { AuthValues, isWrongAuth } from './auth-values.ts'
import { beginStay } from './begin-stay.ts'
import { computeHmac } from './hmac.ts'
import { importTarget } from './import-target.ts'
import { readKeyMaterial } from './key-material.ts'
import { OpenKeyState } from './key-state.ts'
import { keyAddress } from './key-uri.ts'
import { NewKey } from './new-key.ts'
import { removePersistent } from './persist.ts'
import { pinnedUri } from './pinned-uri.ts'
import type { Stay } from './stay.ts'

/** Part 1, "HMAC": a key longer than the block of SHA-256 is refused by a TPM. */
const longestKey = 64

/**
 * Makes keys in a TPM: `tpm2:file=PATH` writes a key file, `tpm2:handle=0x81…` keeps the key in the TPM. `pcrs`, `auth=yes`
 * and `date-rule` say what each use shall want; `parent` where it lies, by default under the H-2 ECC primary key.
 *
 * Its `import` throws ERR_URI_INVALID, ERR_KEY_EXISTS, ERR_SECRET_INVALID, ERR_KEY_FILE_INVALID, ERR_PIN_*, ERR_POLICY_REFUSED
 * (no such PCR), ERR_DEVICE_UNAVAILABLE and ERR_DEVICE_FAILED; `remove` ERR_KEY_NOT_FOUND and ERR_KEY_UNUSABLE for an
 * object that is no key of ours.
 */
export function tpm2Importer(): KeyImporter {
  return {
    scheme: 'tpm2',
    import: async (uri, key, context) => await make(uri, key, context),
    adopt: async (uri, context) => await adopt(uri, context),
    remove: async (uri, context) => await remove(uri, context),
  }
}

/** Refuses what an import of this URI would refuse before it asks the TPM. @throws as `tpm2Importer().import` */
export async function checkImportTarget(uri: KeyUri): Promise<void> {
  await importTarget(uri)
}

async function make(uri: KeyUri, key: Secret, context: DeviceContext): Promise<ImportedKey> {
  const target = await importTarget(uri)
  if (key.length > longestKey) {
    throw new HardkeyError(
      'ERR_SECRET_INVALID',
      `a TPM takes at most ${longestKey} bytes as key of an HMAC-SHA256, not ${key.length}`,
    )
  }
  const made = await new NewKey(uri, target, context).run(key)
  return { ...made, remove: async () => await remove(made.uri, { pin: context.pin }) }
}

/** Finds the key and what its sessions are salted to, and pins the Names of both. No auth value of the key is asked for. */
async function adopt(uri: KeyUri, context: DeviceContext): Promise<KeyUri> {
  const { signal } = context
  const state = await OpenKeyState.read({ uri, context, describes: true })
  try {
    const tpm = await state.connect(signal)
    try {
      const stay = await beginStay(tpm, state.stayWish(signal))
      const pinned = pinnedUri(uri, { name: stay.key.name, parent: stay.parent?.choice, salt: stay.salt })
      const auth = await authOf(state, stay, signal)
      return auth === undefined ? pinned : pinned.with({ query: { auth } })
    } finally {
      await tpm.close()
    }
  } finally {
    state.wipe()
  }
}

/** Any bytes that are no date. */
const probe = 'hardkey probe'

/** Whether the key has an auth value, tried once with the empty one; so no later opening has to try. Undefined: a policy. */
async function authOf(
  state: OpenKeyState,
  stay: Stay,
  signal: AbortSignal | undefined,
): Promise<'yes' | 'no' | undefined> {
  if (!state.mayLackAuth) return undefined
  const use = await state.useWish(stay, new TextEncoder().encode(probe), stay.takeSession(), signal)
  if (use.rule.kind !== 'auth') {
    await use.session?.end()
    return undefined
  }
  try {
    const answer = await computeHmac(use, { hasHmac: true })
    answer.fill(0)
    return 'no'
  } catch (error) {
    if (isWrongAuth(error)) return 'yes'
    throw error
  }
}

/** Removes the one key that the URI names: its file, or its persistent object. Approvals of it go with it. */
async function remove(uri: KeyUri, context: DeviceContext): Promise<void> {
  const { dateRule: _, ...address } = keyAddress(uri)
  const { place, approvals } = address
  if (place.kind === 'handle') {
    const auths = new AuthValues(uri, context, address.device)
    try {
      await removePersistent({ ...address, handle: place.handle, auths, signal: context.signal })
    } finally {
      auths.wipe()
    }
  } else {
    // A file that is no key stays.
    await readKeyMaterial(place)
    for (const path of place.kind === 'file' ? [place.path] : [place.privatePath, place.publicPath])
      await removeFile(path)
  }
  if (approvals !== undefined) await Promise.allSettled([unlink(approvals)])
}

async function removeFile(path: string): Promise<void> {
  try {
    // What a symbolic link points to: the key itself must be gone.
    await unlink(await realpath(path))
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return
    throw fileFailure('write', path, 'ERR_DEVICE_FAILED', error)
  }
}
