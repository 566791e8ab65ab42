// Where a new key goes and what it shall want. In: the key URI of an import. Out: its parts, checked before a secret is
// typed. TPM 2.0 Library, Part 2, 7.5 for the handles that belong to the owner.

import { HardkeyError } from '../../errors.ts'
import { readOwnFile } from '../../files/read-own-file.ts'
import { refuseExisting } from '../../files/refuse-existing.ts'
import { replaceAtomically } from '../../files/replace-atomically.ts'
import type { KeyUri } from '../../key/uri.ts'
import { type OfficeKey, officeKeyOf } from './date-rule.ts'
import { formatKeyFile, type KeyFileContent } from './documents/key-file.ts'
import { readPcrList } from './documents/pcr.ts'
import { handleText, type KeyAddress, type KeyPlace, keyAddress } from './key-uri.ts'
import { persistentHandles } from './wire/constants.ts'

/** A place that an import can fill. */
export type NewPlace = Exclude<KeyPlace, { readonly kind: 'pair' }>

export interface ImportTarget {
  readonly address: KeyAddress & { readonly place: NewPlace }
  /** The key gets an auth value. */
  readonly hasAuth: boolean
  /** It comes from a source that no person types. */
  readonly isUnattended: boolean
  readonly office: OfficeKey | undefined
}

/** A PEM file of RSA 4096 has about 800 bytes. */
const longestPem = 65536

/**
 * The parts of the URI.
 *
 * @throws ERR_URI_INVALID, ERR_KEY_FILE_INVALID for the public key of a date rule, ERR_KEY_EXISTS for a key file that is there
 */
export async function importTarget(uri: KeyUri): Promise<ImportTarget> {
  const address = keyAddress(uri)
  const { place } = address
  if (place.kind === 'pair') {
    throw new HardkeyError(
      'ERR_URI_INVALID',
      'an import writes a key file, or a persistent handle, and no pair of files',
      {
        hint: 'write tpm2:file=prod.tss2.pem or tpm2:handle=0x81000100',
      },
    )
  }
  if (place.kind === 'handle') checkOwnersHandle(place.handle)
  else await refuseExisting(place.path, 'ERR_DEVICE_FAILED', keyExists(`a file "${place.path}"`))
  if (address.pcrs !== undefined) readPcrList(address.pcrs)
  const source = uri.get('pin-source')
  const hasSource = source !== undefined || uri.has('pin-value')
  return {
    address: { ...address, place },
    hasAuth: address.hasAuth ?? hasSource,
    isUnattended: uri.has('pin-value') || (source !== undefined && source !== 'prompt:'),
    office: await readOffice(address),
  }
}

/** F-T20 and rule 1 of an importer: it never overwrites. */
export function keyExists(what: string): HardkeyError {
  return new HardkeyError('ERR_KEY_EXISTS', `there is ${what} already`, {
    hint: 'it is never overwritten; name another place, or remove the old key first: hardkey forget NAME --from-device',
  })
}

function checkOwnersHandle(handle: number): void {
  if (handle <= persistentHandles.lastOfOwner) return
  throw new HardkeyError(
    'ERR_URI_INVALID',
    `the handle ${handleText(handle)} belongs to the platform, not to the owner`,
    {
      hint: 'take one from 0x81000000 to 0x817FFFFF, as 0x81000100',
    },
  )
}

async function readOffice({ dateRule, approvals }: KeyAddress): Promise<OfficeKey | undefined> {
  if (dateRule === undefined) {
    if (approvals === undefined) return undefined
    throw new HardkeyError('ERR_URI_INVALID', 'approvals in the key URI is for a key with a date rule', {
      hint: 'add date-rule=FILE, the public office key',
    })
  }
  if (approvals === undefined) {
    throw new HardkeyError(
      'ERR_URI_INVALID',
      'the key URI has a date-rule and does not say where the approvals will lie',
      {
        hint: 'add approvals=NAME.approvals.json after the "?"',
      },
    )
  }
  const bytes = await readOwnFile(dateRule, { maxBytes: longestPem, code: 'ERR_KEY_FILE_INVALID' })
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (text.includes('PRIVATE KEY')) {
    bytes.fill(0)
    throw new HardkeyError(
      'ERR_KEY_FILE_INVALID',
      `"${dateRule}" is a private key, which has no place on this machine`,
      {
        hint: 'give its public half: openssl pkey -in office.pem -pubout -out office.pub.pem',
      },
    )
  }
  try {
    return officeKeyOf({ key: text, format: 'pem' })
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    throw new HardkeyError(error.code, `"${dateRule}" ${error.message}`, { hint: error.hint })
  }
}

/** The file, whole under its name or not at all. @throws ERR_KEY_EXISTS, ERR_DEVICE_FAILED where it cannot be written */
export async function writeKeyFile(path: string, content: KeyFileContent): Promise<void> {
  try {
    const text = new TextEncoder().encode(formatKeyFile(content))
    await replaceAtomically(path, text, { mode: 0o600, overwrite: false, code: 'ERR_DEVICE_FAILED' })
  } catch (error) {
    if (error instanceof HardkeyError && error.serviceCode === 'EEXIST') throw keyExists(`a file "${path}"`)
    throw error
  }
}
