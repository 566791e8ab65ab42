// Where `import` puts the key. In: `--to`, or a choice at the terminal; for a TPM what the key shall want before each use.
// Out: a key URI.

import { resolve } from 'node:path'
import { parseKeyUri } from '../../backends/open.ts'
import type { DeviceListing } from '../../key/hmac-key.ts'
import { KeyUri } from '../../key/uri.ts'
import { quoted } from '../args.ts'
import type { CommandContext } from '../command.ts'
import { listDevices } from '../device/device-list.ts'
import { withDevice } from '../device/open-key.ts'

/** The resource manager of the kernel, which is asked where nothing else is named. */
const usualTpm = '/dev/tpmrm0'

/** The options that a TPM alone has. */
const tpmOptions = ['pcrs', 'auth', 'persist', 'date-rule'] as const

/** The URI that `--to` says; without it the person chooses. @throws ERR_USAGE, ERR_URI_INVALID, ERR_BACKEND_UNKNOWN */
export async function importTarget(context: CommandContext, name: string): Promise<KeyUri> {
  const { args } = context
  const to = args.value('to') ?? (await chooseDevice(context))
  const uri = await targetUri(context, 'to', to, name)
  if (uri.scheme === 'tpm2') return await tpmTarget(context, uri, name)
  const given = tpmOptions.find((option) => args.has(option))
  if (given !== undefined) throw args.wrong(`--${given} is for a TPM`, 'it goes with --to tpm2 or a tpm2: URI')
  await checkService(uri)
  return uri
}

/** The URI that `--also-to` says; what a TPM is to want before each use is said of `--to`. @throws as `importTarget` */
export async function alsoTarget(context: CommandContext, name: string): Promise<KeyUri> {
  const uri = await targetUri(context, 'also-to', context.args.value('also-to') ?? '', name)
  await checkService(uri)
  const hasPlace = ['file', 'handle'].some((attribute) => uri.has(attribute))
  if (uri.scheme !== 'tpm2') return uri
  const file = hasPlace ? {} : { file: `${name}.tss2.pem` }
  return uri.with({ path: file, query: { device: uri.get('device') ?? usualTpm } })
}

/** Before anybody types a secret for a server or a keyset that the URI names wrongly. @throws ERR_URI_INVALID */
async function checkService(uri: KeyUri): Promise<void> {
  if (uri.scheme === 'vault') (await import('../../backends/vault/key-uri.ts')).vaultServer(uri)
  if (uri.scheme === 'tink' && uri.has('file')) (await import('../../backends/tink/keyset-uri.ts')).keysetAddress(uri)
}

async function targetUri(context: CommandContext, option: 'to' | 'also-to', to: string, name: string): Promise<KeyUri> {
  const { args, report } = context
  if (to === 'embedded') return KeyUri.of('tink', { file: `${name}.keyset.json` }, { kek: 'passphrase:' })
  if (to === 'tpm2' || to === 'vault') return await withDevice(context, KeyUri.of(to, {}))
  if (!to.includes(':'))
    throw args.wrong(
      `--${option} ${quoted(to)} is no device`,
      'give a URI from hardkey devices, tpm2, vault, or embedded',
    )
  const uri = parseKeyUri(to)
  if (uri.has('pin-value')) {
    report.warning('pin-value in a key URI can be read by others in the list of processes; use pin-source')
  }
  const complete = await withDevice(context, uri)
  // Before anybody types a secret for a module that cannot be loaded.
  if (complete.scheme === 'pkcs11') (await import('../../backends/pkcs11/module-path.ts')).modulePathOf(complete)
  return complete
}

/** A key file beside the record where the URI names no place; the TPM's options as attributes. Checked already. */
async function tpmTarget({ args }: CommandContext, uri: KeyUri, name: string): Promise<KeyUri> {
  const isNew = args.value('from') !== 'device'
  const given = tpmOptions.find((option) => args.has(option))
  if (given !== undefined && !isNew) {
    throw args.wrong(`--${given} is for a key that is made now`, 'with --from device the key is as it is')
  }
  const handle = args.value('persist')
  const hasPlace = ['file', 'handle', 'public', 'private'].some((attribute) => uri.has(attribute))
  if (handle !== undefined && hasPlace) throw args.wrong('--persist contradicts the place that the key URI names')
  const rule = args.value('date-rule')
  // Written down, so that a variable that is set later does not send the record to another TPM.
  const device = uri.get('device') ?? usualTpm
  const place = handle === undefined ? { file: `${name}.tss2.pem` } : { handle }
  const pcrs = args.value('pcrs')
  const target = uri.with({
    path: hasPlace ? {} : place,
    query: {
      device,
      ...(pcrs === undefined ? {} : { pcrs }),
      ...(args.has('auth') ? { auth: 'yes' } : {}),
      ...(rule === undefined ? {} : { 'date-rule': resolve(rule), approvals: `${name}.approvals.json` }),
    },
  })
  // Before anybody types a secret for a list of PCRs or a handle that is none.
  const { checkImportTarget } = await import('../../backends/tpm2/import.ts')
  if (isNew) await checkImportTarget(target)
  return target
}

async function chooseDevice(context: CommandContext): Promise<string> {
  const { args, terminal, signal, report } = context
  const unavailable = args.wrong('--to is missing', 'give a URI from hardkey devices, or --to tpm2, vault or embedded')
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
