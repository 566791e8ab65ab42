// A command that is watched from outside while it runs. In: words, variables, input. Out: what it printed, every program
// that was started and every byte that was written (strace), and arguments and environments of all its processes, read a
// hundred times a second. Linux alone.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandFile, ended, type Ran } from '../cli/hardkey.ts'
import { peer } from '../peers/peer.ts'
import { quietly } from './process-memory.ts'

const traced = 'execve,openat,write,pwrite64,writev,pwritev,sendto,sendmsg,rename,renameat2,link,memfd_create,mmap'

/** One system call. */
export interface Call {
  readonly process: number
  /** `write`. */
  readonly name: string
  /** What its first descriptor is, as `UNIX-STREAM:[1->2]` or a path; empty where it has none. */
  readonly target: string
  readonly descriptor: number | undefined
  /** The strings among its arguments, in order, a zero byte between two. */
  readonly bytes: Buffer
  /** The call as strace shows it, without its strings. */
  readonly shape: string
}

/** Bytes leave the process by it: to a file, a pipe or a socket. */
export const isWrite = ({ name }: Pick<Call, 'name'>): boolean => /^(p?write(v|64)?|send(to|msg))$/.test(name)

export interface Recorded extends Ran {
  readonly calls: readonly Call[]
  /** Distinct command lines of the command and of what it started. */
  readonly commandLines: readonly Buffer[]
  /** Distinct environments of what it started. */
  readonly childEnvironments: readonly Buffer[]
  /** How often the processes were looked at. */
  readonly looks: number
}

export interface Recording {
  readonly environment: Readonly<Record<string, string>>
  readonly folder: string
  readonly input?: string | undefined
  /** More options of strace: `-e inject=…`. */
  readonly options?: readonly string[] | undefined
  /** For a command that runs until a signal: told all that it has printed, it gives true once SIGTERM may end it. */
  readonly visit?: ((printed: string) => Promise<boolean>) | undefined
  /** Another program than the command. */
  readonly program?: readonly string[] | undefined
}

export async function recorded(words: readonly string[], recording: Recording): Promise<Recorded> {
  const { command } = await peer('strace')
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-trace-'))
  const trace = join(folder, 'trace')
  try {
    const how = ['-f', '-xx', '-yy', '-v', '-s', '65535', '-e', `trace=${traced}`, ...(recording.options ?? [])]
    const program = recording.program ?? [process.execPath, commandFile]
    const child = spawn(command, [...how, '-o', trace, '--', ...program, ...words], {
      cwd: recording.folder,
      env: recording.environment,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    })
    child.stdin.on('error', () => {})
    child.stdin.end(recording.input ?? '')
    const watch = watchProcesses(child.pid ?? 0)
    const end = ended(child)
    if (recording.visit !== undefined) await visited(child, recording.visit, end)
    return { ...(await end), ...watch.end(), calls: parseTrace(readFileSync(trace, 'latin1')) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Rejects where the visit fails; a command that ends before is left to the caller. */
async function visited(
  child: ChildProcess,
  visit: (printed: string) => Promise<boolean>,
  end: Promise<Ran>,
): Promise<void> {
  let printed = ''
  const isOver = new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (text: string) => {
      printed += text
      visit(printed).then((isDone) => isDone && resolve(), reject)
    })
  })
  await Promise.race([isOver, end])
  for (const pid of childrenOf(child.pid ?? 0)) process.kill(pid, 'SIGTERM')
}

function watchProcesses(tracer: number): { end(): Pick<Recorded, 'commandLines' | 'childEnvironments' | 'looks'> } {
  const commandLines = new Set<string>()
  const environments = new Set<string>()
  let looks = 0
  const read = (pid: number, name: string): string => quietly(() => readFileSync(`/proc/${pid}/${name}`, 'latin1'), '')
  const timer = setInterval(() => {
    looks += 1
    for (const command of childrenOf(tracer)) {
      const own = read(command, 'cmdline')
      commandLines.add(own)
      for (const pid of childrenOf(command)) {
        // Before it becomes another program, it still shows what its parent has.
        const line = read(pid, 'cmdline')
        if (line === own) continue
        commandLines.add(line)
        environments.add(read(pid, 'environ'))
      }
    }
  }, 10)
  const buffers = (texts: Set<string>): Buffer[] => [...texts].map((text) => Buffer.from(text, 'latin1'))
  return {
    end: () => {
      clearInterval(timer)
      return { commandLines: buffers(commandLines), childEnvironments: buffers(environments), looks }
    },
  }
}

/** Processes that this one started, by any of its threads. */
export function childrenOf(pid: number): number[] {
  const threads = quietly(() => readdirSync(`/proc/${pid}/task`), [])
  return threads.flatMap((thread) =>
    quietly(() => readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1'), '')
      .split(' ')
      .filter((text) => text !== '')
      .map(Number),
  )
}

/** The lines that strace -xx -yy writes. What ends a call that was interrupted has no strings and is left out. */
export function parseTrace(text: string): readonly Call[] {
  return text.split('\n').flatMap((line) => {
    const [, process, name, rest] = /^(\d+) +(\w+)\((.*)$/.exec(line) ?? []
    if (process === undefined || name === undefined || rest === undefined) return []
    const [, descriptor, target = ''] = /^(\d+)(?:<((?:[^>]|->)*)>)?/.exec(rest) ?? []
    const strings = [...rest.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex = '']) => unescaped(hex))
    return [
      {
        process: Number(process),
        name,
        target: unescaped(target).toString('latin1'),
        descriptor: descriptor === undefined ? undefined : Number(descriptor),
        bytes: Buffer.concat(strings.flatMap((bytes) => [bytes, Buffer.alloc(1)])),
        shape: rest.replaceAll(/"[^"]*"/g, '""'),
      },
    ]
  })
}

/** `\x41b` is `Ab`. */
function unescaped(text: string): Buffer {
  return Buffer.from(
    text.replaceAll(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
}
