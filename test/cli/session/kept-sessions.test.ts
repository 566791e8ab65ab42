// Sessions that are kept between runs of `hardkey credential-process`, against an STS on loopback that counts. Each test has
// a runtime folder of its own, in memory.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { thisProcess } from '../../../src/files/process-identity.ts'
import { folderInMemory } from '../../files/temporary-folder.ts'
import { CheckedIn, role } from '../checked-in.ts'
import type { Ran } from '../hardkey.ts'

let there: CheckedIn
let folder: string
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterAll(() => there.remove())
beforeEach(() => {
  folder = folderInMemory()
  return () => rmSync(folder, { recursive: true })
})

const ask = (...words: string[]): Promise<Ran> =>
  there.home.run(['credential-process', 'prod', ...words], { environment: { HARDKEY_CACHE_DIR: folder } })

const clear = (...words: string[]): Promise<Ran> =>
  there.home.run(['cache', 'clear', ...words], { environment: { HARDKEY_CACHE_DIR: folder } })

/** Runs the acts one after another; gives what they printed and how often STS was asked. */
async function asked(...acts: (() => Promise<Ran>)[]): Promise<{ printed: string[]; calls: number; errors: string }> {
  const before = there.sts.accepted()
  const printed: string[] = []
  let errors = ''
  for (const act of acts) {
    const { stdout, stderr } = await act()
    printed.push(stdout)
    errors += stderr
  }
  return { printed, calls: there.sts.accepted() - before, errors }
}

const sessions = (): string[] => readdirSync(folder).filter((name) => name.startsWith('session-'))

describe('a kept session', () => {
  it('is given to the next run, byte for byte, without a call or a PIN', async () => {
    const { printed, calls } = await asked(
      () => ask(),
      () => ask('--pin-source', 'file:/nonexistent/pin'),
      () => ask(),
    )
    expect(calls).toBe(1)
    expect(new Set(printed).size).toBe(1)
    expect(JSON.parse(printed[0] ?? '')).toMatchObject({ Version: 1 })
  })

  it('lies in one file that its owner alone can read, beside nothing else of the secret', async () => {
    await ask()
    const [name = ''] = sessions()
    expect(sessions()).toHaveLength(1)
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(folder, name), 'utf8')).not.toContain(there.secretAccessKey)
  })

  it.each([
    ['role', ['--role-arn', role]],
    ['session name', ['--role-arn', role, '--role-session-name', 'nightly']],
    ['duration', ['--duration', '2h']],
    ['external ID', ['--role-arn', role, '--external-id', 'x-1']],
    ['policy', ['--role-arn', role, '--policy', '{"Version":"2012-10-17","Statement":[]}']],
    ['tag', ['--role-arn', role, '--tag', 'team=blue']],
    ['region', ['--region', 'eu-central-1']],
    ['federated user', ['--federation-name', 'visitor']],
  ])('is not that of another %s', async (_what, words) => {
    const { calls, printed } = await asked(
      () => ask(),
      () => ask(...words),
      () => ask(...words),
    )
    expect(calls).toBe(2)
    expect(printed[1]).toBe(printed[2])
  })

  it('is passed over with --no-cache, and stays', async () => {
    const { printed, calls } = await asked(
      () => ask(),
      () => ask('--no-cache'),
      () => ask(),
    )
    expect(calls).toBe(2)
    expect(printed[2]).toBe(printed[0])
  })

  it('is not kept where --cache-dir says none', async () => {
    const none = (): Promise<Ran> => ask('--cache-dir', 'none')
    expect((await asked(none, none)).calls).toBe(2)
    expect(readdirSync(folder)).toEqual([])
  })

  it('under 20 minutes is not kept for long, and each run is warned', async () => {
    const { errors } = await asked(() => ask('--duration', '15m'))
    expect(errors).toContain('a session under 30 minutes')
  })
})

