// Whether a name is free, before anything is made under it: nothing is written over. In: a path, and what to say where something
// is there. Out: nothing.

import { lstat } from 'node:fs/promises'
import type { ErrorCode, HardkeyError } from '../errors.ts'
import { fileFailure, systemCode } from './file-failure.ts'

/** @throws `refusal` where something has this name, a link too; `code` where nobody can tell. It may still appear later. */
export async function refuseExisting(path: string, code: ErrorCode, refusal: HardkeyError): Promise<void> {
  try {
    await lstat(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return
    throw fileFailure('read', path, code, error)
  }
  throw refusal
}
