// `hardkey devices`. In: a PKCS#11 module, a TPM, or what is set up on this machine.
// Out: tokens, TPMs and transit engines, each as a quoted URI for `import --to`; and the keys that a TPM shows to everyone.

import type { DeviceListing } from '../../key/hmac-key.ts'
import type { CommandContext } from '../command.ts'
import { type AskedDevices, listDevices, listKeys } from '../device/device-list.ts'
import { tableLines } from '../texts/table-lines.ts'

/** Prints the devices in reach; status 0 also where there is none. */
export async function devices(context: CommandContext): Promise<number> {
  const { args, output, report } = context
  const asked: AskedDevices = { modulePath: args.value('module-path'), tpm: args.value('device') }
  const wantsKeys = args.has('keys')
  const found = await (wantsKeys ? listKeys : listDevices)(context, asked)
  if (args.has('json')) {
    output.json(found.map(({ uri, description }) => ({ uri: uri.toString(), description })))
    return 0
  }
  if (found.length > 0) output.line(tableLines(headOf(wantsKeys), found.map(rowOf)).join('\n'))
  else
    report.note(
      wantsKeys ? 'no device shows a key without a PIN' : 'no token, no TPM and no transit engine is in reach',
    )
  if (wantsKeys) report.next("hardkey import NAME --from device --to 'one of these'")
  else report.next(`hardkey import NAME --to ${found.length > 0 ? 'one of these' : 'embedded'}`)
  return 0
}

function headOf(wantsKeys: boolean): readonly string[] {
  return wantsKeys ? ['KEY', 'URI'] : ['DEVICE', 'FOR import --to']
}

function rowOf({ uri, description }: DeviceListing): readonly string[] {
  return [description, `'${uri.toString()}'`]
}