describe('cache clear', () => {
  const left = (name: string, text = ''): void => writeFileSync(join(folder, name), text, { mode: 0o600 })

  it('leaves nothing but refused PINs, and locks that somebody holds', async () => {
    await ask()
    await ask('--role-arn', 'nonsense')
    const gone = { host: hostname(), boot: 'another', namespace: '', pid: 1, started: '1' }
    const ended = JSON.stringify(gone)
    left('lock-0', ended)
    left('lock-0.7-1', ended)
    left('pin-0.lock', ended)
    left('failure-0')
    left('.start-0.new-1-1')
    mkdirSync(join(folder, 'hardkey-exec-0'))
    writeFileSync(join(folder, 'hardkey-exec-0', 'owner'), ended)
    left('pin-0', 'refused')
    left('lock-1', JSON.stringify(await thisProcess()))
    const { stdout, status } = await clear()
    expect([stdout, status]).toEqual([`removed 1 session from ${folder}\n`, 0])
    expect(readdirSync(folder).sort()).toEqual(['lock-1', 'pin-0'])
  })

  it('of one key leaves the rest', async () => {
    await ask()
    left('failure-0')
    await clear('prod')
    expect(readdirSync(folder)).toEqual(['failure-0'])
  })
})

describe('F-D09: after a rotation', () => {
  /** The record has another key for as long as the act takes. */
  async function rotated<T>(act: () => Promise<T>): Promise<T> {
    const path = join(there.home.records, 'prod.json')
    const record = readFileSync(path, 'utf8')
    writeFileSync(path, record.replace(/"check": "[0-9a-f]{16}"/, '"check": "0011223344556677"'))
    return await act().finally(() => writeFileSync(path, record))
  }

  it('the session of the old key is not given', async () => {
    const before = await ask()
    const after = await rotated(ask)
    expect(after.status).toBe(0)
    expect(after.stdout).not.toBe(before.stdout)
  })

  it('cache clear finds the sessions of both keys by the name of the record', async () => {
    await ask()
    const { stdout } = await rotated(async () => {
      await ask()
      return await clear('prod')
    })
    expect([stdout, sessions()]).toEqual([`removed 2 sessions from ${folder}\n`, []])
  })
})

describe('F-D02: a file of the cache that is', () => {
  it.each([
    ['a link', (path: string) => symlinkSync(`${path}.elsewhere`, path)],
    ['a folder', (path: string) => mkdirSync(path)],
    [
      'readable by others',
      (path: string) => {
        writeFileSync(path, '')
        chmodSync(path, 0o644)
      },
    ],
  ])('%s is not used, and the session is given', async (_what, spoil) => {
    const first = await ask()
    const path = join(folder, sessions()[0] ?? '')
    const whole = readFileSync(path)
    rmSync(path)
    writeFileSync(`${path}.elsewhere`, whole, { mode: 0o600 })
    spoil(path)
    const { stdout, status } = await ask()
    expect(status).toBe(0)
    expect(stdout).not.toBe(first.stdout)
  })
})

describe('F-D02: a folder that is not safe', () => {
  it('is refused where the user chose it', async () => {
    chmodSync(folder, 0o755)
    const { status, stdout, stderr } = await ask()
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toMatch(
      /^hardkey: error: the cache folder ".*" is open to others \(mode 0755\): chmod 700\nhardkey: hint: /,
    )
  })

  it('is passed over with a step where the environment names it', async () => {
    chmodSync(folder, 0o755)
    const environment = { HARDKEY_CACHE_DIR: '', RUNTIME_DIRECTORY: folder, XDG_RUNTIME_DIR: folder }
    const { status, stderr } = await there.home.run(['credential-process', 'prod', '--verbose'], { environment })
    expect(status).toBe(0)
    expect(stderr).toMatch(/hardkey: (step|warning): .*is open to others/)
  })
})

it('F-D08: without a home and a runtime folder the session is given from memory', async () => {
  const environment = { HARDKEY_CACHE_DIR: 'none', HOME: '/nonexistent' }
  expect((await there.home.run(['credential-process', 'prod'], { environment })).status).toBe(0)
  expect(existsSync('/nonexistent')).toBe(false)
})
