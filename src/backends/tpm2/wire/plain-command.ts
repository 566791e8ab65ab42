// A command without a session: nothing in it is secret, and nothing in its answer is proved. In: a command code, handles,
// parameters. Out: a Reader of what the answer holds.
// TPM 2.0 Library, Part 1, "Command and Response Structure"; Part 3, the command's own table.

import { HardkeyError } from '../../../errors.ts'
import { commandName } from '../status.ts'
import { headerSize } from './answer-frame.ts'
import { Reader, readWhole, WireFault, type Writer, written } from './codec.ts'
import { TPM_ST } from './constants.ts'
import type { SendOptions, Tpm } from './tpm.ts'

/** What a command is about. TPM 2.0 Library, Part 1, "Names": of an object nameAlg and digest, of a hierarchy its handle. */
export interface Entity {
  readonly handle: number
  readonly name: Uint8Array
}

export interface PlainCommand {
  readonly code: number
  readonly handles?: readonly number[]
  readonly write?: (writer: Writer) => void
}

/** A hierarchy, a PCR or a session: its Name is its handle. */
export function unnamedEntity(handle: number): Entity {
  return { handle, name: written((writer) => writer.u32(handle)) }
}

/** Sends the command; `read` takes the whole content of its answer. @throws ERR_DEVICE_FAILED where it does not fit, and as `Tpm.send` */
export async function plainCommand<T>(
  tpm: Tpm,
  { code, handles = [], write }: PlainCommand,
  read: (reader: Reader) => T,
  options: SendOptions = {},
): Promise<T> {
  const content = written((writer) => {
    for (const handle of handles) writer.u32(handle)
    write?.(writer)
  })
  const command = written((writer) => {
    writer
      .u16(TPM_ST.NO_SESSIONS)
      .u32(headerSize + content.length)
      .u32(code)
      .bytes(content)
  })
  const answer = await tpm.send(command, options)
  return readAnswer(tpm, code, () => {
    const reader = new Reader(answer)
    if (reader.u16() !== TPM_ST.NO_SESSIONS) throw new WireFault('the tag says that sessions follow', 0)
    return readWhole(answer.subarray(headerSize), read)
  })
}

/** What `read` makes of an answer; ERR_DEVICE_FAILED where it is not what the command gives. */
export function readAnswer<T>(tpm: Tpm, code: number, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof WireFault)) throw cause
    throw new HardkeyError(
      'ERR_DEVICE_FAILED',
      `the TPM at ${tpm.description} answered ${commandName(code)} with what cannot be read: at byte ${cause.offset}, ${cause.message}`,
      { cause },
    )
  }
}
