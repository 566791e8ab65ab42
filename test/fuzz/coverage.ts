// Which code ran, by the profiler of this process (node:inspector). In: the script that is watched. Out: whether code ran
// that never ran before, and how much of given source files has run.
// Chrome DevTools Protocol, Profiler.startPreciseCoverage with callCount and detailed: each call of
// Profiler.takePreciseCoverage counts anew, and names the functions that ran and in them the blocks that did not.

import { readFileSync } from 'node:fs'
import { type Profiler, Session } from 'node:inspector'
import { pathToFileURL } from 'node:url'

type FunctionCoverage = Profiler.FunctionCoverage

export class Coverage {
  readonly #session = new Session()
  readonly #url: string
  readonly #text: string
  /** By byte of the script: 1 where it has run. */
  readonly #ran: Uint8Array
  /** By byte of the script: which function it belongs to, the innermost; 0 for none that is known. */
  readonly #owner: Uint32Array
  readonly #functions = new Map<string, number>()
  /** Those whose blocks are counted. V8 may drop the blocks of one that it has optimised, and then counts it whole. */
  readonly #withBlocks = new Set<number>()

  /** Watches the script at this path, which must be loaded already. */
  constructor(script: string) {
    this.#url = pathToFileURL(script).href
    this.#text = readFileSync(script, 'utf8')
    this.#ran = new Uint8Array(this.#text.length)
    this.#owner = new Uint32Array(this.#text.length)
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
    this.grew()
  }

  /** Whether anything ran since the last call that never ran before; it is remembered unless `remember` is false. */
  grew(remember = true): boolean {
    const functions = this.#take()
    for (const found of functions) this.#learn(found)
    return functions.map((found) => this.#mark(found, remember)).includes(true)
  }

  /** How much of the functions of these source files has run, in percent of their text. */
  reached(files: readonly string[]): number {
    let [ran, all] = [0, 0]
    for (const [start, end] of this.#places(files)) {
      for (let at = start; at < end; at++) {
        if (this.#owner[at] === 0) continue
        all++
        ran += this.#ran[at] ?? 0
      }
    }
    return all === 0 ? 0 : (100 * ran) / all
  }

  close(): void {
    this.#session.disconnect()
  }

  #take(): readonly FunctionCoverage[] {
    let taken: readonly FunctionCoverage[] = []
    // A session to the own thread answers before `post` returns.
    this.#session.post('Profiler.takePreciseCoverage', (failure, { result }) => {
      if (failure !== null) throw failure
      taken = result.find((script) => script.url === this.#url || script.url === this.#url.slice(7))?.functions ?? []
    })
    // The function around the whole script is none of its functions.
    return taken.filter(({ ranges: [all] }) => all !== undefined && all.startOffset > 0)
  }

  /** Outer functions come before inner ones, which then own their part. */
  #learn({ ranges: [all] }: FunctionCoverage): void {
    if (all === undefined) return
    const key = `${all.startOffset}:${all.endOffset}`
    if (this.#functions.has(key)) return
    const number = this.#functions.size + 1
    this.#functions.set(key, number)
    const inner = [...this.#functions].filter(([place]) => isInside(place, all))
    this.#owner.fill(number, all.startOffset, all.endOffset)
    for (const [place, owner] of inner) {
      const [start = 0, end = 0] = place.split(':').map(Number)
      this.#owner.fill(owner, start, end)
    }
  }

  #mark({ ranges, isBlockCoverage }: FunctionCoverage, remember: boolean): boolean {
    const [all] = ranges
    if (all === undefined || all.count === 0) return false
    const owner = this.#functions.get(`${all.startOffset}:${all.endOffset}`) ?? 0
    if (isBlockCoverage) this.#withBlocks.add(owner)
    else if (this.#withBlocks.has(owner)) return false
    const runs = new Uint8Array(all.endOffset - all.startOffset)
    for (const { startOffset, endOffset, count } of ranges) {
      runs.fill(count > 0 ? 1 : 0, startOffset - all.startOffset, endOffset - all.startOffset)
    }
    let grew = false
    for (const [index, run] of runs.entries()) {
      const at = all.startOffset + index
      if (run === 0 || this.#ran[at] === 1 || this.#owner[at] !== owner) continue
      if (remember) this.#ran[at] = 1
      grew = true
    }
    return grew
  }

  /** esbuild puts a comment with the path above what it took from each file. */
  #places(files: readonly string[]): readonly (readonly [start: number, end: number])[] {
    const heads = [...this.#text.matchAll(/^\/\/ (\S+\.ts)$/gm)]
    return heads.flatMap((head, index) =>
      files.some((file) => head[1]?.endsWith(file))
        ? [[head.index, heads[index + 1]?.index ?? this.#text.length] as const]
        : [],
    )
  }
}

function isInside(place: string, outer: Profiler.CoverageRange): boolean {
  const [start = 0, end = 0] = place.split(':').map(Number)
  const isSame = start === outer.startOffset && end === outer.endOffset
  return !isSame && start >= outer.startOffset && end <= outer.endOffset
}
