// One at a time, and never stuck: F-D06, F-D07.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { type ProcessIdentity, thisProcess } from '../../src/files/process-identity.ts'
import { withLock } from '../../src/files/with-lock.ts'
import { temporaryFolder } from './temporary-folder.ts'

const long = { waitMilliseconds: 60_000 }
const short = { waitMilliseconds: 30 }
const heldOrNot = async (held: boolean): Promise<boolean> => held

/** A lock file whose maker differs from this process in `changes`. */
async function lockOf(changes: Partial<ProcessIdentity>): Promise<string> {
  const path = join(temporaryFolder(), 'lock')
  writeFileSync(path, JSON.stringify({ ...(await thisProcess()), ...changes }))
  return path
}

/** The pid of a process that has ended. */
const endedPid = (): number => spawnSync(process.execPath, ['-e', '']).pid

describe('the lock', () => {
  it('lets one in at a time', async () => {
    const path = join(temporaryFolder(), 'lock')
    let inside = 0
    const seen = await Promise.all(
      Array.from({ length: 8 }, () =>
        withLock(path, long, async () => {
          inside += 1
          await new Promise(setImmediate)
          return inside--
        }),
      ),
    )
    expect(seen).toEqual(Array(8).fill(1))
  })

  it('is gone afterwards, also when the act fails', async () => {
    const folder = temporaryFolder()
    const failing = withLock(join(folder, 'lock'), long, () => Promise.reject(new Error('act failed')))
    await expect(failing).rejects.toThrow('act failed')
    expect(readdirSync(folder)).toEqual([])
  })

  it('is not removed where another process took it over meanwhile', async () => {
    const path = join(temporaryFolder(), 'lock')
    await withLock(path, long, async () => writeFileSync(path, 'of another'))
    expect(readFileSync(path, 'utf8')).toBe('of another')
  })
})

describe('a lock that was left behind is taken over at once', () => {
  const left: [string, () => Partial<ProcessIdentity>][] = [
    ['by a process that ended', () => ({ pid: endedPid() })],
    ['by an earlier process of the same pid', () => ({ started: '1' })],
    ['before the machine was started again', () => ({ boot: 'earlier' })],
  ]
  it.each(left)('%s', async (_by, changes) => {
    const path = await lockOf(changes())
    expect(await withLock(path, long, heldOrNot)).toBe(true)
    expect(existsSync(path)).toBe(false)
  })
})

describe('the act runs without the lock', () => {
  const held: [string, Partial<ProcessIdentity>][] = [
    ['lives, perhaps stopped', {}],
    ['is on another host', { host: 'elsewhere', boot: 'other', pid: 1 }],
    ['is in another container', { namespace: 'pid:[1]', started: '1' }],
  ]
  it.each(held)('after the wait, when its holder %s', async (_where, changes) => {
    const path = await lockOf(changes)
    expect(await withLock(path, short, heldOrNot)).toBe(false)
    expect(existsSync(path)).toBe(true)
  })

  it('at once, when there is no folder for it', async () => {
    expect(await withLock(join(temporaryFolder(), 'none', 'lock'), long, heldOrNot)).toBe(false)
  })

  it('at once, when a folder has its name', async () => {
    const path = join(temporaryFolder(), 'lock')
    mkdirSync(path)
    expect(await withLock(path, long, heldOrNot)).toBe(false)
  })
})

it('is had after the wait, when its file names nobody: who made it was killed before it wrote', async () => {
  const path = join(temporaryFolder(), 'lock')
  writeFileSync(path, '')
  expect(await withLock(path, short, heldOrNot)).toBe(true)
  expect(existsSync(path)).toBe(false)
})

describe('a holder that shows no sign of life', () => {
  const overdue = { waitMilliseconds: 60_000, overdueMilliseconds: 200 }

  it('is taken over from', async () => {
    const path = await lockOf({})
    expect(await withLock(path, overdue, heldOrNot)).toBe(true)
  })

  it('is waited for as long as it shows one', async () => {
    const path = await lockOf({})
    let signs = 0
    // Asked at each turn of the wait.
    const done = (): undefined => {
      signs += 1
      utimesSync(path, signs, signs)
    }
    expect(await withLock(path, { ...overdue, waitMilliseconds: 1000, done }, heldOrNot)).toBe(false)
  })

  it('shows one while a person is asked', async () => {
    const path = join(temporaryFolder(), 'lock')
    const changed = (): number => statSync(path).mtimeMs
    await withLock(path, long, async (_held, whileAlive) => {
      const made = changed()
      await whileAlive(vi.waitUntil(() => changed() !== made, { timeout: 60_000 }))
    })
  })
})

describe('what another holder has done', () => {
  it('ends the wait, and nothing is done again', async () => {
    const path = await lockOf({})
    let asked = 0
    const done = (): string | undefined => (++asked > 3 ? 'done' : undefined)
    expect(await withLock(path, { ...long, done }, async () => 'again')).toBe('done')
    expect(existsSync(path)).toBe(true)
  })

  it('is looked for before the act too', async () => {
    const folder = temporaryFolder()
    const done = (): string => 'done'
    expect(await withLock(join(folder, 'lock'), { ...long, done }, async () => 'again')).toBe('done')
    expect(readdirSync(folder)).toEqual([])
  })
})

it('throws the reason when the wait is aborted', async () => {
  const path = await lockOf({})
  const reason = new Error('enough')
  const controller = new AbortController()
  const waiting = withLock(path, { ...long, signal: controller.signal }, heldOrNot)
  controller.abort(reason)
  await expect(waiting).rejects.toBe(reason)
})
