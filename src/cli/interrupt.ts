// Signals that end the command. In: SIGINT, SIGTERM, SIGHUP. Out: an aborted AbortSignal, then status 128 plus the
// signal's number (F-W06). What runs gives back what it holds: keys, terminal, child processes.

import { closeSync, fstatSync, readFileSync, statSync } from 'node:fs'
import { constants, devNull } from 'node:os'
import { systemCode } from '../files/file-failure.ts'
import { isTerminal } from './output.ts'

/** How long the clean end may take before the process ends anyway. */
const cleanEndMilliseconds = 800

const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** The reason of an abort by a signal. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  readonly signal: NodeJS.Signals

  constructor(signal: NodeJS.Signals) {
    super(`ended by ${signal}`)
    this.signal = signal
  }

  /** 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP. */
  get status(): number {
    return 128 + constants.signals[this.signal]
  }
}

export interface Interrupts {
  readonly signal: AbortSignal
  /** Ends the command as the signal would: ^C in a hidden question arrives as a byte. */
  interrupt(signal: NodeJS.Signals): void
  /** Signals end the process at once again, as without this file. */
  release(): void
}

/** Listens until `release()`. The second signal, or one whose clean end takes too long, ends the process at once. */
export function listenForSignals(): Interrupts {
  const controller = new AbortController()
  const interrupt = (signal: NodeJS.Signals): void => {
    const reason = new Interrupted(signal)
    // ^C is seen as a byte and as a signal at most once each; a closed terminal often as both.
    if (controller.signal.aborted) {
      if (signal !== 'SIGHUP') endProcess(reason.status)
      return
    }
    setTimeout(() => endProcess(reason.status), cleanEndMilliseconds).unref()
    controller.abort(reason)
  }
  for (const signal of endingSignals) process.on(signal, interrupt)
  return {
    signal: controller.signal,
    interrupt,
    release: () => {
      for (const signal of endingSignals) process.removeListener(signal, interrupt)
    },
  }
}

/** From now on SIGHUP calls this and ends nothing, unless it tells that the terminal of a server was closed. */
export function onHangup(act: () => void): void {
  const others = process.listeners('SIGHUP')
  takeOver('SIGHUP', (signal) => {
    if ([0, 1, 2].some(isGoneTerminal)) for (const other of others) other(signal)
    else act()
  })
}

/** What a person types to end or stop what is in the foreground: ^C, ^\\, ^Z. */
const typedSignals = ['SIGINT', 'SIGQUIT', 'SIGTSTP'] as const

/**
 * From now on these are left to the shell, where a shell started this process by `&` and without job control, as in
 * `eval "$(hardkey serve prod &)"`: then it is in the process group of the shell, and what is typed at the prompt reaches it
 * too. The shell had them ignored (POSIX Shell Command Language, 2.12), which Node undoes when it starts.
 */
export function leaveTypedSignals(): void {
  if (!isStartedInBackground()) return
  for (const signal of typedSignals) takeOver(signal, () => undefined)
}

/** Such a process reads from /dev/null, and leads no group; a service and the first process of a container do. */
function isStartedInBackground(): boolean {
  if (process.platform === 'win32' || fstatSync(0).rdev !== deviceOf(devNull)) return false
  return statFields()?.[2] !== String(process.pid)
}

/** proc_pid_stat(5): the fields behind the name of the program, which stands in brackets. Undefined outside of Linux. */
export function statFields(): readonly string[] | undefined {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Waits for a signal; the caller gives back what it holds, then throws the reason. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done()
    signal.addEventListener('abort', () => done(), { once: true })
  })
}

/** What a terminal, a service manager and kill(1) send to a program; the others a program cannot catch or sends itself. */
const passedSignals = [...endingSignals, 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const

/** Gives these signals to `pass` alone: from then on none of them ends this process, and none is lost meanwhile. */
export function passSignals(pass: (signal: NodeJS.Signals) => void): void {
  for (const signal of passedSignals) takeOver(signal, pass)
}

function takeOver(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): void {
  const others = process.listeners(signal)
  // First, since Node forgets what came to a signal that nobody listens to any more.
  process.on(signal, listener)
  for (const other of others) process.removeListener(signal, other)
}

/**
 * Ends the process with this status. Where that would go wrong after a signal, the signal itself ends it, which a shell
 * reports by the same status.
 */
export function endProcess(status: number): never {
  const signal = endingSignals.find((name) => status === 128 + constants.signals[name])
  if (signal !== undefined && isBadExit(signal)) {
    process.removeAllListeners(signal)
    // What would clean up at the exit: the demo's folder.
    process.emit('exit', status)
    process.kill(process.pid, signal)
  }
  // A program that was run may end with any status in a terminal that is gone; a closed descriptor is not reset.
  for (const descriptor of [0, 1, 2].filter(isGoneTerminal)) closeSync(descriptor)
  process.exit(status)
}

/**
 * Node aborts, with a core dump where that is allowed, when it resets a terminal that is gone (`node::ResetStdio`), and it
 * waits for a name server that does not answer: its threads are joined at the exit.
 */
function isBadExit(signal: NodeJS.Signals): boolean {
  if (signal === 'SIGHUP' && [0, 1, 2].some(isGoneTerminal)) return true
  return process.getActiveResourcesInfo().includes('GetAddrInfoReqWrap')
}

/** A terminal is a character device; one that is gone answers no question about itself, as /dev/null never does. */
function isGoneTerminal(descriptor: number): boolean {
  const stats = fstatSync(descriptor)
  return stats.isCharacterDevice() && !isTerminal(descriptor) && stats.rdev !== deviceOf(devNull)
}

/** Its number; that of no device where it may not be looked at (Node's permission model). */
function deviceOf(path: string): number | undefined {
  try {
    return statSync(path).rdev
  } catch (error) {
    if (systemCode(error) === undefined) throw error
    return undefined
  }
}
