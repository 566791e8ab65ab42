// Where a line of the account goes besides a file, and who is said to have asked: journald and the kernel's tables.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { parentCaller, SocketCallers } from '../../src/cli/account/caller.ts'
import { writeToJournal } from '../../src/cli/account/journal.ts'
import { temporaryFolder } from '../files/temporary-folder.ts'
import { CheckedIn } from './checked-in.ts'
import { Serving } from './serving.ts'

let there: CheckedIn
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterAll(() => there.remove())

describe('the journal', () => {
  const journald = '/usr/lib/systemd/systemd-journald'

  it('takes a line, under the name of hardkey and with the process that wrote it', async ({ skip }) => {
    skip(!existsSync(journald) || process.getuid?.() !== 0, 'needs systemd-journald, and root to read what it took')
    const end = await startJournal(journald)
    try {
      const ran = await there.home.run(['token', 'prod', 'msk', '--account', 'journal'])
      expect(ran.stderr).toBe('')
      const entry = await latestEntry()
      expect(entry).toMatchObject({ SYSLOG_IDENTIFIER: 'hardkey', PRIORITY: '6', _UID: '0' })
      expect(JSON.parse(String(entry.MESSAGE))).toMatchObject({ event: 'device-used', accessKeyId: there.accessKeyId })
    } finally {
      await end()
    }
  })

  it('takes no line where it does not run', async () => {
    await expect(writeToJournal('{}', '/nonexistent/stdout')).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: 'the journal takes no line (ENOENT)',
    })
  })

  it('takes no line where it does not read, and that is known within a second', async () => {
    const path = join(temporaryFolder(), 'stdout')
    const server = createServer({ pauseOnConnect: true }).listen(path)
    await once(server, 'listening')
    // More than the kernel keeps for a reader that does not read.
    await expect(writeToJournal('x'.repeat(4_000_000), path)).rejects.toMatchObject({
      message: expect.stringContaining('TIMEOUT'),
    })
    server.close()
  })
})

describe('the caller of a command', () => {
  it('has no user where it ended already, and is nobody outside of a container', () => {
    expect([parentCaller(2 ** 22 + 1), parentCaller(0)]).toEqual([
      { pid: 2 ** 22 + 1, uid: null },
      { pid: null, uid: null },
    ])
  })
})

describe('the caller of an endpoint', () => {
  it('is the program that hardkey exec runs, for each time that it asks', async ({ skip }) => {
    skip(process.platform !== 'linux', 'there is no /proc')
    const path = join(temporaryFolder(), 'account')
    const program =
      'const { AWS_CONTAINER_CREDENTIALS_FULL_URI: url, AWS_CONTAINER_AUTHORIZATION_TOKEN: authorization } = process.env;' +
      'const ask = async () => (await (await fetch(url, { headers: { authorization } })).json()).AccessKeyId;' +
      '(async () => { console.log(JSON.stringify([process.pid, await ask(), await ask()])) })()'
    const words = ['exec', 'prod', '--account', path, '--', process.execPath, '-e', program]
    const { stdout, stderr } = await there.home.run(words)
    const [pid, session] = JSON.parse(stdout || stderr)
    const lines = readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const given = { event: 'handed-out', reason: 'exec', key: 'prod', session, pid, uid: process.getuid?.() }
    expect(lines.filter(({ event }) => event === 'handed-out')).toEqual([
      expect.objectContaining(given),
      expect.objectContaining(given),
    ])
    expect(lines.filter(({ event }) => event === 'device-used')).toHaveLength(1)
  })

  it('is told with the key that its session is of, though the record is another one by then, or gone', async () => {
    const path = join(temporaryFolder(), 'account')
    const serving = await Serving.start(there.home, ['serve', 'prod', '--account', path])
    const record = join(there.home.records, 'prod.json')
    const text = readFileSync(record, 'utf8')
    try {
      writeFileSync(record, text.replace(there.accessKeyId, 'AKIAROTATEDROTATED22'))
      await serving.get()
      rmSync(record)
      await serving.get()
      const { stderr } = await serving.stop()
      const given = readFileSync(path, 'utf8').trimEnd().split('\n').slice(-2)
      const isOurs = { event: 'handed-out', accessKeyId: there.accessKeyId }
      expect(given.map((line) => JSON.parse(line))).toEqual([
        expect.objectContaining(isOurs),
        expect.objectContaining(isOurs),
      ])
      expect(stderr).toBe('')
    } finally {
      writeFileSync(record, text, { mode: 0o600 })
    }
  })

  it.each(['export', 'exec'])('of credentials in variables is whoever ran hardkey %s', async (command) => {
    const path = join(temporaryFolder(), 'account')
    const program = command === 'exec' ? ['--env', '--', process.execPath, '-e', ''] : []
    await there.home.run([command, 'prod', '--account', path, ...program])
    const last = JSON.parse(readFileSync(path, 'utf8').trimEnd().split('\n').at(-1) ?? '')
    expect(last).toMatchObject({ event: 'handed-out', reason: command, pid: process.pid })
  })

  it('is the process whose socket it is', async ({ skip }) => {
    skip(process.platform !== 'linux', 'there is no /proc')
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    const program = `require('net').connect(${port}, '127.0.0.1', () => console.log('connected'))`
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      await once(child.stdout, 'data')
      const caller = await new SocketCallers().of({ uid: 4711, inode: tcpInode(child) })
      expect(caller).toEqual({ pid: child.pid, uid: 4711 })
    } finally {
      child.kill()
      server.close()
    }
  })

  it('is null where the kernel tells nothing, and has no process where the socket is closed', async () => {
    const callers = new SocketCallers()
    expect(await callers.of(undefined)).toEqual({ pid: null, uid: null })
    expect(await callers.of({ uid: 4711, inode: 1 })).toEqual({ pid: null, uid: 4711 })
  })
})

