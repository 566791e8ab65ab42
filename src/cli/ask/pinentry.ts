// Asks a person by a pinentry, GnuPG's program for it. In: a question. Out: what was typed, as bytes, never a string.
// pinentry.info, "Protocol": one command, one answer, in turn; this file is the client.
// 1. One process for one question. It shares our terminal, so that a pinentry without a window can ask there.
// 2. When the question ends without an answer it gets SIGINT, as from gpg-agent, and restores the terminal.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { HardkeyError, onOneLine } from '../../errors.ts'
import { ownCopy, Secret } from '../../key/secret.ts'
import { type AssuanAnswer, assuanReader, assuanText } from './assuan.ts'

/** pinentry.info: each one takes 2048 characters, of up to 4 bytes in UTF-8, but no PIN or passphrase has as many. */
const longest = 4096
/** Until it is killed, when it is told to end. */
const endMilliseconds = 1000
/** libgpg-error, err-codes.h: GPG_ERR_TIMEOUT, GPG_ERR_CANCELED, GPG_ERR_FULLY_CANCELED. */
const unanswered: ReadonlySet<number> = new Set([62, 99, 198])

export interface PinentryQuestion {
  /** The program: a path, or a name that is looked for on PATH. */
  readonly program: string
  /** `PIN of token "prod"`. */
  readonly question: string
  /** The word before the field: `PIN`. */
  readonly prompt: string
  /** Where a pinentry without a window asks: a terminal device. */
  readonly ttyName: string | undefined
  readonly environment: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/**
 * The bytes that were typed; the caller wipes them.
 *
 * @throws ERR_PIN_REQUIRED where the person gives no answer, and where the program cannot run, ends early or does not
 * speak the protocol; the reason of `signal`
 */
export async function askByPinentry(asked: PinentryQuestion): Promise<Uint8Array> {
  asked.signal.throwIfAborted()
  const child = spawn(asked.program, [], { env: { ...asked.environment }, stdio: ['pipe', 'pipe', 'ignore'] })
  let cause: unknown
  child.once('error', (error) => {
    cause = error
  })
  // It is gone: its missing answer tells.
  child.stdin.on('error', () => {})
  const ended = once(child, 'exit').catch(() => {})
  const abort = (): void => void child.stdout.destroy()
  asked.signal.addEventListener('abort', abort, { once: true })
  let failure: unknown
  try {
    return await converse(child, asked)
  } catch (error) {
    failure = error
    child.kill('SIGINT')
  } finally {
    asked.signal.removeEventListener('abort', abort)
    child.stdin.end()
    child.stdout.destroy()
    const timer = setTimeout(() => child.kill('SIGKILL'), endMilliseconds)
    await ended
    clearTimeout(timer)
  }
  // ^C at the terminal reaches both of us, and the pinentry may be quicker to end.
  asked.signal.throwIfAborted()
  throw failure instanceof HardkeyError ? failure : failed(asked, cause ?? failure)
}

async function converse(child: ChildProcessByStdio<Writable, Readable, null>, asked: PinentryQuestion) {
  const answers = answersOf(child.stdout)
  const say = async (command: string): Promise<Extract<AssuanAnswer, { kind: 'error' }> | undefined> => {
    child.stdin.write(`${command}\n`)
    const { end, data } = await answerTo(answers)
    data.wipe()
    return end.kind === 'error' ? end : undefined
  }
  // Its greeting.
  const greeting = await answerTo(answers)
  if (greeting.end.kind === 'error') throw refused(asked, greeting.end)
  const { TERM, LC_ALL, LC_CTYPE, LANG } = asked.environment
  const options = { ttyname: asked.ttyName, ttytype: TERM, 'lc-ctype': LC_ALL ?? LC_CTYPE ?? LANG }
  for (const [name, value] of Object.entries(options)) {
    // A pinentry with windows alone may refuse them.
    if (value !== undefined) await say(`OPTION ${name}=${assuanText(value)}`)
  }
  await say('SETTITLE hardkey')
  // Without it nobody would know what is asked for.
  const problem = (await say(`SETDESC ${assuanText(asked.question)}`)) ?? (await say(`SETPROMPT ${asked.prompt}:`))
  if (problem !== undefined) throw refused(asked, problem)
  child.stdin.write('GETPIN\n')
  const { end, data } = await answerTo(answers)
  try {
    if (end.kind === 'error') throw refused(asked, end)
    child.stdin.write('BYE\n')
    return data.lend(ownCopy)
  } finally {
    data.wipe()
  }
}

/** What comes until OK or ERR; the data belong to the caller. @throws ERR_PIN_REQUIRED for too much of it */
async function answerTo(
  answers: AsyncGenerator<AssuanAnswer>,
): Promise<{ readonly end: Exclude<AssuanAnswer, { kind: 'data' }>; readonly data: Secret }> {
  let data = Secret.join()
  for (;;) {
    const { value, done } = await answers.next()
    if (done === true) throw new Error('it ended')
    if (value.kind !== 'data') return { end: value, data }
    const more = Secret.join(data, value.bytes)
    data.wipe()
    value.bytes.fill(0)
    data = more
    if (data.length <= longest) continue
    data.wipe()
    throw new HardkeyError('ERR_PIN_REQUIRED', `the pinentry gave more than ${longest} bytes`)
  }
}

async function* answersOf(output: Readable): AsyncGenerator<AssuanAnswer> {
  const reader = assuanReader()
  try {
    for await (const chunk of output) yield* reader.take(chunk)
  } finally {
    reader.wipe()
  }
}

function refused(
  { question, program }: PinentryQuestion,
  { code, text }: { code: number; text: string },
): HardkeyError {
  if (unanswered.has(code & 0xffff)) {
    return new HardkeyError('ERR_PIN_REQUIRED', `no answer was given to the question for the ${question}`)
  }
  const said = onOneLine(text).slice(0, 200)
  return new HardkeyError('ERR_PIN_REQUIRED', `the pinentry "${program}" could not ask: ${said} (${code & 0xffff})`, {
    hint: 'one without a window needs GPG_TTY: export GPG_TTY=$(tty)',
  })
}

function failed({ program }: PinentryQuestion, cause: unknown): HardkeyError {
  return new HardkeyError('ERR_PIN_REQUIRED', `the pinentry "${program}" cannot run, or ended before it asked`, {
    hint: 'install pinentry, or name it in HARDKEY_PINENTRY; or give --pin-source file:PATH; hardkey help pin',
    cause,
  })
}
