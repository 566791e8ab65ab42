// Standard error: everything that is not the result. In: failures and notes. Out: lines that begin with `hardkey:`.
// 1. `error` says what happened, `hint` the remedy: at most one of each. A failure that nobody foresaw shows no text of
//    its own, which might hold a secret: only ERR_INTERNAL and the name of its class.
// 2. Foreign text (token labels, service messages) cannot move the cursor: control characters are escaped (B-109).

import { HardkeyError, onOneLine } from '../errors.ts'
import { systemCode } from '../files/file-failure.ts'
import { isTerminal, OutputClosed, writeAll } from './output.ts'

export interface Report {
  /** Tells a failure: error line, hint line, with `--verbose` also code, status word, HTTP status and request id. */
  failure(error: unknown): void
  /** Something that the user should change, though the command goes on. */
  warning(text: string): void
  /** Something worth knowing, always shown: what was chosen without being asked. */
  note(text: string): void
  /** A step, shown with `--verbose`. */
  step(text: string): void
  /** A step that is done, shown to a person at the terminal and with `--verbose`. */
  done(text: string): void
  /** The command to type next, after a change. */
  next(command: string): void
  /** Waits for `work`; after a second a person at the terminal reads what for. */
  waiting<T>(what: string, work: Promise<T>): Promise<T>
  /** Counts bytes that pass; after a second a person at the terminal sees how many, and of how many. */
  counting(what: string, total: number | undefined): Counter
}

export interface Counter {
  add(bytes: number): void
  /** Must be called, whatever happened. */
  end(): void
}

/**
 * Reports to a descriptor; `verbose` also tells steps and codes. While `isAsking`, nobody is told of a wait: it is the
 * person that the command waits for.
 */
export function descriptorReport(descriptor: number, verbose: boolean, isAsking: () => boolean): Report {
  const line = (kind: string, text: string): void => writeQuietly(descriptor, `hardkey: ${kind}: ${onOneLine(text)}\n`)
  return {
    failure: (error) => {
      for (const [kind, text] of failureLines(error, verbose)) line(kind, text)
    },
    warning: (text) => line('warning', text),
    note: (text) => line('note', text),
    step: (text) => {
      if (verbose) line('step', text)
    },
    done: (text) => {
      if (verbose || isTerminal(descriptor)) line('done', text)
    },
    next: (command) => line('next', command),
    waiting: async (what, work) => {
      const timer = setInterval(() => {
        if (isAsking()) return
        clearInterval(timer)
        if (isTerminal(descriptor)) line('waiting', `for ${what}`)
      }, 1000)
      try {
        return await work
      } finally {
        clearInterval(timer)
      }
    },
    counting: (what, total) => counter(descriptor, what, total),
  }
}

/** One line that is written over again and again, at a terminal alone. */
function counter(descriptor: number, what: string, total: number | undefined): Counter {
  let passed = 0
  let shown = false
  const show = (): void => {
    const of = total === undefined ? '' : ` of ${mebibytes(total)}`
    writeQuietly(descriptor, `\rhardkey: ${what}: ${mebibytes(passed)}${of} MiB`)
    shown = true
  }
  const timer = isTerminal(descriptor) ? setInterval(show, 1000) : undefined
  return {
    add: (bytes) => {
      passed += bytes
    },
    end: () => {
      clearInterval(timer)
      if (!shown) return
      show()
      writeQuietly(descriptor, '\n')
    },
  }
}

function mebibytes(bytes: number): string {
  return (bytes / 1_048_576).toFixed(1)
}

type Line = readonly [kind: string, text: string]

/** The lines of a failure: for every thrown value, a HardkeyError or not. */
export function failureLines(error: unknown, verbose: boolean): readonly Line[] {
  if (!(error instanceof HardkeyError)) {
    const name = error instanceof Error ? error.name : typeof error
    const code = systemCode(error)
    return [
      ['error', `a fault in hardkey itself (${onOneLine(code === undefined ? name : `${name} ${code}`)})`],
      ['hint', 'please report it with the command and the output of hardkey --version --json'],
    ]
  }
  const lines: Line[] = [['error', error.message]]
  if (error.hint !== undefined) lines.push(['hint', error.hint])
  if (verbose) {
    lines.push(['code', error.code])
    if (error.serviceCode !== undefined) lines.push(['service code', error.serviceCode])
    if (error.status !== undefined) lines.push(['http status', String(error.status)])
    if (error.requestId !== undefined) lines.push(['request id', error.requestId])
  }
  return lines
}

/** Nobody reads standard error any more: there is no place left to say so. */
function writeQuietly(descriptor: number, text: string): void {
  try {
    writeAll(descriptor, Buffer.from(text))
  } catch (error) {
    if (!(error instanceof OutputClosed || error instanceof HardkeyError)) throw error
  }
}
