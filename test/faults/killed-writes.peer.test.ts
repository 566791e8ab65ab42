// credential-process killed or interrupted while it writes into the runtime folder. The folder holds a session with 14 minutes
// left; at every moment there is that one or the new one, whole, and the next start gives a good one.

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { formatSession, parseSession } from '../../src/credentials/kept-session.ts'
import type { Ran } from '../cli/hardkey.ts'
import { folderInMemory } from '../files/temporary-folder.ts'
import { recorded } from '../leaks/recorded.ts'
import { FaultyCommand, isSession } from './commands.ts'

vi.setConfig({ testTimeout: 600_000 })

/** What changes the folder; the many writes to pipes stand between those to files, so the short form takes some. */
const points = ['fsync', 'rename', 'unlink', 'openat', 'write'] as const
const step = (point: string): number => (process.env.TEST_LONG === '1' || !['openat', 'write'].includes(point) ? 1 : 7)
/** No start makes more of one kind in one thread. */
const most = 400

let command: FaultyCommand
let folder: string
let old: { readonly name: string; readonly text: string; readonly request: string }
beforeAll(async () => {
  command = await FaultyCommand.make()
})
afterAll(() => command?.remove())

const words = ['credential-process', 'prod']
// strace counts the calls of each thread: libuv shall do the work of files in one.
const environment = () => ({ ...command.environment, HARDKEY_CACHE_DIR: folder, UV_THREADPOOL_SIZE: '1' })
const ask = (): Promise<Ran> => command.run(words, { environment: environment() })

beforeEach(async () => {
  folder = folderInMemory()
  expect(isSession(await ask())).toBe(true)
  const name = readdirSync(folder).find((one) => one.startsWith('session-')) ?? ''
  const text = readFileSync(join(folder, name), 'utf8')
  const { request } = JSON.parse(text.slice(9))
  const session = parseSession(text, request)
  if (session === undefined) throw new Error('no session is kept')
  const credentials = { ...session.credentials, expiration: new Date(Date.now() + 14 * 60_000) }
  old = { name, request, text: formatSession({ ...session, credentials }) }
  return () => rmSync(folder, { recursive: true })
})

/** Nothing but the old session is there. */
function reset(): void {
  for (const name of readdirSync(folder)) rmSync(join(folder, name))
  writeFileSync(join(folder, old.name), old.text, { mode: 0o600 })
}

/** What is wrong with the folder. */
function faults(): string[] {
  const text = readFileSync(join(folder, old.name), 'utf8')
  const isWhole = text === old.text || parseSession(text, old.request) !== undefined
  const left = readdirSync(folder).filter((name) => name.includes('.new-'))
  return [...(isWhole ? [] : ['a mix of old and new']), ...(left.length > 1 ? [`${left.length} files are left`] : [])]
}

describe('killed by SIGKILL', () => {
  it.each(points)('F-D04: at each %s leaves the old session or the new one', async (point) => {
    const found: string[] = []
    let kills = 0
    for (let when = 1; when <= most; when += step(point)) {
      reset()
      const options = ['-e', `trace=${point}`, '-e', `inject=${point}:signal=SIGKILL:when=${when}`]
      const home = command.home.environment(environment())
      const { status } = await recorded(words, { environment: home, folder: command.home.folder, options })
      found.push(...faults())
      if (status === 0) break
      kills += 1
    }
    expect(found).toEqual([])
    expect(kills).toBeGreaterThan(0)
    // The lock of the killed one is taken over, and what it left is no obstacle.
    expect(isSession(await ask())).toBe(true)
  })
})

describe('a signal', () => {
  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('F-W06: %s in the midst of the write leaves a session and no lock', async (signal, status) => {
    const ends = new Set<number | string>()
    for (let when = 1; when <= 6; when++) {
      reset()
      const options = ['-e', 'trace=fsync', '-e', `inject=fsync:signal=${signal}:when=${when}`]
      const home = command.home.environment(environment())
      const ran = await recorded(words, { environment: home, folder: command.home.folder, options })
      ends.add(ran.status)
      expect(faults()).toEqual([])
      expect(readdirSync(folder).filter((name) => name.startsWith('lock-') || name.endsWith('.lock'))).toEqual([])
      if (ran.status !== 0) expect(ran.stdout).toBe('')
    }
    expect([...ends].filter((end) => end !== status && end !== 0)).toEqual([])
  })
})
