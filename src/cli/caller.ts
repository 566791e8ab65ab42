// Who asked, as far as the kernel's tables tell. In: nothing, or the owner of a socket. Out: a process and its user, null
// where the kernel does not say. proc(5), /proc/PID and /proc/PID/fd.

import { statSync } from 'node:fs'
import { readdir, readlink } from 'node:fs/promises'

export interface Caller {
  readonly pid: number | null
  /** The user that the process acts as, by its number here. */
  readonly uid: number | null
}

/** The process that started this one; it may be a shell between a tool and us. None where it is outside of a container. */
export function parentCaller(pid: number = process.ppid): Caller {
  if (pid === 0) return { pid: null, uid: null }
  try {
    return { pid, uid: process.platform === 'linux' ? statSync(`/proc/${pid}`).uid : null }
  } catch {
    // It ended meanwhile, or /proc does not show the processes of others.
    return { pid, uid: null }
  }
}

/** The owner of a socket, and a process that has it open: of several one, of another user's none unless we are root. */
export async function socketCaller(
  owner: { readonly uid: number; readonly inode: number } | undefined,
): Promise<Caller> {
  if (owner === undefined) return { pid: null, uid: null }
  const processes = (await names('/proc')).filter((name) => /^[0-9]+$/.test(name))
  // The newest first: a program asks for credentials when it starts.
  for (const pid of processes.map(Number).sort((one, other) => other - one)) {
    if (await hasOpen(pid, `socket:[${owner.inode}]`)) return { pid, uid: owner.uid }
  }
  return { pid: null, uid: owner.uid }
}

async function hasOpen(pid: number, file: string): Promise<boolean> {
  const folder = `/proc/${pid}/fd`
  const targets = await Promise.all((await names(folder)).map((name) => readlink(`${folder}/${name}`).catch(() => '')))
  return targets.includes(file)
}

/** Nothing where it may not be read, or is gone. */
async function names(folder: string): Promise<readonly string[]> {
  return await readdir(folder).catch(() => [])
}
