// What there is for the device of a key in this run. In: a URI, the options and the environment. Out: the entry of the list
// of backends, or one that works with what the environment adds.

import { type BackendEntry, backendEntry } from '../../backends/list.ts'
import type { Pkcs11Options } from '../../backends/pkcs11/backend.ts'
import type { KeyUri } from '../../key/uri.ts'
import type { CommandContext } from '../command.ts'
import { isUnderService } from './kek-uri.ts'
import { pinLatch } from './pin-latch.ts'

/** @throws ERR_USAGE for an option that this device does not have */
export async function deviceEntry(context: CommandContext, uri: KeyUri, isStrict = false): Promise<BackendEntry> {
  if (uri.scheme === 'vault') return await vaultEntry(context, isStrict)
  if (uri.scheme === 'pkcs11' && !isStrict) return pkcs11Entry(context, uri)
  if (isStrict) throw context.args.wrong('--strict is for vault: keys')
  return isUnderService(uri)
    ? await (await import('./kek-access.ts')).keysetEntry(context, uri)
    : backendEntry(uri.scheme)
}

/** A token that had a wrong PIN is tried again once the latch knows that this is another one. */
export function pkcs11Entry(
  context: CommandContext,
  uri: KeyUri,
): BackendEntry & Required<Pick<BackendEntry, 'starter'>> {
  const options: Pkcs11Options = { isPinCorrected: () => pinLatch(context).isCorrected(uri) }
  return {
    ...backendEntry('pkcs11'),
    backend: async () => (await import('../../backends/pkcs11/backend.ts')).pkcs11Backend(options),
    importer: async () => (await import('../../backends/pkcs11/import.ts')).pkcs11Importer(options),
    starter: async () => (await import('../../backends/pkcs11/starter.ts')).pkcs11Starter(options),
    wrapping: async () => (await import('../../backends/pkcs11/wrapping.ts')).pkcs11Wrapping(options),
  }
}

async function vaultEntry(context: CommandContext, isStrict: boolean): Promise<BackendEntry> {
  const options = (await import('./vault-uri.ts')).vaultOptions(context, isStrict)
  return {
    scheme: 'vault',
    backend: async () => (await import('../../backends/vault/backend.ts')).vaultBackend(options),
    importer: async () => (await import('../../backends/vault/import.ts')).vaultImporter(options),
    inspector: async () => (await import('../../backends/vault/inspector.ts')).vaultInspector(options),
    lister: async () => (await import('../../backends/vault/devices.ts')).vaultLister(options),
    wrapping: async () => (await import('../../backends/vault/wrapping.ts')).vaultWrapping(options),
  }
}
