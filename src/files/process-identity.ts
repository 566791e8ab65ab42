// Which process holds a lock, so that another one can tell later whether it is still the same. In: /proc (Linux) or the pid
// alone elsewhere. Out: an identity that survives a reused pid, a reboot, a container and a shared disk (F-D07).

import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { systemCode } from './file-failure.ts'

/** One process, told apart from every later one with the same pid. Empty texts where the system does not say. */
export interface ProcessIdentity {
  readonly host: string
  /** Changes with each boot of the kernel. */
  readonly boot: string
  /** The pid namespace: the same pid means another process in another container. */
  readonly namespace: string
  readonly pid: number
  /** Clock ticks from boot to the start of the process: proc(5), /proc/PID/stat, field 22. */
  readonly started: string
}

/** The process that runs this. */
export async function thisProcess(): Promise<ProcessIdentity> {
  const [boot, namespace, started] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'latin1').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
    startOf(process.pid),
  ])
  return { host: hostname(), boot: boot.trim(), namespace, pid: process.pid, started: started ?? '' }
}

/**
 * True only where the process certainly ended: same host and another boot, or same host, boot and pid namespace and no such
 * process or a later one. False where it lives (stopped too), and where it cannot be known.
 */
export async function hasEnded(other: ProcessIdentity, mine: ProcessIdentity): Promise<boolean> {
  if (other.host !== mine.host) return false
  if (other.boot !== mine.boot) return true
  if (other.namespace !== mine.namespace) return false
  if (mine.started === '') return !isRunning(other.pid)
  return (await startOf(other.pid)) !== other.started
}

async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined)
  // The second field is the program's name in brackets and may hold blanks and brackets; the third follows the last one.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[22 - 3]
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: it runs as another user.
    return systemCode(error) !== 'ESRCH'
  }
}
