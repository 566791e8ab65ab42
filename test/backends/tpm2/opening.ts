// Opens and imports keys of a TPM as a caller of the library does. In: an address of a TPM, and what the URI says beside it.
// Out: answers. A PIN source that nobody should ask fails the test.

import { openKey } from '../../../src/backends/open.ts'
import { tpm2Importer } from '../../../src/backends/tpm2/import.ts'

import type { HmacKey, ImportedKey } from '../../../src/key/hmac-key.ts'
import type { PinSource } from '../../../src/key/pin-source.ts'
import { Secret } from '../../../src/key/secret.ts'
import { KeyUri, type UriValues } from '../../../src/key/uri.ts'
import { day, keyText } from './tpm-with-key.ts'

/** What is said of a key beside the TPM. */
export interface Place {
  readonly path: UriValues
  readonly query?: UriValues | undefined
  /** Its auth value; without it nobody may be asked. */
  readonly auth?: string | undefined
}

export function uriOf(device: string, { path, query = {} }: Place): KeyUri {
  return KeyUri.of('tpm2', path, { device, ...query })
}

/** Gives the auth value, and counts how often. */
export function authSource(auth: string | undefined): PinSource & { asked(): number } {
  let asked = 0
  const source: PinSource = async ({ target }) => {
    asked += 1
    if (auth === undefined) throw new Error(`nobody should be asked for the auth value of ${target}`)
    return new Uint8Array(Buffer.from(auth))
  }
  return Object.assign(source, { asked: () => asked })
}

export async function openAt(device: string, place: Place): Promise<HmacKey> {
  return await openKey(uriOf(device, place), { pin: authSource(place.auth) })
}

/** The HMAC of the data in hexadecimal digits, by a key that is opened for it alone. */
export async function answerAt(device: string, place: Place, data: Uint8Array = day): Promise<string> {
  const key = await openAt(device, place)
  try {
    return answerText(await key.hmac(data))
  } finally {
    await key.close()
  }
}

export async function importAt(device: string, place: Place, key: string | Uint8Array = keyText): Promise<ImportedKey> {
  const secret = Secret.take(new Uint8Array(Buffer.from(key)))
  try {
    return await tpm2Importer().import(uriOf(device, place), secret, { pin: authSource(place.auth) })
  } finally {
    secret.wipe()
  }
}

export function answerText(answer: Uint8Array): string {
  return Buffer.from(answer).toString('hex')
}
