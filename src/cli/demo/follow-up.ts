// Runs a program after the demo's own acts, while the stage still stands. In: a script for Node. Out: its lines.
// It is told of the demo on standard input and by AWS_ variables; commands/demo.ts has the protocol.

import { spawn } from 'node:child_process'
import { HardkeyError } from '../../errors.ts'

export interface FollowUp {
  /** A script for the Node that runs us. */
  readonly script: string
  readonly environment: Readonly<Record<string, string>>
  /** Written to its standard input as JSON. */
  readonly told: unknown
  readonly signal: AbortSignal
  /** Takes each line of its standard output. */
  readonly onLine: (line: string) => void
}

/** Waits until the program ends. @throws ERR_INTERNAL where it does not end with status 0 */
export async function runFollowUp({ script, environment, told, signal, onLine }: FollowUp): Promise<void> {
  const child = spawn(process.execPath, [script], { env: environment, stdio: ['pipe', 'pipe', 'inherit'], signal })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  // A program that does not read what it is told closes the pipe early.
  child.stdin.on('error', () => {})
  child.stdin.end(JSON.stringify(told))
  const status = await new Promise<number | string>((resolve, reject) => {
    child.once('error', (error) => reject(signal.aborted ? signal.reason : error))
    child.once('close', (code, ended) => resolve(code ?? ended ?? 1))
  })
  for (const line of printed.split('\n')) if (line !== '') onLine(line)
  if (status !== 0) throw new HardkeyError('ERR_INTERNAL', `the program of --then ended with ${status}`)
}
