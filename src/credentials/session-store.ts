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

/** The store in a folder. The first line of a request names the key, so that the sessions of one key can be found. */
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

/** True where something is kept of the key that the first line of requests names. */
export function hasSessions(folder: string, key: string): boolean {
  return sessionFiles(folder, key).length > 0
}

/** Removes the sessions of a key, or of all, and gives their number. @throws ERR_CACHE_UNSAFE where the disk refuses */
export function removeSessions(folder: string, key?: string): number {
  return sessionFiles(folder, key).filter((name) => removed(join(folder, name))).length
}

function sessionFiles(folder: string, key: string | undefined): readonly string[] {
  const beginning = key === undefined ? prefix : keyPrefix(key)
  try {
    // One that a killed write left begins with a point.
    return readdirSync(folder).filter((name) => name.replace(/^\./, '').startsWith(beginning))
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

const keyPrefix = (key: string): string => `${prefix}${fingerprint(key)}-`

function fileName(request: string): string {
  return `${keyPrefix(request.split('\n', 1)[0] ?? '')}${fingerprint(request)}`
}
