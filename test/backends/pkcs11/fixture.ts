// A SoftHSM behind the shim, with one token and one key, for the tests of the PKCS#11 backend. In: nothing. Out: ways to
// open, import and look. What a test starts is counted, so that it can be seen that nothing is left.

import { createHmac } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { type Pkcs11Options, pkcs11Backend } from '../../../src/backends/pkcs11/backend.ts'
import { pkcs11Importer } from '../../../src/backends/pkcs11/import.ts'
import type { HmacKey, ImportedKey } from '../../../src/key/hmac-key.ts'
import type { PinSource } from '../../../src/key/pin-source.ts'
import { Secret } from '../../../src/key/secret.ts'
import { KeyUri } from '../../../src/key/uri.ts'
import { pkcs11Shim, type Shim } from '../../faults/pkcs11-shim.ts'
import { type SoftHsm, softHsm, testPin } from '../../peers/softhsm.ts'

export const secretBytes: Uint8Array = Buffer.from('AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY')
export const day: Uint8Array = Buffer.from('20150830')

/** The right answer of the key that the tests import, in hexadecimal digits. */
export const dayAnswer: string = createHmac('sha256', secretBytes).update(day).digest('hex')

/** A PIN source that gives these PINs in turn, the last one for ever, and counts. */
export function pins(...texts: string[]): PinSource & { asked(): number; targets(): readonly string[] } {
  const targets: string[] = []
  const source: PinSource = async ({ target }) => {
    const text = texts[Math.min(targets.length, texts.length - 1)] ?? testPin
    targets.push(target)
    return new Uint8Array(Buffer.from(text))
  }
  return Object.assign(source, { asked: () => targets.length, targets: () => targets })
}

export interface Fixture {
  readonly hsm: SoftHsm
  readonly shim: Shim
  /** `pkcs11:token=prod;` and what is given, with the module of the shim or another. */
  uri(path: string, module?: string): KeyUri
  open(uri: KeyUri, options?: Pkcs11Options & { pin?: PinSource; signal?: AbortSignal }): Promise<HmacKey>
  importKey(uri: KeyUri, options?: Pkcs11Options & { pin?: PinSource; key?: Uint8Array }): Promise<ImportedKey>
  remove(): void
}

/** A token `prod`, whose key `aws` is `secretBytes`. */
export async function fixture(): Promise<Fixture> {
  const hsm = await softHsm()
  await hsm.addToken('prod')
  const shim = await pkcs11Shim(hsm)
  const { environment } = shim
  const uri = (path: string, module = shim.module) =>
    KeyUri.parse(`pkcs11:${path}?module-path=${encodeURIComponent(module)}`)
  const made: Fixture = {
    hsm,
    shim,
    uri,
    open: async (at, { pin = pins(testPin), signal, ...options } = {}) =>
      await pkcs11Backend({ environment, ...options }).open(at, { pin, signal }),
    importKey: async (at, { pin = pins(testPin), key = secretBytes, ...options } = {}) =>
      await pkcs11Importer({ environment, ...options }).import(at, Secret.join(key), { pin }),
    remove() {
      shim.remove()
      hsm.remove()
    },
  }
  await made.importKey(uri('token=prod;object=aws'))
  return made
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** Processes of the backend that this process has started and that still run, on Linux. */
export function childrenLeft(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name) && isOurChild(name))
    .map(Number)
}

function isOurChild(pid: string): boolean {
  try {
    const parent = / \(.*\) [A-Z] ([0-9]+) /.exec(` ${readFileSync(`/proc/${pid}/stat`, 'utf8').split('\n').join(' ')}`)
    return Number(parent?.[1]) === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('child.cjs')
  } catch (error) {
    // It ended between the listing and the look.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return false
    throw error
  }
}
