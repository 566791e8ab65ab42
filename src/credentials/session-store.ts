// Sessions between two runs: one file for each in the runtime folder, 0600, replaced as a whole, a bounded number of them. In:
// a folder, or none. Out: what was kept of a request. Without a folder a store remembers for its own time.

import { readdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileFailure, systemCode } from '../files/file-failure.ts'
import { keepNewest } from '../files/keep-newest.ts'
import { readPrivate } from '../files/read-private.ts'
import { replaceAtomically } from '../files/replace-atomically.ts'
import { fingerprint } from '../files/stamp.ts'
import { formatSession, type KeptSession, maxSessionBytes, parseSession } from './kept-session.ts'

/** More roles than anyone uses on one machine within an hour. */
const mostSessions = 256

const prefix = 'session-'

export interface SessionStore {
  /** The last session of this request, ended or not; undefined where there is none. */
  read(request: string): KeptSession | undefined
  /** Keeps it in place of the last. What prevents that is told and no failure. */
  write(session: KeptSession): Promise<void>
}

/** The store in a folder. The first line of a request is a name, by which its sessions are found whatever the rest says. */
export function sessionStore(folder: string | undefined, tell: (failure: unknown) => void): SessionStore {
  const remembered = new Map<string, KeptSession>()
  return {
    read: (request) => later(folder === undefined ? undefined : keptSession(folder, request), remembered.get(request)),
    write: async (session) => {
      remembered.set(session.request, session)
      const bytes = Buffer.from(formatSession(session))
      if (folder === undefined || bytes.length > maxSessionBytes) return
      try {
        const path = join(folder, fileName(session.request))
        await replaceAtomically(path, bytes, { followLinks: false, code: 'ERR_CACHE_UNSAFE' })
        keepNewest(folder, prefix, mostSessions)
      } catch (error) {
        tell(error)
      }
    },
  }
}

/** Where the folder took no more, what was remembered is the newer one. */
function later(kept: KeptSession | undefined, remembered: KeptSession | undefined): KeptSession | undefined {
  if (kept === undefined || remembered === undefined) return kept ?? remembered
  return kept.since >= remembered.since ? kept : remembered
}

/** The session of this request in the folder. */
export function keptSession(folder: string, request: string): KeptSession | undefined {
  const text = readPrivate(join(folder, fileName(request)), maxSessionBytes)
  return text === undefined ? undefined : parseSession(text, request)
}

/** True where something is kept under the name that is the first line of requests. */
export function hasSessions(folder: string, name: string): boolean {
  return sessionFiles(folder, name).length > 0
}

/** Removes the sessions of a name, or all, and gives their number. @throws ERR_CACHE_UNSAFE where the disk refuses */
export function removeSessions(folder: string, name?: string): number {
  return sessionFiles(folder, name).filter((file) => removed(join(folder, file))).length
}

function sessionFiles(folder: string, name: string | undefined): readonly string[] {
  const beginning = name === undefined ? prefix : namePrefix(name)
  try {
    // One that a killed write left begins with a point.
    return readdirSync(folder).filter((file) => file.replace(/^\./, '').startsWith(beginning))
  } catch (error) {
    throw fileFailure('read', folder, 'ERR_CACHE_UNSAFE', error)
  }
}

function removed(path: string): boolean {
  try {
    unlinkSync(path)
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw fileFailure('write', path, 'ERR_CACHE_UNSAFE', error)
  }
}

const namePrefix = (name: string): string => `${prefix}${fingerprint(name)}-`

function fileName(request: string): string {
  return `${namePrefix(request.split('\n', 1)[0] ?? '')}${fingerprint(request)}`
}
