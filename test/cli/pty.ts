// The command in a pseudo-terminal, with a person who types. In: words and steps.
// Out: what the terminal showed.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { peer } from '../peers/peer.ts'
import { type CommandHome, commandFile, ended } from './hardkey.ts'

export type PtyStep =
  | { readonly expect: string }
  | { readonly send: string }
  | { readonly signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP' }
  /** Notes under this name, from here to `unwatch`, whether the terminal ever echoed. */
  | { readonly watch: string }
  | { readonly unwatch: true }
  /** Rows and columns. */
  | { readonly resize: readonly [number, number] }
  /** Closes the window of the terminal. */
  | { readonly hangup: true }
  /** Notes under this name whether the terminal echoes; waits up to five seconds for it to be other than `unless`. */
  | { readonly sample: string; readonly unless: boolean }

export interface PtyRan {
  /** Exit status, or minus the number of the signal that killed it. */
  readonly status: number
  readonly terminal: string
  /** Only where `pipes` was asked for. */
  readonly stdout: string
  readonly stderr: string
  readonly echo: Readonly<Record<string, boolean>>
}

export interface PtyOptions {
  /** Standard streams are pipes, as under an AWS tool. */
  readonly pipes?: boolean
  readonly environment?: Readonly<Record<string, string>>
}

/** Runs `hardkey` with these words. */
export async function inTerminal(
  home: CommandHome,
  words: readonly string[],
  steps: readonly PtyStep[],
  options: PtyOptions = {},
): Promise<PtyRan> {
  return await programInTerminal(home, [process.execPath, commandFile, ...words], steps, options)
}

/** Runs any program, such as a shell in which `hardkey` is typed. */
export async function programInTerminal(
  home: CommandHome,
  argv: readonly string[],
  steps: readonly PtyStep[],
  options: PtyOptions = {},
): Promise<PtyRan> {
  const { command } = await peer('python')
  const child = spawn(command, [join(import.meta.dirname, 'play_terminal.py')], { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(
    JSON.stringify({
      argv,
      environment: home.environment(options.environment),
      folder: home.folder,
      pipes: options.pipes === true,
      steps,
    }),
  )
  const { status, stdout, stderr } = await ended(child)
  if (status !== 0) throw new Error(`the pseudo-terminal failed: ${stderr}`)
  // play_terminal.py writes this very shape.
  return JSON.parse(stdout) as PtyRan
}
