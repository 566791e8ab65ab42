// A rotation whose new key is in the device and waits for STS: the secret that AWS gave out, and the old one, are gone from its
// memory but for the one place that a keyset has (L-7), from a core of it (L-8), and it tells nothing of itself (L-9).

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { commandFile, ended } from '../cli/hardkey.ts'
import { LoopbackIam } from '../iam/loopback-iam.ts'
import { leakCount } from './counts.ts'
import { copiesByItem, memoryOf } from './process-memory.ts'
import { childrenOf } from './recorded.ts'
import { Scanner } from './scanner.ts'
import { type Kind, kinds, Situation } from './situation.ts'

vi.setConfig({ testTimeout: 120_000 })

type Look = (scanner: Scanner, piece: Uint8Array) => ReturnType<Scanner['search']>
type Copies = Readonly<Record<string, number>>

interface Waiting {
  readonly at: Situation
  readonly child: ChildProcess
  /** Of the new secret and of the old one. */
  readonly scanner: Scanner
}

/** Acts while the new key is in the device and its question waits for STS. `through`: a program that starts the command. */
async function whileItProves<T>(
  kind: Kind,
  act: (waiting: Waiting) => Promise<T>,
  through: readonly string[] = [],
  more: (at: Situation) => Readonly<Record<string, string>> = () => ({}),
): Promise<T> {
  const at = await Situation.make(kind)
  const iam = await LoopbackIam.start()
  try {
    const { accessKeyId, secretAccessKey } = iam.addKey()
    const settings = ['--region', 'eu-west-1', '--endpoint-url', iam.url, '--access-key-id', accessKeyId]
    const words = ['import', 'prod', '--to', at.uri('prod'), '--from', 'stdin', ...settings]
    const environment = at.environment()
    expect(await at.home.run(words, { environment, input: secretAccessKey })).toMatchObject({ status: 0 })
    const arrived = new Promise<void>((resolve) => {
      iam.fault = ({ action, by }) => {
        if (action !== 'GetCallerIdentity' || by === accessKeyId) return undefined
        resolve()
        return 'silent'
      }
    })
    const [program = '', ...rest] = [...through, process.execPath, commandFile, 'rotate', 'prod', '--yes']
    const env = at.home.environment({ ...environment, ...more(at) })
    const child = spawn(program, rest, { cwd: at.home.folder, env, stdio: 'ignore', detached: true })
    await arrived
    await sleep(300)
    const [fresh = 'none was given'] = iam.given
    const scanner = new Scanner({ 'new secret': Buffer.from(fresh), 'old secret': Buffer.from(secretAccessKey) })
    const end = ended(child)
    try {
      return await act({ at, child, scanner })
    } finally {
      child.kill('SIGTERM')
      await end
    }
  } finally {
    await iam.close()
    await at.remove()
  }
}

/** Copies of both secrets in the command and its children. */
async function inMemory(kind: Kind, look: Look): Promise<readonly Copies[]> {
  return await whileItProves(kind, async ({ child: { pid = 0 }, scanner }) => {
    const search = (): readonly Copies[] =>
      [pid, ...childrenOf(pid)].map((one) => copiesByItem(memoryOf(one, (piece) => look(scanner, piece))))
    // A busy machine may still be wiping: what is gone stays gone.
    let found = search()
    for (let again = 0; again < 5 && found.some((copies) => Object.keys(copies).length > 0); again += 1) {
      await sleep(500)
      found = search()
    }
    return found
  })
}

describe.each(kinds)('a rotation in a %s', (kind) => {
  const count = leakCount(`L-7 ${kind}: memory of a rotation that waits for STS`)
  it('L-7: holds neither the new secret nor the old one once the device has it', async () => {
    const [own = {}, ...others] = await inMemory(kind, count.look)
    // What was let go lies in a KeyObject until it is collected: the keys of two keysets, opened to sign.
    const allowed = kind === 'keyset' ? 2 : 0
    for (const copies of Object.values(own)) expect(copies).toBeLessThanOrEqual(allowed)
    count.allow(Object.values(own).reduce((sum, copies) => sum + copies, 0))
    expect(others.flatMap((copies) => Object.values(copies))).toEqual([])
  })
})

const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim()
const cores = leakCount('L-8: cores of a rotation that waits for STS')

it.runIf(pattern === 'core').each(kinds)(
  'L-8: the core of a rotation holds neither secret once the device has the new one: a key in a %s',
  async (kind) => {
    const unlimited = ['/bin/sh', '-c', 'ulimit -c unlimited; exec "$@"', 'sh']
    const copies = await whileItProves(
      kind,
      async ({ at, child, scanner }) => {
        const gone = new Promise((resolve) => child.once('exit', resolve))
        await sleep(2000)
        child.kill('SIGABRT')
        await gone
        const [file = 'no core was written'] = readdirSync(at.home.folder).filter((name) => name.startsWith('core'))
        return copiesByItem(cores.look(scanner, readFileSync(join(at.home.folder, file))))
      },
      unlimited,
    )
    for (const found of Object.values(copies)) expect(found).toBeLessThanOrEqual(kind === 'keyset' ? 2 : 0)
    cores.allow(Object.values(copies).reduce((sum, found) => sum + found, 0))
  },
)

it('L-9: a rotation writes no report and no snapshot, though its switches of Node ask for both on a signal', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-dumps-'))
  const switches = ['--report-on-signal', `--report-directory=${folder}`, '--heapsnapshot-signal=SIGUSR2']
  try {
    const act = async ({ child }: Waiting): Promise<readonly string[]> => {
      child.kill('SIGUSR2')
      await sleep(2000)
      return readdirSync(folder)
    }
    const options = { NODE_OPTIONS: [...switches, `--diagnostic-dir=${folder}`].join(' ') }
    expect(await whileItProves('token', act, [], () => options)).toEqual([])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
