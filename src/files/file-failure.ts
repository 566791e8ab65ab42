// From what the system said to the one error class.
// In: the path, the act and the system's error. Out: a HardkeyError whose serviceCode is the system's own word (ENOENT,
// EACCES, ENOSPC), so that a caller tells a missing file from an unreadable one.

import { isAbsolute } from 'node:path'
import { type ErrorCode, HardkeyError } from '../errors.ts'

/** What the system says, in words; any other code stands for itself. */
const causes: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of its path is not a folder',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EEXIST: 'it exists already',
  ELOOP: 'it is a symbolic link',
  EISDIR: 'it is a folder',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the limit for the size of a file is reached',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
}

/** What to do about it, where that is the same for every file. */
const remedies: Readonly<Record<string, string>> = {
  ELOOP: 'put the file itself in its place',
  ENOSPC: 'make room on that disk',
  EDQUOT: 'make room on that disk',
  EROFS: 'let it be written, or take a path on another file system',
}

/** These pass by themselves. */
const passing: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EINTR', 'EBUSY'])

/** The system's word for what went wrong, as ENOENT; undefined for any other value. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** `cannot ACT "PATH": CAUSE` with the caller's code, the system's word as serviceCode and the system's error as cause. */
export function fileFailure(act: 'read' | 'write', path: string, code: ErrorCode, error: unknown): HardkeyError {
  const word = systemCode(error)
  const cause = word === undefined ? String(error) : (causes[word] ?? word)
  return new HardkeyError(code, `cannot ${act} "${path}": ${cause}`, {
    hint: remedies[word ?? ''] ?? (act === 'read' ? (word === 'ENOENT' ? missingHint : pipeHint)(path) : undefined),
    cause: error,
    serviceCode: word,
    tryAgain: word !== undefined && passing.has(word),
  })
}

/**
 * What `read` makes of the content of a file: who reads the text does not know its name, so a refusal with this code gets it.
 * `hint`: where the refusal has none.
 */
export function inFile<T>(path: string, code: ErrorCode, read: () => T, hint?: string): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof HardkeyError) || error.code !== code) throw error
    throw new HardkeyError(code, `"${path}": ${error.message}`, { hint: error.hint ?? hint })
  }
}

/** For what a shell writes in the place of a file. */
export function pipeHint(path: string): string | undefined {
  return /^\/(?:dev|proc)\//.test(path) ? 'it must be a file; a pipe is for what takes fd:N or stdin' : undefined
}

function missingHint(path: string): string {
  if (path.startsWith('~')) return 'a shell expands ~ only at the beginning of a word: write the path in full'
  return isAbsolute(path) ? 'check the path' : 'check the path: a relative one begins in the folder you are in'
}

/**
 * True where `readOwnFile` failed because there is no such file: the one failure that callers often take for an answer.
 */
export function isMissingFile(error: unknown): boolean {
  return error instanceof HardkeyError && error.serviceCode === 'ENOENT'
}
