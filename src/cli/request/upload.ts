// The body of a request. In: --body as TEXT, @FILE or @- (standard input). Out: its bytes, or a stream that can be opened.
// 1. A file is never held in memory: it is read once for its hash and once to be sent.
// 2. Standard input from a pipe can be read only once. What is short is held; a longer one is sent as it comes, where the
//    caller says how it is signed: its hash, or not at all.

import { createReadStream, fstatSync, type Stats, statSync } from 'node:fs'
import { HardkeyError } from '../../errors.ts'
import { fileFailure } from '../../files/file-failure.ts'
import { hashPayload } from '../../sigv4/payload.ts'
import type { CommandContext } from '../command.ts'

export type Upload =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array | undefined }
  /** May be opened several times. */
  | { readonly kind: 'file'; readonly length: number; readonly open: () => AsyncIterable<Uint8Array> }
  /** May be read once, and nobody knows its length. */
  | { readonly kind: 'pipe'; readonly stream: AsyncIterable<Uint8Array> }

/** Read fastest so: fewer, larger pieces. */
const pieceBytes = 1_048_576

/** What of a pipe is held in memory. */
const heldBytes = 16_777_216

/** @throws ERR_USAGE where the file cannot be read, or a pipe is too long to be held and nothing says how to sign it */
export async function upload({ args }: CommandContext): Promise<Upload> {
  const value = args.value('body')
  if (value === undefined) return { kind: 'bytes', bytes: undefined }
  if (value === '@-')
    return await standardInput(args.has('unsigned-payload') || args.value('payload-hash') !== undefined)
  if (!value.startsWith('@')) return { kind: 'bytes', bytes: Buffer.from(value) }
  const path = value.slice(1)
  const length = regularLength(path)
  if (length === undefined) return { kind: 'pipe', stream: createReadStream(path, { highWaterMark: pieceBytes }) }
  return { kind: 'file', length, open: () => createReadStream(path, { highWaterMark: pieceBytes }) }
}

/** The hash of a file, lower-case hex. */
export async function uploadHash({ open }: Extract<Upload, { kind: 'file' }>): Promise<string> {
  return await hashPayload(open())
}

/** Its length; undefined for what is no regular file, such as a named pipe. */
function regularLength(path: string): number | undefined {
  let found: Stats
  try {
    found = statSync(path)
    if (found.isDirectory()) throw new HardkeyError('ERR_USAGE', '--body names a folder')
  } catch (error) {
    if (error instanceof HardkeyError) throw error
    const { code, message, hint } = fileFailure('read', path, 'ERR_USAGE', error)
    throw new HardkeyError(code, `--body: ${message}`, { hint, cause: error })
  }
  return found.isFile() ? found.size : undefined
}

async function standardInput(mayStream: boolean): Promise<Upload> {
  const found = fstatSync(0)
  const open = (): AsyncIterable<Uint8Array> =>
    createReadStream('', { fd: 0, start: 0, autoClose: false, highWaterMark: pieceBytes })
  if (found.isFile()) return { kind: 'file', length: found.size, open }
  const stream = createReadStream('', { fd: 0, autoClose: false, highWaterMark: pieceBytes })
  if (mayStream) return { kind: 'pipe', stream }
  const held: Uint8Array[] = []
  let length = 0
  for await (const piece of stream) {
    held.push(piece)
    length += piece.length
    if (length <= heldBytes) continue
    throw new HardkeyError(
      'ERR_USAGE',
      `standard input has more than ${heldBytes / 1_048_576} MiB, and its hash is not known`,
      {
        hint: 'give a file (--body @FILE, or < FILE), --payload-hash with its SHA-256, or --unsigned-payload',
      },
    )
  }
  return { kind: 'bytes', bytes: Buffer.concat(held) }
}
