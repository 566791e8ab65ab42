// A command that waits for STS to prove a key which the device has: an import, or a rotation with its new key. In: the kind of
// device, and what to do meanwhile. Out: what that gives. The same for a careless program, which keeps what it was given: the
// control of every search.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'vitest'
import { CommandHome, commandFile, ended, throwAwayKey } from '../cli/hardkey.ts'
import { LoopbackIam } from '../iam/loopback-iam.ts'
import { untilAtRest } from './process-memory.ts'
import { Scanner } from './scanner.ts'
import { type Kind, kinds, permanentItems, Situation } from './situation.ts'

export interface Proof {
  readonly kind: Kind
  readonly what: 'an import' | 'a rotation'
}

export const proofs: readonly Proof[] = [...kinds, 'service' as const].flatMap((kind): Proof[] => [
  { kind, what: 'an import' },
  { kind, what: 'a rotation' },
])

export interface Proving {
  readonly child: ChildProcess
  readonly pid: number
  /** Its working folder. */
  readonly folder: string
  /** Of every secret that it was given, and what unlocks the device. */
  readonly scanner: Scanner
}

export interface Start {
  /** A program that starts the command. */
  readonly through?: readonly string[]
  /** More variables. */
  readonly variables?: Readonly<Record<string, string>>
}

/** Acts while the command waits, which is ended then. */
export async function whileItProves<T>(
  { kind, what }: Proof,
  act: (proving: Proving) => Promise<T>,
  start: Start = {},
): Promise<T> {
  const at = await Situation.make(kind)
  const iam = await LoopbackIam.start()
  try {
    const { accessKeyId, secretAccessKey } = iam.addKey()
    const settings = ['--region', 'eu-west-1', '--endpoint-url', iam.url, '--access-key-id', accessKeyId]
    const words = ['import', 'prod', '--to', at.uri('prod'), '--from', 'stdin', ...settings]
    const environment = at.environment()
    const isRotation = what === 'a rotation'
    if (isRotation) {
      expect(await at.home.run(words, { environment, input: secretAccessKey })).toMatchObject({ status: 0 })
    }
    const asked = new Promise<void>((resolve) => {
      iam.fault = ({ action, by }) => {
        if (action !== 'GetCallerIdentity' || (isRotation && by === accessKeyId)) return undefined
        resolve()
        return 'silent'
      }
    })
    const child = started([commandFile, ...(isRotation ? ['rotate', 'prod', '--yes'] : words)], at.home, {
      ...start,
      variables: { ...environment, ...start.variables },
    })
    child.stdin?.end(secretAccessKey)
    return await whileItWaits(child, asked, async (pid) => {
      const [fresh] = iam.given
      const given = isRotation ? { 'new secret': Buffer.from(fresh ?? 'none was given') } : {}
      const scanner = new Scanner({ ...permanentItems(secretAccessKey), ...given })
      return await act({ child, pid, folder: at.home.folder, scanner })
    })
  } finally {
    await iam.close()
    await at.remove()
  }
}

/** Reads its input into a text, and waits. */
const careless = `let kept = ''
process.stdin.setEncoding('utf8').on('data', (text) => { kept += text })
process.stdin.on('end', () => console.log('kept'))
setInterval(() => kept.length, 1000)`

/** The same with a program that keeps its input, and one of its variables. */
export async function whileOneIsCareless<T>(act: (proving: Proving) => Promise<T>, start: Start = {}): Promise<T> {
  const home = new CommandHome()
  const { secretAccessKey } = throwAwayKey()
  try {
    const variables = { ...start.variables, KEPT: secretAccessKey }
    const child = started(['-e', careless], home, { ...start, variables })
    child.stdin?.end(secretAccessKey)
    const scanner = new Scanner({ secret: Buffer.from(secretAccessKey) })
    const kept = once(child.stdout ?? child, 'data')
    return await whileItWaits(child, kept, (pid) => act({ child, pid, folder: home.folder, scanner }))
  } finally {
    home.remove()
  }
}

function started(words: readonly string[], home: CommandHome, { through = [], variables }: Start): ChildProcess {
  const [program = '', ...rest] = [...through, process.execPath, ...words]
  return spawn(program, rest, {
    cwd: home.folder,
    env: home.environment(variables),
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  })
}

async function whileItWaits<T>(
  child: ChildProcess,
  ready: Promise<unknown>,
  act: (pid: number) => Promise<T>,
): Promise<T> {
  child.stdin?.on('error', () => {})
  const end = ended(child)
  try {
    await ready
    // The question left within the call that used the key: what belongs to that call is given back behind it.
    await untilAtRest(child.pid ?? 0)
    return await act(child.pid ?? 0)
  } finally {
    child.kill('SIGTERM')
    await end
  }
}
