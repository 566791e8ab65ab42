// Reads a file that only root and the user can change. In: a path and a bound. Out: its bytes in a buffer of their own, so
// that wiping it wipes the only copy. F-D02, B-027, B-040: what is judged is the opened file, never the
// name; a link, a folder, a FIFO or a device never makes it hang.

import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type ErrorCode, HardkeyError } from '../errors.ts'
import { fileFailure, pipeHint } from './file-failure.ts'
import {
  changeableByOthers,
  folderChangeableByOthers,
  mendingCommand,
  readableByOthers,
  thisUser,
} from './ownership.ts'

/** How `readOwnFile` judges a file. */
export interface ReadOwnFileOptions {
  /** The most bytes that are taken; a longer file is refused unread. */
  readonly maxBytes: number
  /** The file holds a secret: one that its group or others can read is refused. False by default. */
  readonly secret?: boolean | undefined
  /** False refuses a path whose last part is a symbolic link. True by default: mounted secrets and dotfiles are links. */
  readonly followLinks?: boolean | undefined
  /** The code of every failure; it says what the file is. ERR_CONFIG_INVALID by default. */
  readonly code?: ErrorCode | undefined
}

/**
 * The whole file in a buffer outside Node's pool, which the caller wipes where it holds a secret.
 * @throws HardkeyError with `options.code` where the file is missing (`isMissingFile` tells), cannot be opened, is no
 * regular file, is longer than `maxBytes`, or where others could change it, a folder above it, or read a secret. The error
 * names path and mode, never a byte of the content.
 */
export async function readOwnFile(path: string, options: ReadOwnFileOptions): Promise<Uint8Array> {
  const code = options.code ?? 'ERR_CONFIG_INVALID'
  try {
    const file = await openWithoutWaiting(path, options.followLinks ?? true)
    try {
      await judge(path, file, options, code)
      return await readAll(path, file, options, code)
    } finally {
      await file.close()
    }
  } catch (error) {
    throw error instanceof HardkeyError ? error : fileFailure('read', path, code, error)
  }
}

/** O_NONBLOCK: opening a FIFO without a writer returns at once; a regular file is not affected. */
function openWithoutWaiting(path: string, followLinks: boolean): Promise<FileHandle> {
  // Windows has neither flag and Node leaves them undefined there, which `|` takes for 0.
  const links = followLinks ? 0 : constants.O_NOFOLLOW
  return open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | links)
}

async function judge(path: string, file: FileHandle, options: ReadOwnFileOptions, code: ErrorCode): Promise<void> {
  const stats = await file.stat()
  if (!stats.isFile()) throw new HardkeyError(code, `"${path}" is not a regular file`, { hint: pipeHint(path) })
  const user = thisUser()
  const changeable = changeableByOthers(stats, user)
  if (changeable !== undefined) {
    const hint = `it must belong to you or root, and nobody else may write it; look at what it holds, then: ${mendingCommand(path, stats, user)}`
    throw new HardkeyError(code, `"${path}" ${changeable}`, { hint })
  }
  const readable = options.secret === true ? readableByOthers(stats, user) : undefined
  if (readable !== undefined) {
    throw new HardkeyError(code, `"${path}" must hold a secret and ${readable}`, {
      hint: `if it is the right file: chmod 600 "${path}"`,
    })
  }
  const folder = await folderChangeableByOthers(path)
  if (folder !== undefined) {
    const hint = 'who can write a folder can replace what is in it; it must belong to you or root alone'
    throw new HardkeyError(code, `"${path}" is not safe: the folder ${folder}`, { hint })
  }
}

async function readAll(
  path: string,
  file: FileHandle,
  { maxBytes }: ReadOwnFileOptions,
  code: ErrorCode,
): Promise<Uint8Array> {
  const { size } = await file.stat()
  if (size > maxBytes) throw new HardkeyError(code, `"${path}" has ${size} bytes; at most ${maxBytes} are read`)
  // One byte more than the size shows that the file grew meanwhile.
  const bytes = new Uint8Array(new ArrayBuffer(size + 1))
  let length = 0
  while (length <= size) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  if (length === size) return bytes.subarray(0, size)
  bytes.fill(0)
  throw new HardkeyError(code, `"${path}" changed while it was read`, { tryAgain: true })
}
