// The folder of kept sessions when it is full, when STS fails, when no descriptor is left, and when another user of the machine
// was there first. Sessions are given all the same, and never an empty success.
// More than 250 lines: all ways in which one folder fails.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type RequestListener, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { formatSession, parseSession } from '../../src/credentials/kept-session.ts'
import { CheckedIn } from '../cli/checked-in.ts'
import { commandFile, ended, type Ran } from '../cli/hardkey.ts'
import { folderInMemory } from '../files/temporary-folder.ts'
import { isSession } from './commands.ts'
import { FaultyFileSystem } from './file-system.ts'
import { asSecondUser, secondUser } from './second-user.ts'

let there: CheckedIn
let folder: string
/** Stands before STS. Passes on, unless a test says otherwise. */
let front: Server
let behaviour: RequestListener
let calls = 0
let words: readonly string[]
const passOn: RequestListener = (asked, answer) => {
  asked.pipe(request(there.sts.url, { method: 'POST', headers: asked.headers }, (given) => given.pipe(answer)))
}
const outage: RequestListener = (asked, answer) => {
  asked.resume()
  answer.writeHead(503).end()
}

beforeAll(async () => {
  there = await CheckedIn.make()
  front = createServer((asked, answer) => {
    calls += 1
    behaviour(asked, answer)
  })
  await once(front.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}/`
  words = ['credential-process', 'prod', '--endpoint-url', url]
})
afterAll(async () => {
  front?.close()
  await there?.remove()
})
beforeEach(() => {
  folder = folderInMemory()
  behaviour = passOn
  calls = 0
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const ask = (...more: string[]): Promise<Ran> =>
  there.home.run([...words, ...more], { environment: { HARDKEY_CACHE_DIR: folder } })

/** Writes the one kept session again, with so many minutes left. */
function leave(minutes: number): string {
  const path = join(folder, readdirSync(folder).find((name) => name.startsWith('session-')) ?? '')
  const text = readFileSync(path, 'utf8')
  const session = parseSession(text, JSON.parse(text.slice(9)).request)
  if (session === undefined) throw new Error('no session is kept')
  const expiration = new Date(Math.ceil(Date.now() / 1000) * 1000 + minutes * 60_000)
  writeFileSync(path, formatSession({ ...session, credentials: { ...session.credentials, expiration } }))
  return expiration.toISOString().replace('.000Z', 'Z')
}

describe('a renewal that fails', () => {
  it('F-H18: while 14 minutes are left gives the old session with its true end, and a warning', async () => {
    await ask()
    const end = leave(14)
    behaviour = outage
    const { status, stdout, stderr } = await ask()
    expect({ status, end: JSON.parse(stdout).Expiration }).toEqual({ status: 0, end })
    expect(stderr).toMatch(/^hardkey: warning: .*; the session of before is given, which ends at /)
  })

  it('F-H18: after the end is an error, and nothing on standard output', async () => {
    await ask()
    leave(-1)
    behaviour = outage
    const { status, stdout, stderr } = await ask()
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toMatch(/^hardkey: error: /)
  })

  it('F-C08: an ended session stays until there is a new one', async () => {
    await ask()
    leave(-1)
    const before = readdirSync(folder)
    behaviour = outage
    await ask()
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(before))
    behaviour = passOn
    expect(isSession(await ask())).toBe(true)
  })

  it('F-H19: of 50 callers together asks STS no more often than one of them alone', async () => {
    behaviour = outage
    const ran = await Promise.all(Array.from({ length: 50 }, () => ask()))
    expect(ran.every(({ status, stdout }) => status === 1 && stdout === '')).toBe(true)
    // Who comes after the first failure is an attempt of its own.
    expect(calls).toBeLessThanOrEqual(3 * 50)
    expect(calls).toBeLessThan(50)
  })
})

const within = async (disk: FaultyFileSystem): Promise<Ran> => {
  const [command, parameters] = disk.within([process.execPath, commandFile, ...words])
  const environment = there.home.environment({ HARDKEY_CACHE_DIR: disk.folder })
  return await ended(spawn(command, parameters, { env: environment, stdio: 'pipe', detached: true }))
}

describe('a folder that is full', () => {
  it('F-D01: gives the new session with a warning, and keeps the old one whole', async () => {
    const disk = await FaultyFileSystem.over(folder)
    try {
      disk.fill()
      const full = await within(disk)
      expect(isSession(full)).toBe(true)
      expect(full.stderr).toMatch(/^hardkey: warning: the session is not kept: cannot write ".*": no space is left\n/)
      disk.empty()
      const kept = await within(disk)
      disk.fill()
      disk.setReadOnly(true)
      expect(await within(disk)).toEqual(kept)
    } finally {
      await disk.remove()
    }
  })
})

describe('a folder that changes while STS is asked', () => {
  it('F-D02: read-only from then on, it loses no session, and a lock that stays in it stops nobody', async () => {
    const disk = await FaultyFileSystem.over(folder)
    try {
      behaviour = (asked, answer) => {
        disk.setReadOnly(true)
        passOn(asked, answer)
      }
      const first = await within(disk)
      expect(isSession(first)).toBe(true)
      expect(first.stderr).toMatch(
        /^hardkey: warning: the session is not kept: cannot write ".*": the file system is read-only\n/,
      )
      expect(readdirSync(disk.seen(folder)).filter((name) => name.startsWith('lock-'))).toHaveLength(1)
      behaviour = passOn
      // Who waited for it to the end would have no time left to ask.
      expect(isSession(await within(disk))).toBe(true)
    } finally {
      await disk.remove()
    }
  })

  it('gone by then, it loses no session', async () => {
    behaviour = (asked, answer) => {
      rmSync(folder, { recursive: true })
      passOn(asked, answer)
    }
    expect(isSession(await ask())).toBe(true)
  })
})

describe('what lies under the name of the lock and is none', () => {
  const made: readonly (readonly [string, (path: string) => void])[] = [
    ['a folder', (path) => mkdirSync(path)],
    ['a pipe', (path) => spawnSync('mkfifo', [path])],
    ['a link', (path) => symlinkSync('/etc/hostname', path)],
    ['a long file', (path) => writeFileSync(path, Buffer.alloc(5000, '{'))],
  ]
  it.each(made)('is not waited for: %s', async (_what, make) => {
    behaviour = (asked, answer) => {
      for (const name of readdirSync(folder)) if (name.startsWith('lock-')) lock = name
      passOn(asked, answer)
    }
    let lock = ''
    await ask()
    for (const name of readdirSync(folder)) rmSync(join(folder, name))
    make(join(folder, lock))
    const { stdout, stderr, status } = await ask()
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(JSON.parse(stdout)).toHaveProperty('SessionToken')
    expect(readdirSync(folder)).toContain(lock)
  })
})

it('F-D11: without a descriptor left there is one error, or a session', async () => {
  await ask()
  for (let descriptors = 4; descriptors < 40; descriptors += 3) {
    const script = `ulimit -n ${descriptors}; exec "$0" "$@"`
    const environment = there.home.environment({ HARDKEY_CACHE_DIR: folder })
    const parameters = ['-c', script, process.execPath, commandFile, ...words]
    const ran = await ended(spawn('sh', parameters, { env: environment, stdio: 'pipe', detached: true }))
    // Below some twenty Node itself does not start.
    if (!isSession(ran)) expect(ran.stdout).toBe('')
    if (!isSession(ran)) expect(ran.status).not.toBe(0)
  }
})

describe('another user of the machine', () => {
  it('T-1: reads no session and sees none of their names', async () => {
    const { stdout } = await ask()
    const token: string = JSON.parse(stdout).SessionToken
    const seen = await asSecondUser('ls -la "$1"; cat "$1"/*; grep -r . "$1"', [folder])
    expect(seen.stdout).not.toContain(token)
    expect(seen.stdout).not.toContain('session-')
  })

  it.each([
    ['a folder', 'mkdir "$1" && chmod 700 "$1"'],
    ['an open folder', 'mkdir "$1" && chmod 777 "$1"'],
    ['a file', ': > "$1"'],
    ['a link', 'mkdir "$1.elsewhere" && chmod 777 "$1.elsewhere" && ln -s "$1.elsewhere" "$1"'],
  ])('T-1: who makes %s of that name first stops nobody and gets nothing', async (_what, script) => {
    // In a folder where everybody may write, as /dev/shm is.
    chmodSync(folder, 0o1777)
    const place = join(folder, 'hardkey')
    await asSecondUser(script, [place])
    const environment = { HARDKEY_CACHE_DIR: '', RUNTIME_DIRECTORY: place, XDG_RUNTIME_DIR: '/nonexistent' }
    const own = `/dev/shm/hardkey-${process.getuid?.()}`
    const wasThere = existsSync(own)
    const ran = await there.home.run(words, { environment })
    if (!wasThere) rmSync(own, { recursive: true, force: true })
    expect(isSession(ran)).toBe(true)
    const seen = await asSecondUser('grep -r . "$1" "$1.elsewhere"', [place])
    expect(seen.stdout).toBe('')
  })

  it.each([
    ['a folder', (place: string) => mkdirSync(place)],
    ['a file', (place: string) => writeFileSync(place, '')],
    ['a link', (place: string) => symlinkSync('/tmp', place)],
  ])(
    'T-1: who makes %s of the name in /dev/shm first stops nobody: sessions are kept beside it',
    async (_what, make) => {
      // The second user is the victim here, so that the name of root stays as it is.
      const shared = `/dev/shm/hardkey-${secondUser.uid}`
      const owned = (id: number) => spawnSync('chown', ['-R', `${id}:${id}`, there.home.folder])
      const environment = there.home.environment({ XDG_RUNTIME_DIR: '/nonexistent', HARDKEY_CACHE_DIR: '' })
      const start = () => asSecondUser('"$@"', [process.execPath, commandFile, ...words], environment)
      make(shared)
      lchownSync(shared, secondUser.uid + 1, secondUser.gid + 1)
      owned(secondUser.uid)
      try {
        const first = await start()
        expect(isSession(first)).toBe(true)
        expect([await start(), await start(), calls]).toEqual([first, first, 1])
      } finally {
        owned(0)
        const left = readdirSync('/dev/shm').filter((name) => name.startsWith(`hardkey-${secondUser.uid}`))
        for (const name of left) rmSync(join('/dev/shm', name), { recursive: true })
      }
    },
  )

  it('T-1: a session that he plants in a folder of his is not given', async () => {
    const first = await ask()
    chownSync(folder, secondUser.uid, secondUser.gid)
    const { stdout, status } = await ask()
    chownSync(folder, 0, 0)
    expect({ stdout, status }).toEqual({ stdout: '', status: 1 })
    expect(first.status).toBe(0)
  })
})
