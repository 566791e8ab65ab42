// `hardkey devices`. In: a PKCS#11 module.
// Out: its tokens, each as a quoted URI for `import --to`.

import type { CommandContext } from '../command.ts'
import { listDevices } from '../device-list.ts'
import { tableLines } from '../table-lines.ts'

/** Prints the devices in reach; status 0 also where there is none. */
export async function devices(context: CommandContext): Promise<number> {
  const { args, output, report } = context
  const found = await listDevices(context, args.value('module-path'))
  if (args.has('json')) {
    output.json(found.map(({ uri, description }) => ({ uri: uri.toString(), description })))
    return 0
  }
  if (found.length > 0) {
    const rows = found.map(({ uri, description }) => [description, `'${uri.toString()}'`])
    output.line(tableLines(['DEVICE', 'FOR import --to'], rows).join('\n'))
  } else {
    report.note('no token is in reach')
  }
  report.next(`hardkey import NAME --to ${found.length > 0 ? 'one of these' : 'embedded'}`)
  return 0
}
