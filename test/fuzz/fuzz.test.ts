// Every parser on inputs that a fuzzer makes: no crash, and no run of over a second of processor time. A few thousand
// runs each; with TEST_LONG=1 a million, by new dice each time, each counted into .peers/fuzz.json once it has ended.

import { randomInt } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withLock } from '../../src/files/with-lock.ts'
import { root } from '../laws/tree.ts'
import type { FuzzResult } from './fuzzer.ts'
import { type FuzzProgram, fuzzProgram } from './start.ts'
import { fuzzTargets } from './targets.ts'

const isLong = process.env.TEST_LONG === '1'
const runsOf = (target: { readonly runs?: number }): number => (isLong ? 1_000_000 : (target.runs ?? 5000))
let program: FuzzProgram

beforeAll(async () => {
  program = await fuzzProgram()
})
afterAll(() => program?.remove())

it.each(fuzzTargets.map((target) => [target.name, target] as const))(
  'no input crashes or stops the parser of %s',
  async (name, target) => {
    const runs = runsOf(target)
    const result = await program.run(name, runs, isLong ? randomInt(2 ** 31) : 1)
    if (isLong) await writeCounts(result)
    expect({ crashes: result.crashes, hangs: result.hangs }).toEqual({ crashes: [], hangs: [] })
    expect(result.runs).toBe(runs)
  },
  3_600_000,
)

it.each(fuzzTargets)('the parser of $name takes inputs as they are in use', (target) => {
  for (const seed of target.seeds) expect(() => target.run(Buffer.from(seed))).not.toThrow()
})

describe('the fuzzer, as a control,', () => {
  it('finds a crash behind three steps', async () => {
    const { crashes } = await program.run('control: a crash', 200_000, 1)
    expect(crashes[0]?.error).toContain('the planted crash')
    expect(Buffer.from(crashes[0]?.input ?? '', 'hex').toString('latin1')).toMatch(/^<x>/)
  })

  it('finds a run of over a second', async () => {
    const { hangs } = await program.run('control: a slow run', 200_000, 1)
    expect(hangs[0]?.error).toBe('over a second')
  })

  it('finds a run that never ends, and ends it', async () => {
    const { hangs } = await program.run('control: an endless run', 200_000, 1)
    expect(hangs[0]?.error).toBe('never ended')
  })
})

/** In place of what an earlier run of the same target counted. */
async function writeCounts({ crashes, hangs, ...rest }: FuzzResult): Promise<void> {
  const file = join(root, '.peers', 'fuzz.json')
  const fresh = { ...rest, crashes: crashes.length, hangs: hangs.length, on: new Date().toISOString().slice(0, 10) }
  mkdirSync(join(root, '.peers'), { recursive: true })
  await withLock(`${file}.lock`, { waitMilliseconds: 10_000 }, async () => {
    const before: readonly { name: string }[] = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).targets : []
    const targets = [...before.filter(({ name }) => name !== fresh.name), fresh]
    writeFileSync(`${file}.new`, JSON.stringify({ targets }))
    renameSync(`${file}.new`, file)
  })
}
