// The devices in reach. In: --module-path, PKCS11_MODULE_PATH, or p11-kit's proxy; --device, TPM2TOOLS_TCTI, or /dev/tpmrm0.
// Out: what each backend lists. One that fails does not hide the others.

import { type BackendEntry, backendList } from '../backends/list.ts'
import { HardkeyError } from '../errors.ts'
import type { DeviceListing } from '../key/hmac-key.ts'
import { KeyUri } from '../key/uri.ts'
import type { CommandContext } from './command.ts'
import { defaultModule } from './open-key.ts'

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
  return await ofAll(context, asked, async (entry, uri) => {
    const lister = await entry.lister?.()
    return (await lister?.list(uri, { signal: context.signal })) ?? []
  })
}

/** The keys that devices hold and show without a PIN. @throws as `listDevices` */
export async function listKeys(context: CommandContext, asked: AskedDevices = {}): Promise<readonly DeviceListing[]> {
  return await ofAll(context, asked, async (entry, uri) => {
    const lister = await entry.lister?.()
    return (await lister?.keys?.(uri, { signal: context.signal })) ?? []
  })
}

async function ofAll(
  { environment, report }: CommandContext,
  asked: AskedDevices,
  list: (entry: BackendEntry, uri: KeyUri) => Promise<readonly DeviceListing[]>,
): Promise<readonly DeviceListing[]> {
  const found: DeviceListing[] = []
  const failures: HardkeyError[] = []
  for (const entry of backendList) {
    if (entry.lister === undefined) continue
    try {
      const uri = await placeOf(entry.scheme, environment, asked)
      if (uri === undefined) continue
      report.step(`ask ${uri} what is there`)
      found.push(...(await report.waiting('the devices', list(entry, uri))))
    } catch (error) {
      if (!(error instanceof HardkeyError)) throw error
      failures.push(error)
    }
  }
  const [first] = failures
  if (first !== undefined && found.length === 0) throw first
  for (const { code, message, hint } of failures) {
    // That no PKCS#11 module is set up is no fault where there is another device.
    const tell = code === 'ERR_URI_INVALID' ? report.step : report.warning
    tell(hint === undefined ? message : `${message}: ${hint}`)
  }
  return found
}

/** Where the backend shall look; undefined where another device alone was asked for. */
async function placeOf(
  scheme: string,
  environment: CommandContext['environment'],
  { modulePath, tpm }: AskedDevices,
): Promise<KeyUri | undefined> {
  if (scheme === 'tpm2') {
    if (modulePath !== undefined && tpm === undefined) return undefined
    const device = tpm ?? environment.tpmDevice
    return KeyUri.of(scheme, {}, device === undefined ? {} : { device })
  }
  if (tpm !== undefined && modulePath === undefined) return undefined
  return KeyUri.of(scheme, {}, { 'module-path': modulePath ?? (await defaultModule(environment)).path })
}
