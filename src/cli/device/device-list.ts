// The devices in reach. In: --module-path, PKCS11_MODULE_PATH, or p11-kit's proxy; --device, TPM2TOOLS_TCTI, or /dev/tpmrm0;
// the server of VAULT_ADDR and its like. Out: what each backend lists. One that fails does not hide the others.

import { backendList } from '../../backends/list.ts'
import { HardkeyError } from '../../errors.ts'
import type { DeviceLister, DeviceListing } from '../../key/hmac-key.ts'
import { KeyUri } from '../../key/uri.ts'
import type { CommandContext } from '../command.ts'
import { deviceEntry } from './device-entry.ts'
import { defaultModule } from './open-key.ts'
import { withVault } from './vault-uri.ts'

/** What is asked: one PKCS#11 module, one TPM, or all that is set up. */
export interface AskedDevices {
  readonly modulePath?: string | undefined
  readonly tpm?: string | undefined
}

/** Every place for a key that a backend can list, without a PIN. @throws the first failure where nothing is found */
export async function listDevices(
  context: CommandContext,
  asked: AskedDevices = {},
): Promise<readonly DeviceListing[]> {
  const { signal } = context
  return await ofAll(context, asked, async (lister, uri) => await lister.list(uri, { signal }))
}

/** The keys that devices hold and show without a PIN. @throws as `listDevices` */
export async function listKeys(context: CommandContext, asked: AskedDevices = {}): Promise<readonly DeviceListing[]> {
  const { signal } = context
  return await ofAll(context, asked, async (lister, uri) => (await lister.keys?.(uri, { signal })) ?? [])
}

async function ofAll(
  context: CommandContext,
  asked: AskedDevices,
  list: (lister: DeviceLister, uri: KeyUri) => Promise<readonly DeviceListing[]>,
): Promise<readonly DeviceListing[]> {
  const { report } = context
  const found: DeviceListing[] = []
  const failures: HardkeyError[] = []
  for (const { scheme } of backendList) {
    try {
      const uri = await placeOf(context, scheme, asked)
      const lister = uri === undefined ? undefined : await (await deviceEntry(context, uri)).lister?.()
      if (uri === undefined || lister === undefined) continue
      report.step(`ask ${uri} what is there`)
      found.push(...(await report.waiting('the devices', list(lister, uri))))
    } catch (error) {
      if (!(error instanceof HardkeyError)) throw error
      failures.push(error)
    }
  }
  const first = failures.find(isFault) ?? failures[0]
  if (first !== undefined && found.length === 0) throw first
  for (const failure of failures) {
    const { message, hint } = failure
    const tell = isFault(failure) ? report.warning : report.step
    tell(hint === undefined ? message : `${message}: ${hint}`)
  }
  return found
}

/** That no PKCS#11 module is set up is no fault where there is another device. */
function isFault({ code }: HardkeyError): boolean {
  return code !== 'ERR_URI_INVALID'
}

/** Where the backend shall look; undefined where it has no such place, or where another device alone was asked for. */
async function placeOf(
  context: CommandContext,
  scheme: string,
  { modulePath, tpm }: AskedDevices,
): Promise<KeyUri | undefined> {
  const { environment } = context
  const asksAll = modulePath === undefined && tpm === undefined
  if (scheme === 'pkcs11' && (asksAll || modulePath !== undefined)) {
    return KeyUri.of(scheme, {}, { 'module-path': modulePath ?? (await defaultModule(environment)).path })
  }
  if (scheme === 'tpm2' && (asksAll || tpm !== undefined)) {
    const device = tpm ?? environment.tpmDevice
    return KeyUri.of(scheme, {}, device === undefined ? {} : { device })
  }
  if (scheme === 'vault' && asksAll && environment.vault.address !== undefined) {
    return withVault(context, KeyUri.of(scheme, {}), false)
  }
  return undefined
}
