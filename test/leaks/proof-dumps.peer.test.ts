// What Node tells of an import and of a rotation on a signal, where its switches ask for that: reports with every variable,
// snapshots of the heap, a debugger for everyone on the machine. The command takes these switches back. L-9.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { freePort } from '../peers/server-process.ts'
import { leakCount } from './counts.ts'
import { debuggerSays } from './debugger.ts'
import { untilAtRest } from './process-memory.ts'
import { type Proving, proofs, type Start, whileItProves, whileOneIsCareless } from './proving.ts'

/** What each way of asking gave; nothing where it gave none. */
interface Told {
  readonly report: Uint8Array
  readonly snapshot: Uint8Array
  readonly debuggerFromStart: Uint8Array
  readonly debuggerOnSignal: Uint8Array
}

type While = (act: (proving: Proving) => Promise<Told>, start: Start) => Promise<Told>

async function toldBy(
  running: While,
  mostLooks: number,
  look: (proving: Proving, place: Uint8Array) => void,
): Promise<Told> {
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-dumps-'))
  const port = await freePort()
  const dumps = ['--report-on-signal', `--report-directory=${folder}`, '--heapsnapshot-signal=SIGUSR2']
  const NODE_OPTIONS = [...dumps, `--diagnostic-dir=${folder}`, `--inspect=127.0.0.1:${port}`].join(' ')
  try {
    return await running(
      async (proving) => {
        const { child } = proving
        const debuggerFromStart = await debuggerSays(port, 'kept')
        child.kill('SIGUSR1')
        await untilAtRest(child.pid ?? 0)
        const debuggerOnSignal = await debuggerSays(port, 'process.env.KEPT')
        child.kill('SIGUSR2')
        const dumps = await dumpsIn(folder, mostLooks)
        const told = { ...dumps, debuggerFromStart, debuggerOnSignal }
        for (const place of Object.values(told)) look(proving, place)
        return told
      },
      { variables: { NODE_OPTIONS } },
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Looks each half second until both are there as a whole, or it has looked so often. */
async function dumpsIn(folder: string, mostLooks: number): Promise<Pick<Told, 'report' | 'snapshot'>> {
  const ending = (end: string): Uint8Array => {
    const names = readdirSync(folder).filter((name) => name.endsWith(end))
    return Buffer.concat(names.map((name) => readFileSync(join(folder, name))))
  }
  const isWhole = (dump: Uint8Array): boolean => Buffer.from(dump.subarray(-2)).includes('}')
  let found = { report: ending('.json'), snapshot: ending('.heapsnapshot') }
  for (let looks = 0; looks < mostLooks && !Object.values(found).every(isWhole); looks += 1) {
    await sleep(500)
    found = { report: ending('.json'), snapshot: ending('.heapsnapshot') }
  }
  return found
}

const lengths = (told: Told): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(told).map(([name, { length }]) => [name, length]))

describe.each(proofs)('what $what tells of itself, $kind', (proof) => {
  const count = leakCount(`L-9 ${proof.kind}: report, snapshot and debugger of ${proof.what} that waits for STS`)
  it('L-9: is nothing, though the switches of Node ask for all of it', async () => {
    const running: While = (act, start) => whileItProves(proof, act, start)
    const told = await toldBy(running, 4, ({ scanner }, place) => count.look(scanner, place))
    expect(lengths(told)).toEqual({ report: 0, snapshot: 0, debuggerFromStart: 0, debuggerOnSignal: 0 })
  })
})

describe('what a careless program tells of itself', () => {
  const count = leakCount('L-9: control, report, snapshot and debugger of a program that keeps its input')
  it('L-9: has the secret in each', async () => {
    const hits: number[] = []
    await toldBy(whileOneIsCareless, 60, ({ scanner }, place) => hits.push(count.control(scanner, place).length))
    expect(hits.map((found) => found > 0)).toEqual([true, true, true, true])
  })
})
