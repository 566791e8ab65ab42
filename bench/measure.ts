// How the figures are taken. In: contenders that do the same work. Out: microseconds of each, and how often one goes into
// another. Rounds are interleaved and ratios taken within a round, since other work on the machine comes and goes.

import { Bench } from 'tinybench'

export interface Contender {
  readonly name: string
  /** Does the work `times` times. */
  readonly run: () => Promise<unknown> | unknown
  readonly times: number
}

export interface Figures {
  /** Median microseconds for doing the work once. */
  microseconds(name: string): number
  /** Median over the rounds of the time of `name` divided by that of `of`. */
  ratio(name: string, of: string): number
}

export interface Effort {
  readonly rounds: number
  /** How long a contender works in one round. */
  readonly milliseconds: number
}

export async function compare(contenders: readonly Contender[], { rounds, milliseconds }: Effort): Promise<Figures> {
  const taken = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    const warmup = round === 0
    const bench = new Bench({ time: milliseconds, iterations: 3, warmup, warmupTime: 300, warmupIterations: 3 })
    // Said beforehand, since otherwise a call of each is tried out first, which nobody waits for.
    for (const { name, run } of contenders) bench.add(name, run, { async: true })
    await bench.run()
    for (const { name, times } of contenders) {
      const result = bench.getTask(name)?.result
      if (result?.state !== 'completed') throw new Error(`${name} did not complete: ${result?.state}`)
      taken.get(name)?.push((result.latency.p50 * 1000) / times)
    }
  }
  const of = (name: string): number[] => {
    const times = taken.get(name)
    if (times === undefined) throw new Error(`no contender ${name}`)
    return times
  }
  return {
    microseconds: (name) => median(of(name)),
    ratio: (name, base) => median(of(name).map((time, round) => time / (of(base)[round] ?? Number.NaN))),
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** One line of the table. */
export interface Row {
  readonly what: string
  readonly ours: string
  readonly compared: string
  readonly target: string
}

/** Three digits and the unit that fits: "2.35 µs". */
export function time(microseconds: number): string {
  if (microseconds < 1000) return `${microseconds.toPrecision(3)} µs`
  if (microseconds < 1_000_000) return `${(microseconds / 1000).toPrecision(3)} ms`
  return `${(microseconds / 1_000_000).toPrecision(3)} s`
}
