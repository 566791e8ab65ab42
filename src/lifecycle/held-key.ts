// The key that a check-in is about, in its device. In: what checks in, and where. Out: the key that was just made, or the one
// that was there and must prove to be the same; and its removal where the check-in fails.

import { createHash } from 'node:crypto'
import { backendEntry, wrappingOf } from '../backends/list.ts'
import { HardkeyError } from '../errors.ts'
import type { DeviceContext, ImportedKey, KeyImporter, KeyInfo } from '../key/hmac-key.ts'
import { Secret } from '../key/secret.ts'
import type { KeyUri } from '../key/uri.ts'
import { aws4Key } from '../sigv4/aws4-key.ts'
import type { CheckInInput, CheckInStep } from './check-in.ts'
import { named } from './key-name.ts'
import type { RememberedPin } from './remembered-pin.ts'

/** A key in the device: one that was made just now, or one that was there. */
export interface HeldKey {
  readonly uri: KeyUri
  /** Only for a key that this check-in made. */
  readonly remove?: (() => Promise<void>) | undefined
  /** For a key that answers nothing yet: what the importer read back. */
  readonly awaiting?: KeyInfo | undefined
  /** The importer's refusal, where the device has a key of this name: it must prove to be the same key. */
  readonly refusal?: HardkeyError | undefined
}

/** Puts the secret into the device, or finds it there. @throws what the importer throws, but ERR_KEY_EXISTS */
export async function bringIn(input: CheckInInput, to: KeyUri, pin: RememberedPin): Promise<HeldKey> {
  const entry = input.entry ?? backendEntry(to.scheme)
  const importer = await entry.importer()
  const context = { pin: pin.source, signal: input.signal }
  const { secret } = input
  if (secret === 'in-device') return { uri: (await importer.adopt?.(to, context)) ?? to }
  begin(input, 'import')
  const uri = named(to, input.name)
  try {
    const imported =
      secret instanceof Secret
        ? await importSecret(importer, uri, secret, context)
        : await (await wrappingOf(entry)).importWrapped(uri, secret.wrapped, context)
    const awaiting = imported.awaitsApproval === true ? imported.info : undefined
    return { uri: imported.uri, remove: () => imported.remove(), awaiting }
  } catch (error) {
    if (!(error instanceof HardkeyError) || error.code !== 'ERR_KEY_EXISTS') throw error
    // What keeps it from being adopted is told when it is opened.
    return { uri: (await importer.adopt?.(uri, context).catch(() => undefined)) ?? uri, refusal: error }
  }
}

async function importSecret(
  importer: KeyImporter,
  uri: KeyUri,
  secret: Secret,
  context: DeviceContext,
): Promise<ImportedKey> {
  const key = deviceKey(secret)
  try {
    return await importer.import(uri, key, context)
  } finally {
    key.wipe()
  }
}

/** What the device shall hold. A key over 64 bytes (secrets of other stores) is its own SHA-256: RFC 2104, section 2. */
export function deviceKey(secret: Secret): Secret {
  const key = aws4Key(secret)
  if (key.length <= 64) return key
  try {
    return Secret.take(key.lend((bytes) => createHash('sha256').update(bytes).digest()))
  } finally {
    key.wipe()
  }
}

/** Removes what this check-in made. Returns the failure to throw: the first one, or one that says what was left. */
export async function undone(error: unknown, held: HeldKey, input: CheckInInput): Promise<unknown> {
  if (held.remove === undefined) return error
  input.onStep?.('undo')
  try {
    await held.remove()
    return error
  } catch (removal) {
    const [code, message] =
      error instanceof HardkeyError
        ? ([error.code, error.message] as const)
        : (['ERR_DEVICE_FAILED', 'the check-in was stopped'] as const)
    const reason = removal instanceof HardkeyError ? ` (${removal.message})` : ''
    return new HardkeyError(code, `${message}; the key that was made could not be removed again${reason}`, {
      hint: `remove it from the device: ${held.uri.withoutSecrets()}`,
      cause: error,
    })
  }
}

/** Stops where the signal says so, and tells what is about to be done. */
export function begin(input: CheckInInput, step: CheckInStep): void {
  input.signal?.throwIfAborted()
  input.onStep?.(step)
}