describe('many processes with many descriptors', () => {
  /** Links as those of /proc: each process has so many files, and the last of them is a socket of its number. */
  const proc = (processes: number, files: number): string => {
    const folder = temporaryFolder()
    for (let pid = 1; pid <= processes; pid++) {
      mkdirSync(join(folder, String(pid), 'fd'), { recursive: true })
      for (let fd = 1; fd < files; fd++) symlinkSync('/dev/null', join(folder, String(pid), 'fd', String(fd)))
      symlinkSync(`socket:[${pid}]`, join(folder, String(pid), 'fd', String(files)))
    }
    return folder
  }
  const socket = (inode: number) => ({ uid: 4711, inode })

  it('are looked at up to a bound: then the caller has no process, and a newer one still has', async () => {
    const callers = new SocketCallers({ proc: proc(30, 10), mostFiles: 100 })
    const found = [30, 25, 2, 25].map(async (pid) => (await callers.of(socket(pid))).pid)
    expect(await Promise.all(found)).toEqual([30, 25, null, 25])
  })

  it('are looked at once for all callers of a moment', async () => {
    const callers = new SocketCallers({ proc: proc(30, 10), mostFiles: 400 })
    const pids = Array.from({ length: 30 }, (_, at) => at + 1)
    const found = await Promise.all(pids.map(async (pid) => (await callers.of(socket(pid))).pid))
    expect(found).toEqual(pids)
  })

  it('are looked at last where the caller has asked before', async () => {
    const folder = proc(30, 10)
    const callers = new SocketCallers({ proc: folder, mostFiles: 400 })
    expect(await callers.of(socket(3))).toEqual({ pid: 3, uid: 4711 })
    symlinkSync('socket:[99]', join(folder, '3', 'fd', '11'))
    const again = new SocketCallers({ proc: folder, mostFiles: 20 })
    expect(await again.of(socket(99))).toEqual({ pid: null, uid: 4711 })
    expect(await callers.of(socket(99))).toEqual({ pid: 3, uid: 4711 })
  })

  it('keep no more callers waiting than there is room for', async () => {
    const callers = new SocketCallers({ proc: proc(3, 3), mostWaiting: 2 })
    const found = [1, 2, 3].map(async (pid) => (await callers.of(socket(pid))).pid)
    expect(await Promise.all(found)).toEqual([1, 2, null])
    expect((await callers.of(socket(3))).pid).toBe(3)
  })

  it('are no place to hide: one that has more open than is looked at keeps no other from being found', async ({
    skip,
  }) => {
    const limit = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim()
    skip(process.platform !== 'linux' || Number(limit) < 18_000, 'there is no /proc, or no process may open so many')
    const path = join(temporaryFolder(), 'account')
    // The newest process has more open than is looked at, until the line is there.
    const program = `
      const { AWS_CONTAINER_CREDENTIALS_FULL_URI: url, AWS_CONTAINER_AUTHORIZATION_TOKEN: authorization } = process.env
      const opens = "for (let n = 0; n < 17_000; n++) fs.openSync('/dev/null'); console.log('open'); setInterval(() => {}, 1000)"
      const child = require('child_process').spawn(process.execPath, ['-e', opens], { stdio: ['ignore', 'pipe', 2] })
      console.log(process.pid)
      child.stdout.once('data', async () => {
        await fetch(url, { headers: { authorization } })
        while (!fs.readFileSync('${path}', 'utf8').includes('handed-out')) await new Promise((next) => setTimeout(next, 50))
        child.kill()
      })`
    const { stdout } = await there.home.run(['exec', 'prod', '--account', path, '--', process.execPath, '-e', program])
    const last = JSON.parse(readFileSync(path, 'utf8').trimEnd().split('\n').at(-1) ?? '')
    expect(last).toMatchObject({ event: 'handed-out', pid: Number(stdout), uid: process.getuid?.() })
  })
})

/** The inode of the one TCP socket of a process. */
function tcpInode({ pid }: ChildProcess): number {
  const table = readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
  const open = readdirSync(`/proc/${pid}/fd`).map((name) => readlinkSync(`/proc/${pid}/fd/${name}`))
  const inodes = open.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? [])
  const found = inodes.find((inode) => table.split('\n').some((line) => line.split(/\s+/)[10] === inode))
  return Number(found)
}

/** journald, unless it runs already. Gives what ends it and takes away what it made. */
async function startJournal(command: string): Promise<() => Promise<void>> {
  const place = '/run/systemd/journal'
  if (existsSync(`${place}/stdout`)) return async () => undefined
  const made = [place, '/run/log/journal'].filter((folder) => !existsSync(folder))
  const child = spawn(command, { stdio: 'ignore' })
  await vi.waitUntil(() => existsSync(`${place}/stdout`), { timeout: 60_000 })
  return async () => {
    child.kill()
    await once(child, 'exit')
    for (const folder of made) rmSync(folder, { recursive: true, force: true })
  }
}

/** What journald took last from hardkey: it reads its sockets when it comes to it. */
async function latestEntry(): Promise<Record<string, unknown>> {
  const words = ['--no-pager', '--output=json', '--identifier=hardkey', '--lines=1']
  const read = (): string => execFileSync('journalctl', words, { encoding: 'utf8', stdio: 'pipe' })
  return JSON.parse(await vi.waitUntil(read, { timeout: 60_000 }))
}
