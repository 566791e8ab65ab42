// `hardkey exec` with AWS files of its own for the program: what it does not see then, and what is left of them.

import { once } from 'node:events'
import { readdirSync, rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { folderInMemory } from '../files/temporary-folder.ts'
import { CheckedIn } from './checked-in.ts'
import type { Ran, RunOptions } from './hardkey.ts'

// Each run opens an embedded keyset, whose passphrase is slow to try on purpose.
let there: CheckedIn
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterAll(() => there.remove())

const exec = (words: readonly string[], options?: RunOptions): Promise<Ran> =>
  there.home.run(['exec', 'prod', ...words], options)

/** Words that run this program of Node. */
const node = (program: string): readonly string[] => ['--', process.execPath, '-e', program]

const botoConfig = async (words: readonly string[], options?: RunOptions): Promise<string> =>
  (await exec([...words, ...node('console.log(process.env.BOTO_CONFIG)')], options)).stdout

describe('a key of boto 2', () => {
  it('is refused, since the SDK for Python would take it, and is not seen with --isolate-config', async () => {
    const path = there.home.write('.boto', '[Credentials]\naws_access_key_id = AKIAABCDEFGHIJKLMNOP\n')
    const { stderr, status } = await exec(node(''))
    const isolated = await botoConfig(['--isolate-config'])
    const elsewhere = await botoConfig([], { environment: { BOTO_CONFIG: '' } })
    rmSync(path)
    expect(stderr).toContain('hardkey: error: the SDK for Python signs in by aws_access_key_id, which would win')
    expect(stderr).toContain(`${path}:2: give the program`)
    expect([status, isolated, elsewhere]).toEqual([2, '/dev/null\n', '\n'])
  })
})

describe('a folder of --isolate-config', () => {
  it('that a killed exec left is removed by the next one, and that of a living one stays', async () => {
    const folder = folderInMemory()
    const environment = { HARDKEY_CACHE_DIR: folder }
    const program = node('console.log(1); setTimeout(() => {}, 60_000)')
    const lasting = there.home.start(['exec', 'prod', '--isolate-config', ...program], { environment })
    const killed = there.home.start(['exec', 'prod', '--isolate-config', ...program], { environment })
    const left = (): string[] => readdirSync(folder).filter((name) => name.startsWith('hardkey-exec-'))
    try {
      await Promise.all([lasting, killed].map((child) => once(child.stdout ?? child, 'data')))
      expect(left()).toHaveLength(2)
      process.kill(-(killed.pid ?? 0), 'SIGKILL')
      await once(killed, 'exit')
      expect(left()).toHaveLength(2)
      await exec(['--isolate-config', ...node('')], { environment })
      expect(left()).toHaveLength(1)
    } finally {
      process.kill(-(lasting.pid ?? 0), 'SIGTERM')
      await once(lasting, 'exit')
      rmSync(folder, { recursive: true })
    }
  })
})
