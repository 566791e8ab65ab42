// Questions to the person at the terminal. In: a question. Out: the answer; secrets as bytes, never as a string.
// 1. Asked on the terminal device itself, so that standard input, output and error may be pipes: AWS tools start us so.
// 2. A hidden answer is read in raw mode: no echo, and ^C arrives as a byte. Bracketed paste is switched off before.
// 3. However the question ends, by an answer, ^C, a signal or a failure, the `finally` restores the terminal; libuv
//    restores it once more at the end of the process.
// 4. Without a terminal a question fails at once: nothing waits for an answer that cannot come (F-W05).

import { closeSync, openSync, writeSync } from 'node:fs'
import type { ReadStream } from 'node:tty'
import { type HardkeyError, onOneLine } from '../../errors.ts'
import { systemCode } from '../../files/file-failure.ts'
import { typedBytes } from './typed-bytes.ts'

export interface Question {
  /** Without colon or question mark: `PIN of token "prod"`. */
  readonly question: string
  /** Thrown where there is no terminal: names the option that answers without one. */
  readonly unavailable: HardkeyError
  /** Ends the question besides the signal of the command: a deadline. */
  readonly signal?: AbortSignal | undefined
}

export interface Terminal {
  /** True where a question can be asked. */
  isThere(): boolean
  /** True while a question waits for its answer. */
  isAsking(): boolean
  /** Asks without echo. The bytes are the caller's to wipe. */
  secret(question: Question): Promise<Uint8Array>
  /** Asks with echo; white space around the answer is dropped. */
  text(question: Question): Promise<string>
  /** Asks for yes or no; only y and yes are yes. */
  confirm(question: Question): Promise<boolean>
  /** Shows lines, for a choice that follows. */
  show(lines: readonly string[]): void
}

/**
 * The terminal device of this process. `onInterrupt` aborts `signal`: it is called for ^C in a hidden question, and where
 * the terminal goes away, which may be seen before its SIGHUP arrives.
 */
export function deviceTerminal(signal: AbortSignal, onInterrupt: (signal: 'SIGINT' | 'SIGHUP') => void): Terminal {
  let asking = false
  const ask = async (asked: Question, hidden: boolean): Promise<Uint8Array> => {
    const signals = asked.signal === undefined ? [signal] : [signal, asked.signal]
    asking = true
    try {
      return await askOnDevice({ ...asked, hidden, signal: AbortSignal.any(signals), onInterrupt })
    } finally {
      asking = false
    }
  }
  const text = async (asked: Question): Promise<string> =>
    Buffer.from(await ask(asked, false))
      .toString('utf8')
      .trim()
  return {
    isThere: () => {
      const descriptor = openDevice('w')
      if (descriptor !== undefined) closeSync(descriptor)
      return descriptor !== undefined
    },
    isAsking: () => asking,
    secret: (asked) => ask(asked, true),
    text,
    confirm: async (asked) => /^y(es)?$/i.test(await text({ ...asked, question: `${asked.question} [y/N]` })),
    show: (lines) => {
      const descriptor = openDevice('w')
      if (descriptor === undefined) return
      try {
        for (const line of lines) writeSync(descriptor, `${onOneLine(line)}\n`)
      } finally {
        closeSync(descriptor)
      }
    },
  }
}

/** POSIX: /dev/tty is the controlling terminal. Windows: CONIN$ and CONOUT$ are the console's two ends. */
function openDevice(mode: 'r' | 'w'): number | undefined {
  const console = mode === 'r' ? '\\\\.\\CONIN$' : '\\\\.\\CONOUT$'
  try {
    return openSync(process.platform === 'win32' ? console : '/dev/tty', mode === 'r' ? 'r+' : 'w')
  } catch (error) {
    // ENXIO: no controlling terminal. ENOENT, EACCES: none in this container. Each means the same here.
    if (systemCode(error) !== undefined) return undefined
    throw error
  }
}

interface AskedQuestion extends Question {
  readonly hidden: boolean
  readonly signal: AbortSignal
  readonly onInterrupt: (signal: 'SIGINT' | 'SIGHUP') => void
}

async function askOnDevice(asked: AskedQuestion): Promise<Uint8Array> {
  asked.signal.throwIfAborted()
  const screen = openDevice('w')
  const keyboard = screen === undefined ? undefined : openDevice('r')
  if (screen === undefined || keyboard === undefined) {
    if (screen !== undefined) closeSync(screen)
    throw asked.unavailable
  }
  const { ReadStream } = await import('node:tty')
  const input = new ReadStream(keyboard)
  try {
    // Before the question shows, since someone who types fast answers at once. Visible answers are edited and echoed by
    // the kernel's line discipline.
    input.setRawMode(asked.hidden)
    // ?2004l: no marks around pasted text (xterm control sequences, "Bracketed Paste Mode").
    writeSync(screen, `\u001b[?2004l${onOneLine(asked.question)}: `)
    return await answer(input, asked)
  } finally {
    // A terminal whose window was closed takes neither; there is nothing left to restore.
    input.on('error', () => {})
    input.setRawMode(false)
    input.destroy()
    if (asked.hidden) endLine(screen)
    closeSync(screen)
  }
}

function endLine(screen: number): void {
  try {
    writeSync(screen, '\n')
  } catch (error) {
    if (systemCode(error) !== 'EIO') throw error
  }
}

/** Reads up to Enter. Each chunk that Node gives is wiped once its bytes are taken. */
function answer(input: ReadStream, { hidden, signal, onInterrupt }: AskedQuestion): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const typed = typedBytes(hidden)
    const end = (finish: () => void): void => {
      input.removeListener('data', take)
      signal.removeEventListener('abort', abort)
      finish()
      typed.wipe()
    }
    const abort = (): void => end(() => reject(signal.reason))
    const take = (chunk: Buffer): void => {
      try {
        const outcome = typed.take(chunk)
        if (outcome === 'answered') end(() => resolve(typed.answer()))
        // It aborts the signal, which rejects.
        if (outcome === 'interrupted') onInterrupt('SIGINT')
      } catch (error) {
        end(() => reject(error))
      } finally {
        chunk.fill(0)
      }
    }
    input.on('data', take)
    input.once('error', () => onInterrupt('SIGHUP'))
    input.once('end', () => onInterrupt('SIGHUP'))
    signal.addEventListener('abort', abort, { once: true })
  })
}
