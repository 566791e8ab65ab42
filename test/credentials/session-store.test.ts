// The folder of kept sessions: what is in it, how many, and what a write that was cut short leaves.

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { KeptSession } from '../../src/credentials/kept-session.ts'
import { hasSessions, keptSession, removeSessions, sessionStore } from '../../src/credentials/session-store.ts'
import { folderInMemory } from '../files/temporary-folder.ts'

let folder: string
beforeEach(() => {
  folder = folderInMemory()
  return () => rmSync(folder, { recursive: true })
})

const refuse = (failure: unknown): never => {
  throw failure
}

function sessionOf(request: string, secretAccessKey = 'secret'): KeptSession {
  const expiration = new Date('2026-11-30T13:00:00Z')
  const credentials = { accessKeyId: 'ASIAEXAMPLE', secretAccessKey, sessionToken: 'token', expiration }
  return { request, credentials, clockOffset: 0, lasts: 3_600_000, since: 1 }
}

describe('a store', () => {
  it('gives to another process what it wrote, 0600', async () => {
    await sessionStore(folder, refuse).write(sessionOf('key\na'))
    expect(sessionStore(folder, refuse).read('key\na')).toEqual(sessionOf('key\na'))
    expect(readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777)).toEqual([0o600])
  })

  it('without a folder remembers for its own time', async () => {
    const store = sessionStore(undefined, refuse)
    await store.write(sessionOf('key\na'))
    expect([store.read('key\na'), store.read('key\nb')]).toEqual([sessionOf('key\na'), undefined])
  })

  it('forgets the sessions of one key, or all', async () => {
    const store = sessionStore(folder, refuse)
    for (const request of ['one\na', 'one\nb', 'two\na']) await store.write(sessionOf(request))
    expect([hasSessions(folder, 'one'), removeSessions(folder, 'one'), hasSessions(folder, 'one')]).toEqual([
      true,
      2,
      false,
    ])
    expect(removeSessions(folder)).toBe(1)
    expect(readdirSync(folder)).toEqual([])
  })

  it('F-D10: leaves 256 of 10,000, and the newest', async () => {
    for (let at = 0; at < 10_000; at++) writeFileSync(join(folder, `session-${at}`), '')
    const store = sessionStore(folder, refuse)
    for (const request of ['key\na', 'key\nb']) await store.write(sessionOf(request))
    expect(readdirSync(folder)).toHaveLength(256)
    expect([keptSession(folder, 'key\na'), keptSession(folder, 'key\nb')]).not.toContain(undefined)
  })

  it('F-D01: that takes no file tells, and remembers', async () => {
    const told: unknown[] = []
    const store = sessionStore(join(folder, 'session-in-the-way'), (failure) => told.push(failure))
    writeFileSync(join(folder, 'session-in-the-way'), '')
    await store.write(sessionOf('key\na'))
    expect(told).toHaveLength(1)
    expect(store.read('key\na')).toBeDefined()
  })
})

describe('F-D03: what lies under the name of a session', () => {
  it('of another key, copied, is not used', async () => {
    const store = sessionStore(folder, refuse)
    await store.write(sessionOf('key\na'))
    const [first = ''] = readdirSync(folder)
    await store.write(sessionOf('key\nb'))
    const second = readdirSync(folder).find((name) => name !== first) ?? ''
    writeFileSync(join(folder, second), readFileSync(join(folder, first)))
    expect(keptSession(folder, 'key\nb')).toBeUndefined()
  })

  it('and is damaged is replaced', async () => {
    const store = sessionStore(folder, refuse)
    await store.write(sessionOf('key\na'))
    writeFileSync(join(folder, readdirSync(folder)[0] ?? ''), '')
    expect(keptSession(folder, 'key\na')).toBeUndefined()
    await store.write(sessionOf('key\na'))
    expect(keptSession(folder, 'key\na')).toBeDefined()
  })
})

/** What a disk holds after a power cut: a file with so many of its bytes, under its first or its last name. */
describe('F-D05: after a power cut in the midst of a write', () => {
  it('at every byte and before the new name, the old session is read; after it the new one', async () => {
    const store = sessionStore(folder, refuse)
    await store.write(sessionOf('key\na', 'old'))
    const [name = ''] = readdirSync(folder)
    const old = readFileSync(join(folder, name))
    await store.write(sessionOf('key\na', 'new'))
    const whole = readFileSync(join(folder, name))
    for (let length = 0; length <= whole.length; length++) {
      writeFileSync(join(folder, name), old)
      writeFileSync(join(folder, `.${name}.new-1-1`), whole.subarray(0, length), { mode: 0o600 })
      expect(keptSession(folder, 'key\na')?.credentials.secretAccessKey).toBe('old')
      // The name without all of the bytes, as a disk that is not asked to sync may have it.
      renameSync(join(folder, `.${name}.new-1-1`), join(folder, name))
      const read = keptSession(folder, 'key\na')?.credentials.secretAccessKey
      expect(read).toBe(length === whole.length ? 'new' : undefined)
    }
  })
})

it('F-D02: a folder under the name of a session is left alone, and told of', async () => {
  const told: unknown[] = []
  const store = sessionStore(folder, (failure) => told.push(failure))
  await store.write(sessionOf('key\na'))
  const [name = ''] = readdirSync(folder)
  rmSync(join(folder, name))
  mkdirSync(join(folder, name))
  await store.write(sessionOf('key\na'))
  expect(told).toMatchObject([{ code: 'ERR_CACHE_UNSAFE', serviceCode: 'EISDIR' }])
  expect(readdirSync(folder)).toEqual([name])
})
