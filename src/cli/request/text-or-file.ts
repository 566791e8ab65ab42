// A value that is text or the content of a file. In: `TEXT` or `@FILE`.
// Out: the bytes.

import { readFile } from 'node:fs/promises'
import { HardkeyError } from '../../errors.ts'
import { fileFailure } from '../../files/file-failure.ts'
import type { ParsedArguments } from '../args.ts'

/** The bytes of `--NAME`, undefined where it was not given. @throws ERR_USAGE where the file cannot be read */
export async function textOrFile(args: ParsedArguments, name: string): Promise<Uint8Array | undefined> {
  const value = args.value(name)
  if (value === undefined) return undefined
  if (!value.startsWith('@')) return Buffer.from(value)
  try {
    return await readFile(value.slice(1))
  } catch (error) {
    const { code, message, hint } = fileFailure('read', value.slice(1), 'ERR_USAGE', error)
    throw new HardkeyError(code, `--${name}: ${message}`, { hint, cause: error })
  }
}
