// The backends by scheme, each behind import(): what is not used is not loaded.
// In: nothing. Out: one entry a scheme. Adding a device adds a line here, a folder beside this file, and no other change.

import { HardkeyError } from '../errors.ts'
import type { DeviceLister, KeyBackend, KeyImporter, KeyStarter, KeyWrapping } from '../key/hmac-key.ts'

/** What there is for a scheme. */
export interface BackendEntry {
  readonly scheme: string
  backend(): Promise<KeyBackend>
  importer(): Promise<KeyImporter>
  /** Only where devices can be listed. */
  lister?(): Promise<DeviceLister>
  /** Opens a key and has the device tell all of it. Only where an opening for use asks the device for less. */
  inspector?(): Promise<KeyBackend>
  /** Only where an opening takes long before it needs a PIN. */
  starter?(): Promise<KeyStarter>
  /** Only where a key can be encrypted for a device elsewhere. */
  wrapping?(): Promise<KeyWrapping>
}

/** Every scheme that `openKey` and the command know. */
export const backendList: readonly BackendEntry[] = Object.freeze([
  {
    scheme: 'pkcs11',
    backend: async () => (await import('./pkcs11/backend.ts')).pkcs11Backend(),
    importer: async () => (await import('./pkcs11/import.ts')).pkcs11Importer(),
    lister: async () => (await import('./pkcs11/devices.ts')).pkcs11Lister(),
    starter: async () => (await import('./pkcs11/starter.ts')).pkcs11Starter(),
    wrapping: async () => (await import('./pkcs11/wrapping.ts')).pkcs11Wrapping(),
  },
  {
    scheme: 'tpm2',
    backend: async () => (await import('./tpm2/backend.ts')).tpm2Backend(),
    importer: async () => (await import('./tpm2/import.ts')).tpm2Importer(),
    inspector: async () => (await import('./tpm2/inspector.ts')).tpm2Inspector(),
    lister: async () => (await import('./tpm2/devices.ts')).tpm2Lister(),
    wrapping: async () => (await import('./tpm2/wrapping.ts')).tpm2Wrapping(),
  },
  {
    scheme: 'vault',
    backend: async () => (await import('./vault/backend.ts')).vaultBackend(),
    importer: async () => (await import('./vault/import.ts')).vaultImporter(),
    inspector: async () => (await import('./vault/inspector.ts')).vaultInspector(),
    lister: async () => (await import('./vault/devices.ts')).vaultLister(),
    wrapping: async () => (await import('./vault/wrapping.ts')).vaultWrapping(),
  },
  {
    scheme: 'tink',
    backend: async () => (await import('./tink/backend.ts')).tinkBackend(),
    importer: async () => (await import('./tink/import.ts')).tinkImporter(),
  },
])

/** The entry of a scheme. @throws ERR_BACKEND_UNKNOWN, listing the schemes that there are */
export function backendEntry(scheme: string): BackendEntry {
  const entry = backendList.find((one) => one.scheme === scheme)
  if (entry === undefined) throw backendUnknown(scheme, [])
  return entry
}

/** The backend of an entry that has the device tell all of a key. */
export async function inspectorOf(entry: BackendEntry): Promise<KeyBackend> {
  return await (entry.inspector?.() ?? entry.backend())
}

/** What encrypts for a device of the entry. @throws ERR_BACKEND_UNSUPPORTED where no device has a key to encrypt for */
export async function wrappingOf({ scheme, wrapping }: BackendEntry): Promise<KeyWrapping> {
  if (wrapping !== undefined) return await wrapping()
  throw new HardkeyError('ERR_BACKEND_UNSUPPORTED', `there is no wrapping key for ${scheme}:`, {
    hint: 'a keyset is opened wherever its passphrase or key service is, so it can be made elsewhere and copied as it is',
  })
}

/** ERR_BACKEND_UNKNOWN, listing the schemes of the list and those handed in. */
export function backendUnknown(scheme: string, handedIn: readonly { readonly scheme: string }[]): HardkeyError {
  return new HardkeyError('ERR_BACKEND_UNKNOWN', `hardkey has no backend for ${scheme}:`, {
    hint: `the schemes are ${schemesOf(handedIn).join(', ')}`,
  })
}

/** The schemes in words: `pkcs11:`, `tink:`. */
export function schemesOf(handedIn: readonly { readonly scheme: string }[]): readonly string[] {
  return [...new Set([...handedIn, ...backendList].map(({ scheme }) => `${scheme}:`))]
}
