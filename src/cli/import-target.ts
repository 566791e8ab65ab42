// Where `import` puts the key. In: `--to`, or a choice at the terminal.
// Out: a key URI.

import { parseKeyUri } from '../backends/open.ts'
import type { DeviceListing } from '../key/hmac-key.ts'
import { KeyUri } from '../key/uri.ts'
import { quoted } from './args.ts'
import type { CommandContext } from './command.ts'
import { listDevices } from './device-list.ts'
import { withTransit } from './kek-uri.ts'
import { withModule } from './open-key.ts'
import { withVault } from './vault-uri.ts'

/** The URI that `--to` says; without it the person chooses. @throws ERR_USAGE, ERR_URI_INVALID, ERR_BACKEND_UNKNOWN */
export async function importTarget(context: CommandContext, name: string): Promise<KeyUri> {
  const { args, report } = context
  const to = args.value('to') ?? (await chooseDevice(context))
  if (to === 'embedded') return KeyUri.of('tink', { file: `${name}.keyset.json` }, { kek: 'passphrase:' })
  if (to === 'vault') return withVault(context, KeyUri.of('vault', {}), false)
  if (!to.includes(':'))
    throw args.wrong(`--to ${quoted(to)} is no device`, 'give a URI from hardkey devices, vault, or embedded')
  const uri = parseKeyUri(to)
  if (uri.has('pin-value')) {
    report.warning('pin-value in a key URI can be read by others in the list of processes; use pin-source')
  }
  const complete = withTransit(context, withVault(context, await withModule(context, uri), false))
  // Before anybody types a secret for a module that cannot be loaded.
  if (complete.scheme === 'pkcs11') (await import('../backends/pkcs11/module-path.ts')).modulePathOf(complete)
  return complete
}

async function chooseDevice(context: CommandContext): Promise<string> {
  const { args, terminal, signal, report } = context
  const unavailable = args.wrong('--to is missing', 'give a URI from hardkey devices, or --to embedded')
  if (!terminal.isThere()) throw unavailable
  const devices: readonly DeviceListing[] = await listDevices(context).catch((error: unknown) => {
    report.failure(error)
    return []
  })
  const choices = [...devices.map(({ uri, description }) => ({ to: uri.toString(), description }))]
  choices.push({
    to: 'embedded',
    description: 'an encrypted keyset on this machine, opened with a passphrase (memory)',
  })
  terminal.show(choices.map(({ description }, position) => `  ${position + 1}  ${description}`))
  const answer = await terminal.text({
    question: `check the key into which (1 to ${choices.length})`,
    unavailable,
    signal,
  })
  const chosen = /^[0-9]{1,4}$/.test(answer) ? choices[Number(answer) - 1] : undefined
  if (chosen === undefined) throw args.wrong('none of these was chosen', 'give --to')
  return chosen.to
}
