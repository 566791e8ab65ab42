// What a program of the user's prints: a token helper, an askpass program, one that shows an MFA code, the tool of a keyring.
// In: its words and an environment. Out: one line as bytes, never a string.
// It is started without a shell, gets no input, and its own words go to our standard error.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { HardkeyError } from '../../errors.ts'
import { Secret } from '../../key/secret.ts'

/** Nothing that unlocks a device is longer; tokens of services are the longest. */
const longest = 16_384

export interface ProgramRun {
  /** For errors: `token helper "/usr/bin/helper"`. */
  readonly title: string
  /** A path, or a name that is looked for on PATH. */
  readonly program: string
  readonly words: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** What to do where it gives nothing. */
  readonly hint: string
  /** Of every failure; ERR_PIN_REQUIRED by default. */
  readonly code?: 'ERR_PIN_REQUIRED' | 'ERR_MFA_REQUIRED' | undefined
  /** None where a person may be asked by it. */
  readonly milliseconds?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * The one line that the program prints, without its end, as bytes that the caller wipes.
 *
 * @throws `code` where it cannot run, ends with another status than 0, or prints nothing, more than one line or
 * over 16 KiB; the reason of `signal`, and the program is ended then
 */
export async function printedLine(run: ProgramRun): Promise<Uint8Array> {
  run.signal?.throwIfAborted()
  const child = spawn(run.program, run.words, {
    env: { ...run.environment },
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(run.milliseconds === undefined ? {} : { timeout: run.milliseconds }),
  })
  const stop = (): void => {
    child.kill()
    // What the program has started may hold the pipe open for longer.
    child.stdout.destroy()
  }
  run.signal?.addEventListener('abort', stop, { once: true })
  const parts: Buffer[] = []
  try {
    const status = await ended(child, parts, stop, run)
    run.signal?.throwIfAborted()
    if (status !== 0) throw failed(run, `ended with status ${status ?? 'none'}`)
    return oneLine(parts, run)
  } finally {
    run.signal?.removeEventListener('abort', stop)
    for (const part of parts) part.fill(0)
  }
}

function ended(
  child: ChildProcessByStdio<null, Readable, null>,
  parts: Buffer[],
  stop: () => void,
  run: ProgramRun,
): Promise<number | null> {
  return new Promise((resolve, reject) => {
    let length = 0
    child.stdout.on('data', (part: Buffer) => {
      parts.push(part)
      length += part.length
      if (length <= longest) return
      stop()
      reject(failed(run, `prints more than ${longest} bytes`))
    })
    child.once('error', (cause) => reject(failed(run, 'cannot run', cause)))
    child.once('close', resolve)
  })
}

/** The line without its end. @throws `code` of the run */
export function oneLine(parts: readonly Buffer[], run: ProgramRun): Uint8Array {
  const printed = Secret.join(...parts)
  try {
    return printed.lend((bytes) => {
      const line = bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0x0a && byte !== 0x0d) + 1)
      if (line.length === 0) throw failed(run, 'gives nothing')
      if (line.includes(0x0a)) throw failed(run, 'prints more than one line')
      const own = new Uint8Array(new ArrayBuffer(line.length))
      own.set(line)
      return own
    })
  } finally {
    printed.wipe()
  }
}

function failed({ title, hint, code = 'ERR_PIN_REQUIRED' }: ProgramRun, what: string, cause?: unknown): HardkeyError {
  return new HardkeyError(code, `the ${title} ${what}`, { hint, cause })
}
