// Writes to a descriptor that may not block: a pipe that is full, a terminal. In: bytes. Out: all of them written, or the
// system's error.

import { writeSync } from 'node:fs'
import { systemCode } from './file-failure.ts'

/** Writes every byte, waiting for the reader where the descriptor does not block. @throws the system's error */
export function writeWhole(descriptor: number, bytes: Uint8Array): void {
  let offset = 0
  while (offset < bytes.length) {
    try {
      offset += writeSync(descriptor, bytes, offset)
    } catch (error) {
      if (systemCode(error) !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}
