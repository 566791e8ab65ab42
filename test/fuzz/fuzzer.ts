// The loop of the fuzzer. In: a target, how many runs, a seed. Out: the inputs that crashed it and those that took over a
// second of processor time. Inputs that reach new code join the corpus. Coverage is taken for a batch, since it costs as
// much as a thousand runs; a batch that reached new code is halved until the input is found.
// A run that does not end is seen by a thread beside it, which reports the input and ends the process.

import { Worker } from 'node:worker_threads'
import type { Coverage } from './coverage.ts'
import { dice, longestBytes, mutated } from './mutator.ts'

/** A parser and what must hold of it for every input. */
export interface FuzzTarget {
  readonly name: string
  /** The source files whose code is to be reached. */
  readonly files: readonly string[]
  /** Inputs as they are in use. */
  readonly seeds: readonly Buffer[]
  /** Words that its format knows. */
  readonly words: readonly string[]
  /** How many runs the short form makes; 5,000 where it does not say. */
  readonly runs?: number
  /** Throws for whatever the parser must not do. To refuse the input as its contract says is no crash. */
  run(input: Buffer): void
}

export interface Finding {
  readonly input: string
  readonly error: string
}

export interface FuzzResult {
  readonly name: string
  readonly runs: number
  readonly seed: number
  readonly corpus: number
  /** Percent of the code of the target's files. */
  readonly reached: number
  readonly crashes: readonly Finding[]
  readonly hangs: readonly Finding[]
}

/** At first each batch finds something; later hardly one does. */
const batchSize = (done: number): number => (done < 2000 ? 64 : done < 20_000 ? 256 : 2048)
const mostFindings = 5
export const hangMilliseconds = 1000

export function fuzz(target: FuzzTarget, coverage: Coverage, runs: number, seed: number): FuzzResult {
  const watch = new Watch()
  const [crashes, hangs]: [Finding[], Finding[]] = [[], []]
  const corpus = [...target.seeds]
  const words = target.words.map((word) => Buffer.from(word, 'latin1'))
  const roll = dice(seed)
  const spent = (input: Buffer): number => {
    const began = process.cpuUsage()
    watch.begin(input)
    try {
      target.run(Buffer.from(input))
    } catch (error) {
      if (crashes.length < mostFindings) crashes.push({ input: input.toString('hex'), error: describe(error) })
    }
    watch.end()
    const { user, system } = process.cpuUsage(began)
    return (user + system) / 1000
  }
  const run = (input: Buffer): void => {
    // Twice, since the garbage of the runs before may be collected in this one.
    const isSlow = spent(input) > hangMilliseconds && spent(input) > hangMilliseconds
    if (isSlow) hangs.push({ input: input.toString('hex'), error: 'over a second' })
  }
  for (const input of target.seeds) run(input)
  coverage.grew()
  let done = target.seeds.length
  while (done < runs && crashes.length < mostFindings && hangs.length < mostFindings) {
    const batch = Array.from({ length: Math.min(batchSize(done), runs - done) }, () => mutated(corpus, words, roll))
    corpus.push(...thatReachMore(batch, run, coverage))
    done += batch.length
  }
  watch.close()
  const reached = coverage.reached(target.files)
  return { name: target.name, runs: done, seed, corpus: corpus.length, reached, crashes, hangs }
}

/** Runs the inputs. Out: those that reach code which none before them reached. */
function thatReachMore(inputs: readonly Buffer[], run: (input: Buffer) => void, coverage: Coverage): readonly Buffer[] {
  for (const input of inputs) run(input)
  const isLast = inputs.length === 1
  if (!coverage.grew(isLast)) return []
  const middle = inputs.length >> 1
  const halves = isLast ? [] : [inputs.slice(0, middle), inputs.slice(middle)]
  return isLast ? inputs : halves.flatMap((half) => thatReachMore(half, run, coverage))
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** Looks from beside at the run that goes on. */
class Watch {
  /** Number of the run, the length of its input. */
  readonly #state = new Int32Array(new SharedArrayBuffer(8))
  readonly #input = new Uint8Array(new SharedArrayBuffer(longestBytes))
  readonly #worker: Worker

  constructor() {
    const workerData = { state: this.#state, input: this.#input, limit: 3 * hangMilliseconds }
    this.#worker = new Worker(watching, { eval: true, workerData })
    this.#worker.unref()
  }

  begin(input: Buffer): void {
    this.#input.set(input)
    this.#state[1] = input.length
    this.#state[0] = (this.#state[0] ?? 0) + 1
  }

  end(): void {
    this.#state[0] = (this.#state[0] ?? 0) + 1
  }

  close(): void {
    void this.#worker.terminate()
  }
}

/** Runs in the thread beside. An odd number: a run goes on. By processor time, so that a busy machine is no hang. */
const watching = `
const { workerData: { state, input, limit } } = require('node:worker_threads')
const spent = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000 }
let [seen, since] = [0, spent()]
setInterval(() => {
  if (state[0] !== seen) [seen, since] = [state[0], spent()]
  else if (seen % 2 === 1 && spent() - since > limit) {
    const hex = Buffer.from(input.subarray(0, state[1])).toString('hex')
    require('node:fs').writeSync(1, JSON.stringify({ stuck: hex }) + '\\n')
    process.kill(process.pid, 'SIGKILL')
  }
}, 100)`
