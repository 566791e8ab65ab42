// The backend of a key with what this run adds to it. In: a key URI, the options and the environment. Out: backend, importer
// and inspector; undefined where those of the list will do.

import type { KeyBackend, KeyImporter } from '../key/hmac-key.ts'
import type { KeyUri } from '../key/uri.ts'
import type { CommandContext } from './command.ts'
import { isUnderService } from './kek-uri.ts'
import { vaultOptions } from './vault-uri.ts'

export interface DeviceEntry {
  readonly backend: KeyBackend
  readonly importer: KeyImporter
  /** As `backend`; asks the device for all that it tells. */
  readonly inspector: KeyBackend
}

/** @throws ERR_USAGE for an option that this device does not have */
export async function deviceEntry(
  context: CommandContext,
  uri: KeyUri,
  isStrict = false,
): Promise<DeviceEntry | undefined> {
  if (uri.scheme !== 'vault') {
    if (isStrict) throw context.args.wrong('--strict is for vault: keys')
    return isUnderService(uri) ? await (await import('./kek-access.ts')).keysetEntry(context) : undefined
  }
  const [{ vaultBackend }, { vaultInspector }, { vaultImporter }] = await Promise.all([
    import('../backends/vault/backend.ts'),
    import('../backends/vault/inspector.ts'),
    import('../backends/vault/import.ts'),
  ])
  const options = vaultOptions(context, isStrict)
  return {
    backend: vaultBackend(options),
    importer: vaultImporter(options),
    inspector: vaultInspector(options),
  }
}
