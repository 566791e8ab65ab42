// A power cut at every system call of a rotation, an import and a change of settings, on a disk that forgets what was not
// synced (forgetful-disk.ts). In: the built command under strace. Out: always a key that works, by what lies on each such
// disk, and by the command itself on a sample of them, on all in the long run. F-R06, F-D05.

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { CommandHome } from '../cli/hardkey.ts'
import { Rotating } from '../rotation/rotating.ts'
import { type Disk, type Done, diskOf, ForgetfulDisk, tracedRun } from './forgetful-disk.ts'

const isLong = process.env.TEST_LONG === '1'
vi.setConfig({ testTimeout: isLong ? 3_600_000 : 300_000 })

/** Disks on which the command itself is tried. */
const sample = isLong ? Number.POSITIVE_INFINITY : 6

let at: Rotating
afterEach(() => at?.remove())

/** Locks are of no worth after a power cut. */
const counts = (path: string): boolean => !path.endsWith('.lock')

/** What a file lacks that took the place of another: content on the disk before its name, and the name before what follows. */
function unsynced(done: readonly Done[]): { readonly named: readonly string[]; readonly missing: readonly string[] } {
  const names = done.flatMap(({ act, path, to }, index) =>
    act === 'renamed' || act === 'linked' ? [{ path, to, index }] : [],
  )
  const missing = names.flatMap(({ path, to, index }) => {
    const of = done.map((one, when) => (one.path === path && when < index ? one.act : undefined))
    const isSafe = of.lastIndexOf('synced') > of.lastIndexOf('written') && of.includes('written')
    const next = done.slice(index + 1).find(({ act, path: other }) => act !== 'unlinked' || other !== path)
    const isNamed = next?.act === 'synced' && next.path === dirname(to)
    return [...(isSafe ? [] : [`content of ${basename(to)}`]), ...(isNamed ? [] : [`name of ${basename(to)}`])]
  })
  return { named: [...new Set(names.map(({ to }) => basename(to)))].sort(), missing }
}

interface Cut<T> {
  readonly disk: Disk
  /** What the servers had by then. */
  readonly server: T
}

/** Every distinct disk after a cut at each call; `servers`: the state after so many requests. */
function cuts<T>(home: CommandHome, before: Disk, done: readonly Done[], servers: readonly T[]): readonly Cut<T>[] {
  const model = new ForgetfulDisk(home.folder, before)
  const found = new Map<string, Cut<T>>()
  let asked = 0
  for (const one of [undefined, ...done.filter(({ path }) => counts(path))]) {
    if (one !== undefined) model.do(one)
    if (one?.act === 'asked') asked += 1
    const server = servers[asked] ?? expect.fail(`request ${asked} was not seen by the server`)
    for (const disk of model.disks()) {
      const text = [...disk].map(([path, bytes]) => `${path} ${bytes?.toString('base64')}`)
      found.set(JSON.stringify([asked, ...text.sort()]), { disk, server })
    }
  }
  return [...found.values()]
}

/** So many of them, from first to last. */
function some<T>(all: readonly T[]): readonly T[] {
  const step = Math.max(1, all.length / sample)
  return Array.from({ length: Math.min(all.length, sample) }, (_, nth) => all[Math.floor((nth + 0.5) * step)] as T)
}

function putOn(home: CommandHome, disk: Disk): void {
  for (const name of readdirSync(home.folder)) rmSync(join(home.folder, name), { recursive: true })
  for (const [path, content] of [...disk].sort(([one], [other]) => one.length - other.length)) {
    if (content === undefined) mkdirSync(path, { mode: 0o700 })
    else writeFileSync(path, content, { mode: 0o600 })
  }
}

/** The record `prod`, where it and its keyset are whole. */
function keyOn(home: CommandHome, disk: Disk): string | undefined {
  const parsed = (name: string) => {
    const content = disk.get(join(home.records, name))?.toString()
    try {
      return content === undefined ? undefined : JSON.parse(content)
    } catch {
      return undefined
    }
  }
  const record = parsed('prod.json')
  const [, file = ''] = /^tink:file=([^?]+)/.exec(record?.uri ?? '') ?? []
  return parsed(decodeURIComponent(file)) === undefined ? undefined : record.accessKeyId
}

type Keys = ReadonlyMap<string, { readonly active: boolean }>

/** The keys after each request, from none on. */
function keysAfterEach({ iam }: Rotating): {
  readonly keys: (typeof iam.keys)[]
  readonly copy: () => typeof iam.keys
} {
  const copy = (): typeof iam.keys => new Map([...iam.keys].map(([id, key]) => [id, { ...key }] as const))
  const keys = [copy()]
  let isAfter = true
  iam.watch = () => {
    isAfter = !isAfter
    if (isAfter) keys.push(copy())
  }
  return { keys, copy }
}

