// Standard output: the result of a command and nothing else. In: text or bytes. Out: all of it written, or an error.
// 1. Written with fs.writeSync: process.stdout costs milliseconds at the start and may lose its tail at the end.
// 2. A reader that went away ends the command in silence, with the status of a process ended by SIGPIPE.

import { closeSync, fstatSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { HardkeyError } from '../errors.ts'
import { systemCode } from '../files/file-failure.ts'
import { writeWhole } from '../files/write-whole.ts'

/** Thrown when whoever reads our standard output has closed it. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed'
}

export interface Output {
  /** Writes all of it. @throws OutputClosed */
  write(data: string | Uint8Array): void
  /** Writes the text and a newline. */
  line(text: string): void
  /** Writes a value as indented JSON and a newline. */
  json(value: unknown): void
  /** True where a person would read it on a terminal. */
  isTerminal(): boolean
  /** Nothing follows: whoever reads to the end goes on, while the command runs. */
  end(): void
}

/** More than this may not fit a pipe at once, so the write may have to wait for the reader. */
const pipeSize = 32 * 1024

/**
 * Writes to a descriptor. `beforeWaiting` is called once before the first write that may wait for its reader: the
 * command has ended its work by then and lets signals end the process as they do by default.
 */
export function descriptorOutput(descriptor: number, beforeWaiting: () => void): Output {
  let mayWait = false
  let written = 0
  const write = (data: string | Uint8Array): void => {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    written += bytes.length
    if (!mayWait && written > pipeSize) {
      mayWait = true
      beforeWaiting()
    }
    writeAll(descriptor, bytes)
  }
  return {
    write,
    line: (text) => write(`${text}\n`),
    json: (value) => write(`${JSON.stringify(value, undefined, 2)}\n`),
    isTerminal: () => isTerminal(descriptor),
    end: () => {
      closeSync(descriptor)
      // The lowest number that is free, so the same: no other file shall come to be standard output.
      openSync(devNull, 'w')
    },
  }
}

/** Writes every byte, waiting where the descriptor does not block. @throws OutputClosed; ERR_INTERNAL for a full disk */
export function writeAll(descriptor: number, bytes: Uint8Array): void {
  try {
    writeWhole(descriptor, bytes)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EPIPE' || code === 'EIO') throw new OutputClosed('standard output was closed', { cause: error })
    throw new HardkeyError('ERR_INTERNAL', `standard output cannot be written (${code ?? 'unknown'})`, {
      hint: 'nothing was lost but the output: run the command again with another place for it',
      cause: error,
    })
  }
}

/** True for a terminal. A character device that is none (/dev/null) is told from one without loading node:tty early. */
export function isTerminal(descriptor: number): boolean {
  try {
    if (!fstatSync(descriptor).isCharacterDevice()) return false
  } catch (error) {
    if (systemCode(error) === 'EBADF') return false
    throw error
  }
  return process.getBuiltinModule('node:tty').isatty(descriptor)
}
