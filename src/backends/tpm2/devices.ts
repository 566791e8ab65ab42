// The TPM in reach and the keys in it. In: a `tpm2:` URI with or without `device`. Out: the TPM as a URI for `import --to`;
// its persistent HMAC keys, each as a URI that opens it. Asks for no auth value and changes nothing.
// TPM 2.0 Library, Part 3, 30.2 TPM2_GetCapability.

import { HardkeyError } from '../../errors.ts'
import { systemCode } from '../../files/file-failure.ts'
import type { DeviceLister, DeviceListing } from '../../key/hmac-key.ts'
import { KeyUri } from '../../key/uri.ts'
import { asHmacKey, attributeNames } from './documents/key-object.ts'
import { deviceAddress, handleText } from './key-uri.ts'
import { describeTpm, listHandles } from './wire/capability.ts'
import { persistentHandles } from './wire/constants.ts'
import { readPublic } from './wire/object-commands.ts'
import { readPublicArea } from './wire/public-area.ts'
import { Tpm } from './wire/tpm.ts'

interface ListOptions {
  readonly signal?: AbortSignal | undefined
}

/** Who must not need it: the command's `devices` uses it. `list` and `keys` throw as `tpm2Backend().open` for the device. */
export function tpm2Lister(): DeviceLister {
  return {
    scheme: 'tpm2',
    list: async (uri, options = {}) => await withTpm(uri, options, [], listing),
    keys: async (uri, options = {}) => await withTpm(uri, options, [], keyListings),
  }
}

async function withTpm<T>(
  uri: KeyUri,
  { signal }: ListOptions,
  none: T,
  act: (tpm: Tpm, uri: KeyUri, signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const address = deviceAddress(uri)
  let tpm: Tpm
  try {
    tpm = await Tpm.open(address, { signal })
  } catch (error) {
    // A machine without a TPM is not at fault; one that was named must be there.
    if (!uri.has('device') && isMissing(error)) return none
    throw error
  }
  try {
    return await act(tpm, uri, signal)
  } finally {
    await tpm.close()
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof HardkeyError && systemCode(error.cause) === 'ENOENT'
}

async function listing(tpm: Tpm, uri: KeyUri, signal: AbortSignal | undefined): Promise<readonly DeviceListing[]> {
  const maker = await describeTpm(tpm, { signal })
  return [{ uri: placeOf(uri), description: `TPM 2.0 at ${tpm.description} (${maker})` }]
}

/** Only keys that hardkey can use: HMAC-SHA256, allowed to sign. */
async function keyListings(tpm: Tpm, uri: KeyUri, signal: AbortSignal | undefined): Promise<readonly DeviceListing[]> {
  const found: DeviceListing[] = []
  for (const handle of await listHandles(tpm, persistentHandles.first, { signal })) {
    const { publicArea } = await readPublic(tpm, handle, { signal })
    const attributes = hmacAttributes(publicArea)
    if (attributes === undefined) continue
    const device = uri.get('device')
    found.push({
      uri: KeyUri.of('tpm2', { handle: handleText(handle) }, device === undefined ? {} : { device }),
      description: `${handleText(handle)} at ${tpm.description}: ${attributes.join(' ')}`,
    })
  }
  return found
}

function hmacAttributes(publicArea: Uint8Array): readonly string[] | undefined {
  try {
    return attributeNames(asHmacKey(readPublicArea(publicArea), 'ERR_KEY_UNUSABLE', 'the object').attributes)
  } catch (error) {
    // Another kind of object: somebody else's.
    if (error instanceof HardkeyError) return undefined
    throw error
  }
}

/** Names the TPM and no key in it. */
function placeOf(uri: KeyUri): KeyUri {
  const device = uri.get('device')
  return KeyUri.of('tpm2', {}, device === undefined ? {} : { device })
}
