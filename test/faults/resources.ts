// What a process holds: descriptors, handles, timers, children. In: a moment to compare with. Out: what came to it since and
// was not given back (criterion N7). Read from /proc: Linux, as the faults are.

import { AsyncLocalStorage, createHook } from 'node:async_hooks'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Timers that were set within an act, by whatever it called, and that neither ran nor were cleared. */
export function countTimers(): { count(): number; within<T>(act: () => Promise<T>): Promise<T>; end(): void } {
  const context = new AsyncLocalStorage<true>()
  const pending = new Set<number>()
  const hook = createHook({
    init(id, type) {
      if (type === 'Timeout' && context.getStore() === true) pending.add(id)
    },
    destroy(id) {
      pending.delete(id)
    },
  }).enable()
  return {
    count: () => pending.size,
    within: (act) => context.run(true, act),
    end: () => void hook.disable(),
  }
}

export type Resources = ReadonlyMap<string, number>

/** Descriptors and handles of this process, its children, and the processes that carry the marker. Linux, as the faults. */
export function resources(marker?: string): Resources {
  const counts = new Map<string, number>()
  const names = [...descriptors(), ...process.getActiveResourcesInfo().filter(isHeld), ...processes(marker)]
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

/** Handles that stay until somebody closes them. */
function isHeld(kind: string): boolean {
  return /^(ProcessWrap|PipeWrap|TCPSocketWrap|TCPServerWrap|TLSWrap|TTYWrap|FSEventWrap)$/.test(kind)
}

function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((name) => {
    const target = quiet(() => readlinkSync(`/proc/self/fd/${name}`))
    // The listing's own, and what libuv opens when it likes.
    if (target === undefined || /^(\/proc\/[0-9]+\/fd$|anon_inode:)/.test(target)) return []
    return [`descriptor of ${/^(socket|pipe):/.exec(target)?.[1] ?? target}`]
  })
}

function processes(marker: string | undefined): string[] {
  const pids = readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid)
  return pids.filter((pid) => isOurs(pid) || isMarked(pid, marker)).map(() => 'process')
}

/** A child of this process that runs; one that has ended and is not collected yet does not count. */
function isOurs(pid: string): boolean {
  const stat = quiet(() => readFileSync(`/proc/${pid}/stat`, 'latin1'))
  const [state, parent] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? []
  return state !== 'Z' && Number(parent) === process.pid
}

function isMarked(pid: string, marker: string | undefined): boolean {
  if (marker === undefined) return false
  return quiet(() => readFileSync(`/proc/${pid}/environ`, 'latin1'))?.includes(marker) === true
}

/** The value, or undefined where a process or descriptor ended while it was looked at, or is another user's. */
function quiet<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return undefined
    throw error
  }
}

/** What is held beyond the start value, once there was time to give it back: sentences. */
export async function surplus(
  before: Resources,
  timers: () => number,
  { marker, settleMilliseconds }: { readonly marker?: string | undefined; readonly settleMilliseconds: number },
): Promise<readonly string[]> {
  for (const end = performance.now() + settleMilliseconds; ; await sleep(10)) {
    const more = [...resources(marker)].map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const)
    const left = [...more, ['timer', timers()] as const].filter(([, count]) => count > 0)
    if (left.length === 0) return []
    if (performance.now() > end) return left.map(([name, count]) => `${count} more of: ${name}`)
  }
}