const toTheEnd = ['--yes', '--overlap', '0', '--grace', '0']

describe('F-R06: a rotation', () => {
  it('syncs each file before its name, and each name before what follows', async () => {
    at = await Rotating.make()
    const { status, done } = await tracedRun(at.home, ['rotate', 'prod', ...toTheEnd])
    const keyset = expect.stringMatching(/^prod-AKIA.*\.keyset\.json$/) as string
    expect([status, unsynced(done)]).toEqual([0, { missing: [], named: [keyset, 'prod.json', 'prod.rotation.json'] }])
  })

  it('leaves a key that works at whatever call the power goes', async () => {
    at = await Rotating.make()
    const { home, iam } = at
    const before = diskOf(home.folder)
    const { keys } = keysAfterEach(at)
    const { done } = await tracedRun(home, ['rotate', 'prod', ...toTheEnd])
    iam.watch = () => {}
    const all = cuts<(typeof keys)[number]>(home, before, done, keys)
    const works = ({ disk, server }: Cut<Keys>): boolean => server.get(keyOn(home, disk) ?? '')?.active === true
    expect(all.filter((cut) => !works(cut)).map(({ disk }) => [...disk.keys()])).toEqual([])
    for (const { disk, server } of some(all)) {
      putOn(home, disk)
      iam.keys.clear()
      for (const [id, key] of server) iam.keys.set(id, { ...key })
      expect(await home.run(['whoami', 'prod'])).toMatchObject({ status: 0 })
      const first = await at.rotate('--resume', ...toTheEnd)
      const [, orphan] = /--delete-orphan (\w+)/.exec(first.stderr) ?? []
      const last = orphan === undefined ? first : await at.rotate('--resume', '--delete-orphan', orphan, ...toTheEnd)
      expect(last).toMatchObject({ status: 0 })
      expect([[...iam.keys.keys()], iam.active()]).toEqual([[at.inRecord()], [at.inRecord()]])
    }
    expect(all.length).toBeGreaterThan(35)
  })
})

describe('F-R06: an import that removes its source', () => {
  it('leaves the source or a key that works at whatever call the power goes', async () => {
    at = await Rotating.make()
    const { home, iam, first } = at
    rmSync(join(home.folder, 'hardkey'), { recursive: true })
    const text = `Access key ID,Secret access key\n${first},${iam.keys.get(first)?.secret}\n`
    const source = home.write('key.csv', text)
    const to = `tink:file=prod.keyset.json?kek=passphrase:&pin-source=file:${join(home.folder, 'passphrase')}`
    const from = ['--access-key-id', first, '--from', `csv:${source}`, '--remove-source']
    const place = ['--region', 'eu-west-1', '--endpoint-url', iam.url, '--write-profile', 'work']
    const before = diskOf(home.folder)
    const { status, done } = await tracedRun(home, ['import', 'prod', '--to', to, ...from, ...place])
    const named = ['config', 'prod.json', 'prod.keyset.json']
    expect([status, unsynced(done)]).toEqual([0, { missing: [], named }])
    const all = cuts(home, before, done, [...done.keys()])
    const isThere = (disk: Disk): boolean => disk.get(source)?.toString() === text || keyOn(home, disk) === first
    expect(all.filter(({ disk }) => !isThere(disk)).map(({ disk }) => [...disk.keys()])).toEqual([])
    for (const { disk } of some(all.filter((cut) => keyOn(home, cut.disk) !== undefined)).slice(-3)) {
      putOn(home, disk)
      expect(await home.run(['whoami', 'prod'])).toMatchObject({ status: 0 })
    }
  })
})

describe('F-D05: settings that are changed', () => {
  it('leave the AWS profile and the record old or new at whatever call the power goes', async () => {
    at = await Rotating.make()
    const { home } = at
    const files = [home.write('.aws/config', '# mine\n[profile other]\nregion = x\n'), join(home.records, 'prod.json')]
    const before = diskOf(home.folder)
    const { status, done } = await tracedRun(home, ['configure', 'prod', '--duration', '2h', '--profile', 'work'])
    const after = diskOf(home.folder)
    expect([status, unsynced(done)]).toEqual([0, { missing: [], named: ['config', 'prod.json'] }])
    const all = cuts(home, before, done, [0])
    for (const file of files) {
      const seen = new Set(all.map(({ disk }) => disk.get(file)?.toString()))
      expect(seen).toEqual(new Set([before, after].map((disk) => disk.get(file)?.toString())))
    }
  })
})
