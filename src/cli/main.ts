// The command. In: the words of the command line. Out: an exit status: 0, 1 failure, 2 wrong input, 128+n ended by a
// signal. Nothing heavy is loaded here: the chosen command loads what it needs (tools start credential-process often).

import { homedir } from 'node:os'
import { HardkeyError, isWrongInput } from '../errors.ts'
import { systemCode } from '../files/file-failure.ts'
import { didYouMean } from '../key/did-you-mean.ts'
import { type ParsedArguments, parseCommandArguments, programApart, quoted } from './args.ts'
import { refuseSecretWords } from './ask/secret-words.ts'
import { deviceTerminal } from './ask/terminal.ts'
import type { CommandSpec } from './command.ts'
import { commandText } from './help-text.ts'
import { endProcess, Interrupted, listenForSignals } from './interrupt.ts'
import { descriptorOutput, OutputClosed } from './output.ts'
import { descriptorReport, type Report } from './report.ts'
import { type Environment, readEnvironment } from './settings/environment.ts'
import { commandNamed, commands } from './table.ts'

/** 128 + SIGPIPE, which Node itself ignores. */
const outputClosedStatus = 141

void main(process.argv.slice(2)).then(endProcess)

async function main(words: readonly string[]): Promise<number> {
  const interrupts = listenForSignals()
  const terminal = deviceTerminal(interrupts.signal, interrupts.interrupt)
  const ours = ownWords(words)
  const report = descriptorReport(2, ours.includes('--verbose'), terminal.isAsking)
  // Node opens its debugger on SIGUSR1, for every user of the machine (SECURITY.md, another user).
  process.on('SIGUSR1', () => report.warning('SIGUSR1 is ignored: no debugger here'))
  process.on('uncaughtException', (error) => {
    process.exit(statusOf(error, report))
  })
  try {
    refuseOldNode(process.versions.node)
    refuseSecretWords(ours)
    const [command, args] = chosen(words)
    const output = descriptorOutput(1, interrupts.release)
    if (args.has('help')) {
      output.line(commandText(command))
      return 0
    }
    const environment = readEnvironment(process.env, process.platform, homeFolder)
    refuseDumps(environment, report)
    const act = await command.load()
    const { signal } = interrupts
    return await act({ args, environment, output, report, terminal, now: () => new Date(), signal })
  } catch (error) {
    return statusOf(error, report)
  } finally {
    interrupts.release()
  }
}

/** Undefined for a user without HOME whom the table of users does not know, as a container may have one. */
function homeFolder(): string | undefined {
  try {
    return homedir()
  } catch (error) {
    if (systemCode(error) === undefined) throw error
    return undefined
  }
}

/**
 * Warns of switches that show memory, and takes back those that can be: the debugger, whose port is open to every user of
 * the machine, reports, which hold the whole environment, and snapshots on a signal (F-W09). Profiles,
 * and a snapshot near the limit of the heap, cannot be.
 */
function refuseDumps({ dumpingOptions }: Environment, report: Report): void {
  for (const option of dumpingOptions) {
    report.warning(`NODE_OPTIONS has ${option}, which can show the memory of this process to others`)
  }
  if (dumpingOptions.length === 0) return
  if (process.report !== undefined) {
    process.report.reportOnFatalError = false
    process.report.reportOnSignal = false
    process.report.reportOnUncaughtException = false
  }
  if (dumpingOptions.some((option) => option.startsWith('--inspect'))) {
    process.getBuiltinModule('node:inspector').close()
  }
  if (dumpingOptions.includes('--heapsnapshot-signal')) forgetEarlierListeners()
}

/** Takes away the listeners of signals that were there before ours: Node's own, which writes the snapshot. */
function forgetEarlierListeners(): void {
  for (const name of process.eventNames()) {
    if (typeof name !== 'string' || !name.startsWith('SIG')) continue
    const isOurs = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'].includes(name)
    const listeners = process.listeners(name as NodeJS.Signals)
    for (const listener of listeners.slice(0, isOurs ? -1 : undefined)) process.removeListener(name, listener)
  }
}

/** Without the words of a program that the command is to run. */
function ownWords(words: readonly string[]): readonly string[] {
  const name = words.find((word) => word !== '--verbose') ?? ''
  return programApart(commandNamed(name) ?? {}, words).own
}

/** The command that the first word names, and its checked arguments. */
function chosen(words: readonly string[]): readonly [CommandSpec, ParsedArguments] {
  const [first, ...rest] = withoutCommonSwitches(words)
  const name = first === undefined || first === '--help' || first === '-h' ? 'help' : first
  const command = commandNamed(name === '--version' ? 'version' : name)
  if (command === undefined) throw unknownCommand(name)
  return [command, parseCommandArguments(command, rest)]
}

/** `hardkey --verbose whoami prod` means `hardkey whoami prod --verbose`. */
function withoutCommonSwitches(words: readonly string[]): readonly string[] {
  const [first, command, ...rest] = words
  // Right behind the command: at the end it might stand behind a `--` and be a word.
  return first === '--verbose' && command !== undefined ? [command, first, ...rest] : words
}

function unknownCommand(word: string): HardkeyError {
  const near = didYouMean(
    word,
    commands.map(({ name }) => name),
  )
  const remedy = near === undefined ? '' : `did you mean hardkey ${near}; `
  const what = word.startsWith('-') ? 'option' : 'command'
  return new HardkeyError('ERR_USAGE', `there is no ${what} ${quoted(word)}`, {
    hint: `${remedy}hardkey help lists the commands`,
  })
}

function refuseOldNode(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  throw new HardkeyError('ERR_BACKEND_UNSUPPORTED', `this is Node ${version}; hardkey needs 20.19 or newer`)
}

/** Tells the failure, where there is anyone to tell, and gives the exit status. */
function statusOf(error: unknown, report: Report): number {
  if (error instanceof Interrupted) return error.status
  if (error instanceof OutputClosed) return outputClosedStatus
  report.failure(error)
  return error instanceof HardkeyError && isWrongInput(error.code) ? 2 : 1
}
