// `hardkey forget NAME` as a user sees it: with the record go the sessions that are kept of its key, and what led to them.

import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { folderInMemory } from '../files/temporary-folder.ts'
import { CheckedIn, role } from './checked-in.ts'
import type { Ran } from './hardkey.ts'

let there: CheckedIn
let folder: string
beforeEach(async () => {
  there = await CheckedIn.make()
  folder = folderInMemory()
})
afterEach(async () => {
  rmSync(folder, { recursive: true })
  await there.remove()
})

const run = (...words: string[]): Promise<Ran> => there.home.run(words, { environment: { HARDKEY_CACHE_DIR: folder } })

/** A session for each of some words; those of the first wait until the start is remembered too. */
async function sessionsAreKept(...all: string[][]): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 2100))
  for (const words of all) expect((await run('credential-process', ...words)).status).toBe(0)
}

const kept = (): string[] => readdirSync(folder).filter((name) => /session-|start-/.test(name))

describe('forget', () => {
  it('takes away the kept sessions of the key with the starts that lead to them, and says so', async () => {
    await sessionsAreKept(['prod'], ['prod', '--role-arn', role])
    expect(kept()).toHaveLength(4)
    const { stdout, status } = await run('forget', 'prod')
    expect({ status, kept: kept() }).toEqual({ status: 0, kept: [] })
    expect(stdout).toContain('removed 2 kept sessions; who was handed one before has it until it ends\n')
  })

  it('takes away those of a key that the record named before', async () => {
    await sessionsAreKept(['prod'])
    const path = join(there.home.records, 'prod.json')
    writeFileSync(path, readFileSync(path, 'utf8').replace(/"check": "[0-9a-f]{16}"/, '"check": "0011223344556677"'))
    expect((await run('forget', 'prod')).stdout).toContain('removed 1 kept session; ')
    expect(kept()).toEqual([])
  })

  it('tells their number with --json', async () => {
    await sessionsAreKept(['prod'])
    expect(JSON.parse((await run('forget', 'prod', '--json')).stdout)).toMatchObject({ name: 'prod', sessions: 1 })
  })

  it('leaves the sessions of another record alone, and says nothing of none', async () => {
    const uri = there.keyUri('other.keyset.json')
    const words = [
      '--to',
      uri,
      '--access-key-id',
      there.accessKeyId,
      '--from',
      'stdin',
      '--endpoint-url',
      there.sts.url,
    ]
    const input = there.secretAccessKey
    expect((await there.home.run(['import', 'other', '--region', 'eu-west-1', ...words], { input })).status).toBe(0)
    await sessionsAreKept(['prod'])
    const before = kept()
    expect((await run('forget', 'other')).stdout).not.toContain('session')
    expect(kept()).toEqual(before)
  })

  it('goes on with a warning where they cannot be removed', async () => {
    await sessionsAreKept(['prod'])
    chmodSync(folder, 0o755)
    const { stdout, stderr, status } = await run('forget', 'prod')
    expect({ status, kept: kept().length }).toEqual({ status: 0, kept: 2 })
    expect(stdout).toContain('forgot prod')
    expect(stderr).toContain('hardkey: warning: kept sessions of prod may be left: ')
    expect(() => readFileSync(join(there.home.records, 'prod.json'))).toThrow('ENOENT')
  })
})
