// Another program in our place. In: its words and environment. Out: its exit status, as a shell gives it: 128+n for one
// that a signal ended, 127 for one that is not there, 126 for one that cannot be run (POSIX, Shell Command Language, 2.8.2).
// 1. It has our terminal and our streams, and stays in our process group: so ^C, ^Z and job control work as without us.
// 2. What a terminal sends reaches the whole group; everything else reaches us alone, and is passed on.
// 3. Node marks the low descriptors that it was started with as not to be inherited; who has a secret in a higher one closes it.

import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { HardkeyError } from '../../errors.ts'
import { systemCode } from '../../files/file-failure.ts'
import { passSignals, statFields } from '../interrupt.ts'
import type { Report } from '../report.ts'

export interface Program {
  /** The program and its arguments. */
  readonly words: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** Runs the program to its end. From the start on signals are its own, and end this process no more. */
export async function runProgram(
  { words: [file = '', ...args], environment }: Program,
  report: Report,
): Promise<number> {
  let child: ChildProcess | undefined
  // Listened to before it starts: a signal may follow its first output.
  passSignals((signal) => {
    if (!reachesGroup(signal)) child?.kill(signal)
  })
  try {
    child = spawn(file, args, { stdio: 'inherit', env: environment })
    return await statusOf(child, report)
  } catch (error) {
    const isMissing = systemCode(error) === 'ENOENT'
    report.failure(cannotRun(file, isMissing, error))
    return isMissing ? 127 : 126
  }
}

/** @throws the system's error where it did not start; spawn itself throws some of them */
function statusOf(child: ChildProcess, report: Report): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      if (child.pid === undefined) reject(error)
      // It runs as another user by now.
      else report.warning(`a signal cannot be passed on (${systemCode(error) ?? error.name})`)
    })
    child.once('exit', (status, signal) => resolve(signal === null ? (status ?? 1) : 128 + constants.signals[signal]))
  })
}

function cannotRun(file: string, isMissing: boolean, cause: unknown): HardkeyError {
  const why = isMissing ? 'there is no such program' : `it cannot be run (${systemCode(cause) ?? 'unknown'})`
  return new HardkeyError('ERR_USAGE', `"${file}": ${why}`, {
    hint:
      systemCode(cause) === 'EACCES'
        ? 'it is no program, or lacks the permission: chmod +x'
        : 'what stands behind -- is run without a shell: for pipes and variables write sh -c "…"',
    cause,
  })
}

/** What the keyboard and the window send; kill(1) may send them too. */
const ofTerminals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGWINCH']

/** True where the terminal sends this signal to our group, and so to the program without us. */
function reachesGroup(signal: NodeJS.Signals): boolean {
  return ofTerminals.includes(signal) && isForeground()
}

function isForeground(): boolean {
  const fields = statFields()
  // pgrp and tpgid. Without /proc a terminal on standard input must do.
  return fields === undefined ? process.getBuiltinModule('node:tty').isatty(0) : fields[2] === fields[5]
}
