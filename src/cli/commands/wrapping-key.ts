// `hardkey wrapping-key URI`. In: a device. Out: its public key as a file, for which a secret can be encrypted elsewhere; and on
// standard error the name by which a person knows it again there.

import { wrappingOf } from '../../backends/list.ts'
import { parseKeyUri } from '../../backends/open.ts'
import { pinSourceOf } from '../../key/pin-source.ts'
import { KeyUri } from '../../key/uri.ts'
import { formatWrappingKey } from '../../lifecycle/wrapped-file.ts'
import { newPinPrompt } from '../ask/pin-prompt.ts'
import { writeOut } from '../check-in/wrap-files.ts'
import type { CommandContext } from '../command.ts'
import { deviceEntry } from '../device/device-entry.ts'
import { prepared } from '../device/open-key.ts'
import { latched } from '../device/pin-latch.ts'

/** Prints the file, or writes it to `--out`. */
export async function wrappingKey(context: CommandContext): Promise<number> {
  const { args, report, signal } = context
  const word = args.word('URI')
  const isDevice = word === 'tpm2' || word === 'vault'
  const uri = await prepared(context, isDevice ? KeyUri.of(word, {}) : parseKeyUri(word))
  const wrapping = await wrappingOf(await deviceEntry(context, uri))
  const pin = pinSourceOf(uri, newPinPrompt(context, uri))
  const asked = latched(context, uri, () => wrapping.wrappingKey(uri, { pin, signal }, { create: args.has('create') }))
  const key = await report.waiting('the device', asked)
  await writeOut(context, formatWrappingKey(key))
  for (const warning of key.warnings ?? []) report.warning(warning)
  report.note(`it is ${key.kind} of ${key.device}`)
  report.note(`its name, to be compared where the secret is: ${key.name}`)
  report.next(`hardkey wrap --for ${args.value('out') ?? 'FILE'}, where the secret is`)
  return 0
}
