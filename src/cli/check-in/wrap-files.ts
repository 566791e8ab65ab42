// The files of a delivery as the commands take them. In: a path. Out: a wrapping key, or a wrapped key with the ID of its access
// key where it says one; and a file of ours written whole, or not at all.

import { resolve } from 'node:path'
import { HardkeyError } from '../../errors.ts'
import { readOwnFile } from '../../files/read-own-file.ts'
import { replaceAtomically } from '../../files/replace-atomically.ts'
import type { WrappingKey } from '../../key/hmac-key.ts'
import { type DeliveredKey, longestWrapFile, parseWrappedKey, parseWrappingKey } from '../../lifecycle/wrapped-file.ts'
import type { CommandContext } from '../command.ts'

/** A wrapped key, and whose it is. */
export interface Delivery extends DeliveredKey {
  /** Undefined where the file of another tool does not say. */
  readonly accessKeyId: string | undefined
}

/** @throws ERR_KEY_FILE_INVALID */
export async function readWrappingKey(path: string): Promise<WrappingKey> {
  return parseWrappingKey(await read(path))
}

/** @throws ERR_KEY_FILE_INVALID */
export async function readDelivery(path: string): Promise<Delivery> {
  const bytes = await read(path)
  const { isTpmcopyFile, readTpmcopy } = await import('../../backends/tpm2/tpmcopy.ts')
  if (isTpmcopyFile(bytes)) {
    const { wrapped, sendersName } = readTpmcopy(bytes)
    return { wrapped, accessKeyId: /^AKIA[A-Z2-7]{16}$/.test(sendersName) ? sendersName : undefined }
  }
  const { wrapped, proof } = parseWrappedKey(bytes)
  return { wrapped, proof, accessKeyId: proof.accessKeyId }
}

/** Writes the text to `--out`, else to standard output. @throws ERR_CONFIG_INVALID for a file that is there */
export async function writeOut({ args, output }: CommandContext, text: string): Promise<void> {
  const path = args.value('out')
  if (path === undefined) {
    output.write(text)
    return
  }
  try {
    await replaceAtomically(resolve(path), Buffer.from(text), { mode: 0o644, overwrite: false })
  } catch (error) {
    if (!(error instanceof HardkeyError) || error.serviceCode !== 'EEXIST') throw error
    throw new HardkeyError('ERR_CONFIG_INVALID', `there is a file "${path}" already`, {
      hint: 'it is never overwritten; take another name for --out',
    })
  }
}

async function read(path: string): Promise<Uint8Array> {
  return await readOwnFile(path, { maxBytes: longestWrapFile, code: 'ERR_KEY_FILE_INVALID' })
}
