// The devices in reach. In: --module-path, PKCS11_MODULE_PATH, or p11-kit's proxy.
// Out: what each backend lists.

import { backendList } from '../backends/list.ts'
import { HardkeyError } from '../errors.ts'
import type { DeviceListing } from '../key/hmac-key.ts'
import { KeyUri } from '../key/uri.ts'
import type { CommandContext } from './command.ts'
import { defaultModule } from './open-key.ts'
import { vaultOptions, withVault } from './vault-uri.ts'

/** Every device that a backend can list, without a PIN. `modulePath`: the PKCS#11 module to ask. */
export async function listDevices(context: CommandContext, modulePath?: string): Promise<readonly DeviceListing[]> {
  const { environment, report, signal } = context
  const found: DeviceListing[] = []
  for (const { scheme, lister } of backendList) {
    if (lister === undefined) continue
    if (scheme === 'vault') {
      if (modulePath === undefined) found.push(...(await vaultListing(context)))
      continue
    }
    const module = modulePath ?? (await defaultModule(environment)).path
    report.step(`ask ${module} for its tokens`)
    const uri = KeyUri.of(scheme, {}, { 'module-path': module })
    found.push(...(await report.waiting('the devices', (await lister()).list(uri, { signal }))))
  }
  return found
}

/** The server that the variables name. One that does not answer is told of, and hides no token. */
async function vaultListing(context: CommandContext): Promise<readonly DeviceListing[]> {
  const { environment, report, signal } = context
  if (environment.vault.address === undefined) return []
  const { vaultLister } = await import('../backends/vault/devices.ts')
  const uri = withVault(context, KeyUri.of('vault', {}), false)
  try {
    return await report.waiting('the devices', vaultLister(vaultOptions(context, false)).list(uri, { signal }))
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    report.warning(error.message)
    return []
  }
}
