// A key comes to a TPM encrypted. In: which storage key of the TPM, or a key that was wrapped for one. Out: its public area and
// certificate; the wrapped key, without any TPM; the key in the TPM, whose host never sees it.
// TPM 2.0 Library, Part 1, 23.3 "Duplication"; Part 3, 13.3 TPM2_Import. The ciphertext is a TSS2 PRIVATE KEY in DER, importable.
// 1. The parent of the wrapped key must be there with the Name that it was wrapped for, before anything is asked of the TPM.
// 2. The key has neither fixedTPM nor fixedParent, since it was made elsewhere; a key without a policy stays where it is.

import { HardkeyError } from '../../errors.ts'
import type { DeviceContext, ImportedKey, KeyWrapping, WrappedKey, WrappingKey } from '../../key/hmac-key.ts'
import type { KeyUri } from '../../key/uri.ts'
import { AuthValues } from './auth-values.ts'
import { duplicateFor } from './documents/duplicate.ts'
import { formatKeyDer, type KeyFile, parseKeyDer } from './documents/key-file.ts'
import { keyFileInvalid, orMalformed } from './documents/malformed.ts'
import { certifiedKinds, checkEkCertificate, isCertificateOf, readCertificate } from './ek-certificate.ts'
import { tpm2Importer } from './import.ts'
import { type ImportTarget, importTarget } from './import-target.ts'
import {
  type Below,
  bringParent,
  type KeepWish,
  keepKey,
  loadBelow,
  type NewKeyResult,
  refuseTaken,
} from './keep-key.ts'
import { deviceAddress, type ParentChoice, parentChoice } from './key-uri.ts'
import { authorizeParent, bringStorageKey, choiceText, choiceWords, usingParent } from './parent.ts'
import { completedPcrList } from './pcr-check.ts'
import { importObject } from './wire/object-commands.ts'
import { nameOf, type PublicArea, readPublicArea } from './wire/public-area.ts'
import { Tpm } from './wire/tpm.ts'

/**
 * `tpm2:parent=ecc-ek` says which storage key; without it, it is an endorsement key that has a certificate, else the H-2 ECC
 * primary key.
 *
 * Who must not need it: the commands `wrapping-key`, `wrap` and `import` use it.
 */
export function tpm2Wrapping(): KeyWrapping {
  return {
    scheme: 'tpm2',
    wrappingKey: async (uri, context, { create }) => {
      if (create) throw alwaysThere()
      return await readWrappingKey(uri, context)
    },
    wrap: (key, wrappingKey) => formatKeyDer(duplicateFor(parentArea(wrappingKey), key)),
    checkCertificate: (wrappingKey, authorities, now) =>
      checkEkCertificate(wrappingKey.certificate, parentArea(wrappingKey), authorities, now),
    importWrapped: async (uri, wrapped, context) => await importWrapped(uri, wrapped, context),
  }
}

async function readWrappingKey(uri: KeyUri, context: DeviceContext): Promise<WrappingKey> {
  const device = deviceAddress(uri)
  const { signal } = context
  const auths = new AuthValues(uri, context, device)
  const tpm = await Tpm.open(device, { signal })
  try {
    const named = parentChoice(uri)
    const kinds = named === undefined ? certifiedKinds : []
    const certified = await firstCertified(tpm, kinds, signal)
    const choice = named ?? certified ?? 'h2'
    const { area, name, publicArea } = await bringStorageKey(tpm, { choice, auths, signal })
    const found = typeof choice === 'number' ? undefined : await readCertificate(tpm, choice, signal)
    // One that was made by another template, or for another key.
    const certificate = found !== undefined && isCertificateOf(found, area) ? found : undefined
    return {
      scheme: 'tpm2',
      kind: choiceText(choice),
      device: `${choiceWords(choice)} of the TPM at ${tpm.description}`,
      name: hex(name),
      publicKey: publicArea,
      certificate,
    }
  } finally {
    auths.wipe()
    await tpm.close()
  }
}

async function firstCertified(
  tpm: Tpm,
  kinds: typeof certifiedKinds,
  signal: AbortSignal | undefined,
): Promise<ParentChoice | undefined> {
  for (const kind of kinds) if ((await readCertificate(tpm, kind, signal)) !== undefined) return kind
  return undefined
}

