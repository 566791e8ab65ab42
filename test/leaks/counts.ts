// How much was searched for leaks. In: places, and the scanner that looks there. Out: items x places x encodings and hits,
// in .peers/leaks.json, from where scripts/reliability.mjs takes them into the report; other counts in files of their own.

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll } from 'vitest'
import { withLock } from '../../src/files/with-lock.ts'
import type { Hit, Scanner } from './scanner.ts'

const folder = resolve(import.meta.dirname, '..', '..', '.peers')

export interface LeakCount {
  /** Looks at a place and counts it. */
  look(scanner: Scanner, bytes: Uint8Array | string): readonly Hit[]
  /** Counts hits that are allowed: the one known place. */
  allow(hits: number): void
  /** The same for a place where a secret was planted; it must be found. */
  control(scanner: Scanner, bytes: Uint8Array | string): readonly Hit[]
}

/** A count for one id and kind of place; written once the test file has ended. */
export function leakCount(name: string): LeakCount {
  const counts = { items: 0, places: 0, encodings: 0, searched: 0, hits: 0, 'of these allowed': 0, 'control hits': 0 }
  // A run of other tests alone leaves what was counted before.
  afterAll(async () => {
    if (counts.searched > 0 || counts['control hits'] > 0) await writeCount('leaks', name, counts)
  })
  const bytesOf = (place: Uint8Array | string) => (typeof place === 'string' ? Buffer.from(place) : place)
  return {
    look(scanner, place) {
      const hits = scanner.search(bytesOf(place))
      counts.items = Math.max(counts.items, scanner.items.length)
      counts.encodings = scanner.encodings
      counts.places += 1
      counts.searched += scanner.items.length * scanner.encodings
      counts.hits += hits.length
      return hits
    },
    allow(hits) {
      counts['of these allowed'] += hits
    },
    control(scanner, place) {
      const hits = scanner.search(bytesOf(place))
      counts['control hits'] += hits.length
      return hits
    },
  }
}

/** Counts under a name, in `.peers/FILE.json`. Several test files write into the one file, each its own names. */
export async function writeCount(fileName: 'leaks' | 'kills', name: string, counts: unknown): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${fileName}.json`)
  await withLock(`${file}.lock`, { waitMilliseconds: 10_000 }, async () => {
    const all = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
    const sorted = Object.entries({ ...all, [name]: counts }).sort(([a], [b]) =>
      a.localeCompare(b, 'en', { numeric: true }),
    )
    writeFileSync(`${file}.new`, `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`)
    renameSync(`${file}.new`, file)
  })
}
