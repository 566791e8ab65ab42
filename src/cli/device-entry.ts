// What there is for the device of a key in this run. In: a URI, the options and the environment. Out: the entry of the list
// of backends, or one that works with what the environment adds.

import { type BackendEntry, backendEntry } from '../backends/list.ts'
import type { KeyUri } from '../key/uri.ts'
import type { CommandContext } from './command.ts'
import { isUnderService } from './kek-uri.ts'

/** @throws ERR_USAGE for an option that this device does not have */
export async function deviceEntry(context: CommandContext, uri: KeyUri, isStrict = false): Promise<BackendEntry> {
  if (uri.scheme === 'vault') return await vaultEntry(context, isStrict)
  if (isStrict) throw context.args.wrong('--strict is for vault: keys')
  return isUnderService(uri)
    ? await (await import('./kek-access.ts')).keysetEntry(context, uri)
    : backendEntry(uri.scheme)
}

async function vaultEntry(context: CommandContext, isStrict: boolean): Promise<BackendEntry> {
  const options = (await import('./vault-uri.ts')).vaultOptions(context, isStrict)
  return {
    scheme: 'vault',
    backend: async () => (await import('../backends/vault/backend.ts')).vaultBackend(options),
    importer: async () => (await import('../backends/vault/import.ts')).vaultImporter(options),
    inspector: async () => (await import('../backends/vault/inspector.ts')).vaultInspector(options),
    lister: async () => (await import('../backends/vault/devices.ts')).vaultLister(options),
    wrapping: async () => (await import('../backends/vault/wrapping.ts')).vaultWrapping(options),
  }
}
