// A Unix socket of `hardkey serve` and the relay before it, as a container has them.

import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { rawRequest, requestText } from '../endpoint/raw-request.ts'
import { CheckedIn } from './checked-in.ts'
import { commandFile, ended } from './hardkey.ts'
import { Serving } from './serving.ts'

const example = join(import.meta.dirname, '..', '..', 'examples', 'serve', 'compose.yaml')

/** This machine makes no network of its own for us: counts as "not run" in the report of `npm test`. */
class NoNetworkOfItsOwn extends Error {
  override readonly name = 'PeerMissing'
}

let there: CheckedIn
let folder: string
let path: string
const running: Serving[] = []
beforeAll(async () => {
  there = await CheckedIn.make()
})
let count = 0
beforeEach(() => {
  count += 1
  folder = join(there.home.folder, `run${count}`)
  mkdirSync(folder, { mode: 0o700 })
  path = join(folder, 'endpoint.sock')
})
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop('SIGKILL')
})
afterAll(() => there.remove())

async function start(...words: string[]): Promise<Serving> {
  const serving = await Serving.start(there.home, words)
  running.push(serving)
  return serving
}

describe('the socket', () => {
  it('gives credentials to whoever has the token, through any port of loopback', async () => {
    const { token } = await start('serve', 'prod', '--socket', path)
    for (const host of ['127.0.0.1', '127.0.0.1:9911', '127.0.0.1:1']) {
      const text = requestText('GET / HTTP/1.1', [
        ['Host', host],
        ['Authorization', token],
        ['Connection', 'close'],
      ])
      expect((await rawRequest({ path }, text)).status).toBe(200)
    }
  })

  it.each([
    ['no token', [['Host', '127.0.0.1:1']], 401],
    ['another host', [['Host', 'attacker.example']], 403],
    ['a name of loopback', [['Host', 'localhost:9911']], 403],
    [
      'a browser',
      [
        ['Host', '127.0.0.1:1'],
        ['Origin', 'http://127.0.0.1:1'],
      ],
      403,
    ],
    [
      'a proxy',
      [
        ['Host', '127.0.0.1:1'],
        ['Via', '1.1 x'],
      ],
      403,
    ],
  ] as const)('T-10: gives nothing to %s', async (_, headers, status) => {
    await start('serve', 'prod', '--socket', path)
    const { status: given, text } = await rawRequest({ path }, requestText('GET / HTTP/1.1', headers))
    expect([given, text.includes('ASIA')]).toEqual([status, false])
  })

  it('is removed at the end; one that a killed run left is replaced, and one in use is not', async () => {
    const first = await start('serve', 'prod', '--socket', path)
    expect((await there.home.run(['serve', 'prod', '--socket', path])).stderr).toContain('is taken')
    await first.stop('SIGKILL')
    expect(existsSync(path)).toBe(true)
    const second = await start('serve', 'prod', '--socket', path)
    expect(statSync(path).mode & 0o777).toBe(0o660)
    await second.stop()
    expect(existsSync(path)).toBe(false)
  })

  it('of a run that is busy is not taken from it', async () => {
    const busy = await start('serve', 'prod', '--socket', path)
    busy.child.kill('SIGSTOP')
    // Until its queue is full, and connect(2) says EAGAIN.
    const waiting: Socket[] = []
    const full = Promise.race(
      Array.from({ length: 5000 }, async () => {
        const socket = connect({ path })
        waiting.push(socket)
        await new Promise((done) => socket.once('error', done))
      }),
    )
    await full
    const ran = await there.home.run(['serve', 'prod', '--socket', path])
    for (const socket of waiting) socket.on('error', () => undefined).destroy()
    busy.child.kill('SIGCONT')
    expect(ran).toMatchObject({ status: 2, stderr: expect.stringContaining('is taken') })
    // Its queue may be full for a moment.
    const asked = requestText('GET / HTTP/1.1', [['Host', '127.0.0.1']])
    await vi.waitUntil(async () => (await rawRequest({ path }, asked)).status === 401, { timeout: 30_000 })
  })

  it('of the next run is left alone by the end of the one before', async () => {
    const first = await start('serve', 'prod', '--socket', path)
    rmSync(path)
    await start('serve', 'prod', '--socket', path)
    await first.stop()
    expect((await rawRequest({ path }, requestText('GET / HTTP/1.1', [['Host', '127.0.0.1']]))).status).toBe(401)
    expect(readdirSync(folder)).toEqual(['endpoint.sock'])
  })

  it.each([
    [0o755, 'can be entered by everybody'],
    [0o770, 'is writable by its group'],
    [0o701, 'can be entered by everybody'],
  ])('T-1: in a folder of mode %o is refused', async (mode, reason) => {
    chmodSync(folder, mode)
    const ran = await there.home.run(['serve', 'prod', '--socket', path])
    expect(ran).toMatchObject({ status: 2, stdout: '' })
    expect(ran.stderr).toContain(mode === 0o770 && process.getuid?.() !== 0 ? 'hardkey: ' : reason)
    // To make it is no remedy where it is there, and to narrow /tmp a harm.
    expect(ran.stderr).not.toContain(`mkdir -m 700 "${folder}"`)
  })

  it('does not take the place of a file, nor of a path that is too long', async () => {
    writeFileSync(path, 'notes')
    expect((await there.home.run(['serve', 'prod', '--socket', path])).stderr).toContain('is no socket')
    expect(readFileSync(path, 'utf8')).toBe('notes')
    const long = join(folder, 'a'.repeat(100))
    expect((await there.home.run(['serve', 'prod', '--socket', long])).stderr).toContain('at most 107 bytes')
  })
})

