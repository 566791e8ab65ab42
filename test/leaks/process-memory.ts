// The memory of another process, searched from outside. In: its number, a scanner. Out: the copies that are there. Linux
// alone; a process that has made itself undumpable, as the one of a PKCS#11 module, shows its memory to root only.

import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Hit } from './scanner.ts'

const pieceBytes = 1 << 24
/** Longer than any needle: what lies across two pieces is seen in the second. */
const overlapBytes = 1 << 10

/** Calls `look` with each piece of memory that the process can write to. */
export function memoryOf(pid: number, look: (piece: Uint8Array) => readonly Hit[]): readonly Hit[] {
  const memory = quietly(() => openSync(`/proc/${pid}/mem`, 'r'), undefined)
  // It has ended meanwhile.
  if (memory === undefined) return []
  const room = Buffer.allocUnsafeSlow(pieceBytes)
  const hits: Hit[] = []
  try {
    for (const [from, to] of writableRanges(pid)) {
      for (let at = from; at < to; at += pieceBytes - overlapBytes) {
        const length = quietly(() => readSync(memory, room, 0, Math.min(room.length, to - at), at), 0)
        const found = look(room.subarray(0, length)).map((hit) => ({ ...hit, at: hit.at + at }))
        const seen = new Set(hits.map(placeOf))
        hits.push(...found.filter((hit) => !seen.has(placeOf(hit))))
      }
    }
    return hits
  } finally {
    room.fill(0)
    closeSync(memory)
  }
}

const placeOf = ({ item, at }: Hit): string => `${item} ${at}`

function writableRanges(pid: number): readonly (readonly [number, number])[] {
  const maps = quietly(() => readFileSync(`/proc/${pid}/maps`, 'latin1'), '')
  return Array.from(maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm), ([, from = '', to = '']) => [
    Number.parseInt(from, 16),
    Number.parseInt(to, 16),
  ])
}

/** Copies of each item: `{ secret: 1 }`, with the encoding where it is not the plain bytes. */
export function copiesByItem(hits: readonly Hit[]): Readonly<Record<string, number>> {
  const copies: Record<string, number> = {}
  for (const { item, encoding } of hits) {
    const name = encoding.startsWith('raw') ? item : `${item}, ${encoding}`
    copies[name] = (copies[name] ?? 0) + 1
  }
  return copies
}

/** Three looks in a row. */
const looksAtRest = 3

/** Until the process has nothing left to do but wait: every thread sleeps, and none has computed from one look to the next. */
export async function untilAtRest(pid: number): Promise<void> {
  let before = ''
  for (let equal = 0; equal < looksAtRest; await sleep(100)) {
    const now = quietly(() => threadsOf(pid), '')
    equal = now === before && !/^\d+ [^S]/m.test(now) ? equal + 1 : 0
    before = now
  }
}

/** A line for each thread: its number, its state, the time it has computed. proc_pid_stat(5), fields 3, 14 and 15. */
function threadsOf(pid: number): string {
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const [, fields = ''] = /.*\) (.*)/.exec(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1')) ?? []
    const [state, ...rest] = fields.split(' ')
    return `${thread} ${state} ${rest[10]} ${rest[11]}`
  })
  return threads.join('\n')
}

/** Whether this process may look into the memory of a process. */
export function mayRead(pid: number): boolean {
  return quietly(() => {
    closeSync(openSync(`/proc/${pid}/mem`, 'r'))
    return true
  }, false)
}

/** The value, or another where the process or page is gone, belongs to the kernel, or to somebody else. */
export function quietly<T>(look: () => T, otherwise: T): T {
  try {
    return look()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (/^(ENOENT|ESRCH|EACCES|EPERM|EIO|EFAULT)$/.test(code)) return otherwise
    throw error
  }
}
