// `hardkey wrap --for FILE`. In: a secret access key, the public key of a device that is elsewhere. Out: one file that this
// device alone can open. What can be refused is refused before the secret is read.

import { backendEntry, wrappingOf } from '../../backends/list.ts'
import { readOwnFile } from '../../files/read-own-file.ts'
import type { KeyWrapping, WrappingKey } from '../../key/hmac-key.ts'
import { Secret } from '../../key/secret.ts'
import { KeyUri } from '../../key/uri.ts'
import { wrapSecret } from '../../lifecycle/wrap.ts'
import { importSource, readSource } from '../check-in/import-source.ts'
import { readWrappingKey, writeOut } from '../check-in/wrap-files.ts'
import type { CommandContext } from '../command.ts'

/** Certificates of a maker of TPMs. */
const longestAuthorities = 1_048_576

/** Prints the file, or writes it to `--out`. */
export async function wrap(context: CommandContext): Promise<number> {
  const { args, now, report } = context
  const path = args.value('for')
  if (path === undefined) throw args.wrong('--for is missing', 'name the file that hardkey wrapping-key wrote')
  const source = importSource(context)
  if (source.kind === 'device') throw args.wrong('--from device has no secret to encrypt')
  const wrappingKey = await readWrappingKey(path)
  const wrapping = await wrappingOf(backendEntry(wrappingKey.scheme))
  const format = formatOption(context, wrappingKey)
  await checkCertificate(context, wrapping, wrappingKey)
  report.note(`encrypted for ${wrappingKey.kind} of ${wrappingKey.device}`)
  report.note(`whose name is ${wrappingKey.name}`)
  const { accessKeyId, secret } = await readSource(context, source, KeyUri.of(wrappingKey.scheme, {}))
  if (!(secret instanceof Secret)) throw args.wrong('there is no secret to encrypt')
  try {
    await writeOut(context, await wrapSecret({ wrappingKey, wrapping, accessKeyId, secret, format, now: now() }))
  } finally {
    secret.wipe()
  }
  const file = args.value('out') ?? 'FILE'
  report.next(
    `hardkey import NAME --to ${wrappingKey.scheme === 'pkcs11' ? "'pkcs11:…'" : wrappingKey.scheme} --wrapped ${file}, where the device is`,
  )
  return 0
}

function formatOption({ args }: CommandContext, { scheme }: WrappingKey): 'tpmcopy' | undefined {
  const format = args.value('format') ?? 'hardkey'
  if (format !== 'hardkey' && format !== 'tpmcopy') throw args.wrong('--format is hardkey or tpmcopy')
  if (format === 'hardkey') return undefined
  if (scheme !== 'tpm2') throw args.wrong('--format tpmcopy is for a TPM')
  return format
}

async function checkCertificate(
  { args, now, report }: CommandContext,
  wrapping: KeyWrapping,
  wrappingKey: WrappingKey,
): Promise<void> {
  const authorities = args.value('ek-ca')
  if (authorities === undefined) {
    if (wrappingKey.certificate !== undefined) report.warning('the certificate of the TPM is not checked; give --ek-ca')
    return
  }
  if (wrapping.checkCertificate === undefined) throw args.wrong('--ek-ca is for a TPM, which alone has a certificate')
  const pem = await readOwnFile(authorities, { maxBytes: longestAuthorities, code: 'ERR_KEY_FILE_INVALID' })
  wrapping.checkCertificate(wrappingKey, pem, now())
  report.step('the maker of the TPM vouches for the wrapping key')
}
