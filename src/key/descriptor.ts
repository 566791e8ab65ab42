// Reads what an inherited descriptor gives until it ends. In: the number, a bound. Out: bytes in a buffer of their own.
// 1. The descriptor stays open and belongs to whoever opened it: a number that is closed may be given to another file.
// 2. Pipes and sockets are read by events: a read that waits in Node's thread pool would keep process.exit() waiting.
// 3. node:net and node:tty are loaded where they are used: most keys are opened without.

import { fstat, read, type Stats } from 'node:fs'
import { promisify } from 'node:util'
import { HardkeyError } from '../errors.ts'
import { ownCopy } from './secret.ts'

/**
 * At most `maxBytes` bytes; of a longer input the beginning. The caller wipes them.
 *
 * @throws ERR_URI_INVALID where the descriptor is not open, cannot be read, or is a terminal; the signal's reason
 */
export async function readDescriptor(
  descriptor: number,
  maxBytes: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  signal?.throwIfAborted()
  const bytes = new Uint8Array(new ArrayBuffer(maxBytes))
  try {
    const stats = await promisify(fstat)(descriptor)
    const length = await (waits(stats) ? fill(descriptor, bytes, signal) : fillAtOnce(descriptor, bytes))
    return ownCopy(bytes.subarray(0, length))
  } catch (error) {
    if (signal?.aborted || error instanceof HardkeyError) throw error
    throw new HardkeyError('ERR_URI_INVALID', `descriptor ${descriptor}, which pin-source names, cannot be read`, {
      hint: `open it for hardkey, as in: hardkey … ${descriptor}</run/pin`,
      cause: error,
    })
  } finally {
    bytes.fill(0)
  }
}

function waits(stats: Stats): boolean {
  return stats.isFIFO() || stats.isSocket()
}

async function fillAtOnce(descriptor: number, bytes: Uint8Array): Promise<number> {
  if (process.getBuiltinModule('node:tty').isatty(descriptor)) {
    throw new HardkeyError('ERR_URI_INVALID', `descriptor ${descriptor} is a terminal, which shows what is typed`, {
      hint: 'use pin-source=prompt:',
    })
  }
  let length = 0
  while (length < bytes.length) {
    const { bytesRead } = await promisify(read)(descriptor, bytes, length, bytes.length - length, null)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return length
}

function fill(descriptor: number, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    const { Socket } = process.getBuiltinModule('node:net')
    const socket = new Socket({ fd: descriptor, readable: true, writable: false, allowHalfOpen: true })
    let length = 0
    const stop = (): void => {
      socket.removeAllListeners('data').pause().unref()
      signal?.removeEventListener('abort', abort)
    }
    const abort = (): void => {
      stop()
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', abort, { once: true })
    socket.on('data', (chunk: Buffer) => {
      const taken = chunk.subarray(0, bytes.length - length)
      bytes.set(taken, length)
      chunk.fill(0)
      length += taken.length
      if (length < bytes.length) return
      stop()
      resolve(length)
    })
    socket.on('end', () => {
      stop()
      resolve(length)
    })
    socket.on('error', (error) => {
      stop()
      reject(error)
    })
  })
}
