// A delivery without the command. In: a device's ability to be sent keys, a secret. Out: the file, files with one byte changed,
// and what a check-in makes of them.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { BackendEntry } from '../../src/backends/list.ts'
import { HardkeyError } from '../../src/errors.ts'
import type { KeyWrapping, WrappingKey } from '../../src/key/hmac-key.ts'
import type { PinSource } from '../../src/key/pin-source.ts'
import { Secret } from '../../src/key/secret.ts'
import type { KeyUri } from '../../src/key/uri.ts'
import { type CheckInResult, checkIn } from '../../src/lifecycle/check-in.ts'
import { wrapSecret } from '../../src/lifecycle/wrap.ts'
import { parseWrappedKey } from '../../src/lifecycle/wrapped-file.ts'
import { temporaryFolder } from '../files/temporary-folder.ts'

export const secretText = 'qV7mE0cPzW3sKf9XnT2bLr8YhJd5GuAo1RiBt/6+'
export const accessKeyId = 'AKIAQ3EGRZ5UXAMPLE2A'

export async function fileFor(wrapping: KeyWrapping, wrappingKey: WrappingKey): Promise<Buffer> {
  const secret = Secret.take(Buffer.from(secretText))
  const now = new Date('2026-11-24T17:20:00Z')
  return Buffer.from(await wrapSecret({ wrapping, wrappingKey, accessKeyId, secret, now }))
}

/** The file again and again, each time with another byte changed to one of its own kind: every `step`th of them. */
export function* changedFiles(
  file: Buffer,
  step: number,
): Generator<{ readonly at: number; readonly changed: Buffer }> {
  for (let at = 0; at < file.length; at += step) {
    const changed = Buffer.from(file)
    changed[at] = neighbour(file[at] ?? 0)
    yield { at, changed }
  }
}

/** A digit becomes a digit, a letter a letter of its case. */
function neighbour(byte: number): number {
  const text = String.fromCharCode(byte)
  if (/[0-8a-eA-E]/.test(text)) return byte + 1
  if (/[9g-zG-Z]/.test(text)) return byte - 1
  return /[fF]/.test(text) ? byte - 1 : byte ^ 1
}

export interface Receiver {
  readonly to: KeyUri
  readonly entry: BackendEntry
  readonly pin: PinSource
}

/** Checks the file in as `edge`; the folder of records goes with the test. */
export async function received(file: Uint8Array, { to, entry, pin }: Receiver): Promise<CheckInResult> {
  const folder = join(temporaryFolder(), 'keys')
  const delivered = parseWrappedKey(file)
  const { accessKeyId: id } = delivered.proof
  const input = { name: 'edge', accessKeyId: id, secret: delivered, to, entry, pin, folder, now: () => new Date() }
  try {
    return await checkIn(input)
  } catch (error) {
    if (existsSync(join(folder, 'edge.json'))) throw new Error('a record was left')
    throw error
  }
}

/** The code of the refusal; `taken` where it was none. */
export async function refusal(act: () => Promise<unknown>): Promise<string> {
  try {
    await act()
    return 'taken'
  } catch (error) {
    if (error instanceof HardkeyError) return error.code
    throw error
  }
}