/** The area in the file, whose Name is the one that the file says. */
function parentArea({ publicKey, name }: WrappingKey): PublicArea {
  const what = 'the wrapping key'
  const area = orMalformed(what, 'its public area', () => readPublicArea(publicKey))
  if (hex(orMalformed(what, 'its public area', () => nameOf(publicKey))) === name) return area
  throw keyFileInvalid(what, 'has another Name than it says')
}

async function importWrapped(uri: KeyUri, wrapped: WrappedKey, context: DeviceContext): Promise<ImportedKey> {
  const key = parseKeyDer(wrapped.ciphertext, 'the wrapped key')
  if (key.form !== 'importable') throw keyFileInvalid('the wrapped key', 'is not wrapped for a parent')
  const choice = parentChoice(uri.with({ path: { parent: wrapped.kind } }))
  if (choice === undefined || (uri.has('parent') && uri.get('parent') !== wrapped.kind)) {
    throw new HardkeyError('ERR_URI_INVALID', 'the key is wrapped for another parent than the key URI names', {
      hint: `leave parent= out: it is ${wrapped.kind}`,
    })
  }
  const target = await importTarget(uri)
  refuseWishes(target, key)
  const { device } = target.address
  const wish = { uri, target, auths: new AuthValues(uri, context, device), signal: context.signal }
  try {
    const tpm = await Tpm.open(device, { signal: context.signal })
    try {
      const made = await open(tpm, { key, choice, wrapped }, wish)
      return { ...made, remove: async () => await tpm2Importer().remove(made.uri, { pin: context.pin }) }
    } finally {
      await tpm.close()
    }
  } finally {
    wish.auths.wipe()
  }
}

/** What a key shall want was settled where it was made. @throws ERR_URI_INVALID */
function refuseWishes({ address, hasAuth, office }: ImportTarget, { emptyAuth, object }: KeyFile): void {
  const isBound = object.authPolicy.length > 0
  const isWrong = office !== undefined || (address.pcrs !== undefined && !isBound) || (hasAuth && emptyAuth === true)
  if (!isWrong) return
  throw new HardkeyError(
    'ERR_URI_INVALID',
    'a wrapped key cannot be given PCRs, an auth value or a date rule any more',
    {
      hint: 'it is used as it was made elsewhere; for a rule check the secret in here, or rotate the key once it is here',
    },
  )
}

interface Opening {
  readonly key: KeyFile
  readonly choice: ParentChoice
  readonly wrapped: WrappedKey
}

async function open(tpm: Tpm, { key, choice, wrapped }: Opening, wish: KeepWish): Promise<NewKeyResult> {
  await refuseTaken(tpm, wish)
  const below = await bringParent(tpm, wish, choice)
  if (hex(below.parent.name) !== wrapped.name) throw forAnother(tpm, wrapped)
  const object = { publicArea: key.publicArea, private: await importBelow(tpm, below, key, wish) }
  const { pcrs } = wish.target.address
  const kept = {
    ...object,
    ...below,
    area: key.object,
    key: await loadBelow(tpm, below, object, wish),
    policy: key.policy,
    pcrs: pcrs === undefined ? [] : await completedPcrList(tpm, pcrs, wish.signal),
  }
  return await keepKey(tpm, kept, wish)
}

/** What the key is below its new parent. The duplicate is encrypted for it, so that no parameter is encrypted once more. */
async function importBelow(
  tpm: Tpm,
  { parent, salt }: Below,
  { publicArea, privateArea, encryptedSecret = new Uint8Array(0) }: KeyFile,
  { auths, signal }: KeepWish,
): Promise<Uint8Array> {
  const authorization = await authorizeParent(tpm, parent, { salt, auths, signal })
  try {
    const use = { ...authorization, last: true }
    const wish = { parent, publicArea, duplicate: privateArea, encryptedSeed: encryptedSecret, authorization: use }
    return await usingParent(tpm, parent, authorization, auths, () => importObject(tpm, wish, { signal }))
  } finally {
    await authorization.session.end()
  }
}

function forAnother(tpm: Tpm, { device }: WrappedKey): HardkeyError {
  return new HardkeyError('ERR_KEY_UNUSABLE', `the key is not wrapped for the TPM at ${tpm.description}`, {
    hint: `it is for ${device}; where that was this TPM, it was cleared since: print its wrapping key anew`,
  })
}

function alwaysThere(): HardkeyError {
  return new HardkeyError('ERR_BACKEND_UNSUPPORTED', 'a TPM has its storage keys already', {
    hint: 'leave --create out',
  })
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