describe('the relay', () => {
  it('brings the socket to a port, before and after a restart of what is behind it', async () => {
    const first = await start('serve', 'prod', '--socket', path, '--token-file', join(folder, 'token'))
    const relay = await start('relay', path)
    const token = readFileSync(join(folder, 'token'), 'latin1')
    expect((await relay.get('/', token)).status).toBe(200)
    await first.stop()
    await expect(relay.get('/', token)).rejects.toThrow()
    await start('serve', 'prod', '--socket', path, '--token-file', join(folder, 'token'))
    expect((await relay.get('/', token)).status).toBe(200)
  })

  it('passes on what is refused, too', async () => {
    await start('serve', 'prod', '--socket', path)
    const relay = await start('relay', path)
    expect((await relay.get('/', 'x')).status).toBe(401)
    const host = requestText('GET / HTTP/1.1', [['Host', 'attacker.example']])
    expect((await rawRequest({ port: relay.port, host: '127.0.0.1' }, host)).status).toBe(403)
  })

  it('passes on every byte, to a slow reader too, whichever side ends first', async () => {
    const bytes = Buffer.alloc(5_000_000, 'x')
    const server = createServer((socket) => socket.end(bytes))
    await new Promise<void>((done) => server.listen(path, done))
    const relay = await start('relay', path)
    const { text } = await rawRequest({ port: relay.port, host: '127.0.0.1' }, 'GET')
    server.close()
    expect(text.length).toBe(bytes.length)
  })

  it('T-10: takes no socket from a folder that others can change, and one that is mended again', async () => {
    const { token } = await start('serve', 'prod', '--socket', path)
    const relay = await start('relay', path)
    chmodSync(folder, 0o777)
    const refused = await there.home.run(['relay', path])
    expect(refused).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('is writable by others') })
    for (const _ of [1, 2]) await expect(relay.get('/', token)).rejects.toThrow()
    chmodSync(folder, 0o700)
    expect((await relay.get('/', token)).status).toBe(200)
    expect((await relay.stop()).stderr.match(/error: /g)).toHaveLength(1)
  })

  it.each(['x', '-1', '1000 0'])('takes no %j for the user whose socket it is', async (uid) => {
    expect(await there.home.run(['relay', path, `--socket-owner=${uid}`])).toMatchObject({ status: 2, stdout: '' })
  })

  it('ends with the signal, with connections open', async () => {
    const server = createServer()
    await new Promise<void>((done) => server.listen(path, done))
    const relay = await start('relay', path)
    const open = rawRequest({ port: relay.port, host: '127.0.0.1' }, 'GET')
    expect(await relay.stop()).toMatchObject({ status: 143, stderr: '' })
    expect((await open).text).toBe('')
    server.close()
  })
})

it('the compose recipe: a program in a network of its own gets credentials through the relay beside it', async () => {
  const recipe = readFileSync(example, 'utf8')
  const { version } = JSON.parse(readFileSync(join(example, '../../../package.json'), 'utf8')) as { version: string }
  const [, pinned, command = ''] = /command: npx --yes hardkey@(\S+) (relay .*)/.exec(recipe) ?? []
  expect(pinned).toBe(version)
  const words = command.split(' ')
  const url = /AWS_CONTAINER_CREDENTIALS_FULL_URI: (\S+)/.exec(recipe)?.[1] ?? ''
  await start('serve', 'prod', '--socket', path, '--token-file', join(folder, 'token'))
  const relay = await inOwnNetwork(words.map((word) => word.replace('/run/hardkey', folder)))
  const inside = await askedInside(relay.pid ?? 0, url, readFileSync(join(folder, 'token'), 'latin1'))
  const outside = await fetch(url).catch(() => 'closed')
  relay.kill()
  expect(inside).toMatch(/^200 \{"AccessKeyId":"ASIA/)
  expect(outside).toBe('closed')
})

/** Starts the command in a network of its own that has loopback alone, as a container has. */
async function inOwnNetwork(words: readonly string[]): Promise<ChildProcess> {
  const up = ['-n', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', process.execPath, commandFile, ...words]
  const child = spawn('unshare', up, { env: there.home.environment({ PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }) })
  const first = await new Promise<string>((done) => {
    child.stdout.once('data', (bytes: Buffer) => done(bytes.toString()))
    child.stderr.once('data', (bytes: Buffer) => done(bytes.toString()))
    child.once('error', ({ message }) => done(message))
  })
  if (first.startsWith('export ')) return child
  throw new NoNetworkOfItsOwn(`no network of its own: ${first}`)
}

/** Status and body of a GET by a program in the network of this process. */
async function askedInside(pid: number, url: string, token: string): Promise<string> {
  const ask = 'fetch(process.argv[1], { headers: { authorization: process.argv[2] } })'
  const program = `${ask}.then(async (answer) => console.log(answer.status, await answer.text()))`
  const words = ['-t', String(pid), '-n', process.execPath, '-e', program, url, token]
  return (await ended(spawn('nsenter', words, { stdio: ['ignore', 'pipe', 'pipe'] }))).stdout
}
