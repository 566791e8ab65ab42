// Socket activation and the shipped units. In: systemd's own tools, without a running systemd; where they are missing, the tests
// count as not run, but for those that a starter of a few lines can do.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rawRequest, requestText } from '../endpoint/raw-request.ts'
import { freePort } from '../peers/server-process.ts'
import { CheckedIn } from './checked-in.ts'
import { commandFile, ended } from './hardkey.ts'

const units = join(import.meta.dirname, '..', '..', 'examples', 'serve')

/** This machine has no systemd: counts as "not run" in the report of `npm test`. */
class NoSystemd extends Error {
  override readonly name = 'PeerMissing'
}

let there: CheckedIn
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterAll(() => there.remove())

function tool(name: string): string {
  const path = `/usr/bin/${name}`
  if (spawnSync(path, ['--version']).status !== 0) throw new NoSystemd(`${name} is not on this machine`)
  return path
}

interface Started {
  readonly lines: string
  readonly stderr: string
  readonly stop: () => void
}

/** Starts `hardkey serve` with a socket at descriptor 3, as sd_listen_fds(3) says. The shell gives it its own pid. */
async function withDescriptor(listener: number, variables: string, ...words: string[]): Promise<Started> {
  const script = `LISTEN_PID=$$ ${variables} exec "$@"`
  const child = spawn('sh', ['-c', script, 'sh', process.execPath, commandFile, 'serve', 'prod', ...words], {
    env: there.home.environment(),
    stdio: ['ignore', 'pipe', 'pipe', listener],
  })
  const [read] = [{ stdout: '', stderr: '' }]
  child.stdout?.on('data', (bytes: Buffer) => {
    read.stdout += bytes.toString()
  })
  child.stderr?.on('data', (bytes: Buffer) => {
    read.stderr += bytes.toString()
  })
  await new Promise((done) => child.stdout?.once('end', done))
  if (read.stdout === '') await once(child, 'close')
  return { lines: read.stdout, stderr: read.stderr, stop: () => child.kill() }
}

/** `hardkey serve` behind a socket that systemd-socket-activate opens, once it is open. */
async function activated(place: string): Promise<ChildProcess> {
  const environment = there.home.environment()
  const passed = Object.entries(environment).map(([name, value]) => `--setenv=${name}=${value}`)
  const words = ['-l', place, ...passed, process.execPath, commandFile, 'serve', 'prod', '--token-file', tokenFile()]
  const child = spawn(tool('systemd-socket-activate'), words, { env: environment, stdio: ['ignore', 'ignore', 'pipe'] })
  await once(child.stderr, 'data')
  return child
}

const tokenFile = (): string => join(there.home.folder, 'token')
const keptToken = (): string => readFileSync(tokenFile(), 'latin1')

/** A socket that listens, and its descriptor. */
async function listener(place: string): Promise<{ readonly fd: number; readonly port: number; close(): void }> {
  const server = createServer()
  await once(place.includes('/') ? server.listen(place) : server.listen(0, place), 'listening')
  const address = server.address()
  // Node has no public way to the descriptor of a server; the child inherits it by its number.
  const { fd } = Reflect.get(server, '_handle') as { fd: number }
  return { fd, port: typeof address === 'object' ? (address?.port ?? 0) : 0, close: () => server.close() }
}

describe('a socket that systemd opened', () => {
  it('is served by systemd-socket-activate, on its port', async () => {
    const port = await freePort()
    const child = await activated(`127.0.0.1:${port}`)
    // The first request starts it, and waits in the queue of the socket until the first session is there.
    const first = await fetch(`http://127.0.0.1:${port}/`)
    const second = await fetch(`http://127.0.0.1:${port}/`, { headers: { authorization: keptToken() } })
    child.kill()
    expect([first.status, second.status]).toEqual([401, 200])
  })

  it('of Unix is served too', async () => {
    const path = join(there.home.folder, 'served.sock')
    const child = await activated(path)
    const ask = (token: string): ReturnType<typeof rawRequest> => {
      const headers = [
        ['Host', '127.0.0.1:1'],
        ['Authorization', token],
        ['Connection', 'close'],
      ] as const
      return rawRequest({ path }, requestText('GET / HTTP/1.1', headers))
    }
    const statuses = [(await ask('x')).status, (await ask(keptToken())).status]
    child.kill()
    expect(statuses).toEqual([401, 200])
  })

  it('is served where it is at descriptor 3 and for this process', async () => {
    const { fd, port, close } = await listener('127.0.0.1')
    const { lines, stop } = await withDescriptor(fd, 'LISTEN_FDS=1')
    close()
    stop()
    expect(lines).toContain(`http://127.0.0.1:${port}/`)
  })

  it('for another process is left alone', async () => {
    const { fd, port, close } = await listener('127.0.0.1')
    const { lines, stop } = await withDescriptor(fd, 'LISTEN_PID=1 LISTEN_FDS=1')
    close()
    stop()
    expect(lines).toContain('http://127.0.0.1:')
    expect(lines).not.toContain(`http://127.0.0.1:${port}/`)
  })

  it.each([
    ['that other machines reach', '0.0.0.0', 'LISTEN_FDS=1', [], 'listens on 0.0.0.0'],
    ['of several', '127.0.0.1', 'LISTEN_FDS=2', [], 'systemd gave 2 sockets'],
    ['of Unix, for the metadata service', 'unix/', 'LISTEN_FDS=1', ['--imds'], 'not at a Unix socket'],
    ['beside --port', '127.0.0.1', 'LISTEN_FDS=1', ['--port', '9911'], 'systemd gave a socket'],
  ])('%s is refused', async (_, host, variables, words, message) => {
    const { fd, close } = await listener(host.replace('unix/', join(there.home.folder, 'unix.sock')))
    const { lines, stderr, stop } = await withDescriptor(fd, variables, ...words)
    close()
    stop()
    expect(lines).toBe('')
    expect(stderr).toContain(message)
  })
})

describe('the shipped units', () => {
  /** The units, with programs that are on this machine. */
  const prepared = (): string => {
    const folder = join(there.home.folder, 'units')
    mkdirSync(folder, { recursive: true })
    for (const name of readdirSync(units).filter((file) => /\.(service|socket)$/.test(file))) {
      const text = readFileSync(join(units, name), 'utf8')
      writeFileSync(
        join(folder, name),
        text.replace('/usr/bin/hardkey', commandFile).replace('/usr/bin/aws', '/bin/sh'),
      )
    }
    cpSync(units, join(folder, 'as-shipped'), { recursive: true })
    return folder
  }

  it('are found right by systemd-analyze verify, without a warning', async () => {
    const folder = prepared()
    const paths = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile())
    const words = ['verify', '--man=no', ...paths.map(({ name }) => join(folder, name))]
    const { status, stdout, stderr } = await ended(spawn(tool('systemd-analyze'), words))
    expect(paths.length).toBe(4)
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' })
  })

  it('leave the endpoint less exposed than 2.0 of 10, by systemd-analyze security', async () => {
    const path = join(prepared(), 'hardkey.service')
    const words = ['security', '--offline=true', '--threshold=20', '--no-pager', path]
    const { status, stdout } = await ended(spawn(tool('systemd-analyze'), words))
    expect([status, /Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]]).toEqual([0, expect.any(String)])
  })
})
