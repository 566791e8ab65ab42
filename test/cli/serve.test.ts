// `hardkey serve` from the outside: what it prints, where it listens, its token file, how it ends.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePort } from '../peers/server-process.ts'
import { CheckedIn, region } from './checked-in.ts'
import { commandFile, ended } from './hardkey.ts'
import { Serving } from './serving.ts'

let there: CheckedIn
const running: Serving[] = []
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterEach(async () => {
  for (const serving of running.splice(0)) await serving.stop('SIGKILL')
})
afterAll(() => there.remove())

async function serve(...words: string[]): Promise<Serving> {
  const serving = await Serving.start(there.home, ['serve', 'prod', ...words])
  running.push(serving)
  return serving
}

const tokenFile = (): string => join(there.home.folder, 'token')

describe('what it prints', () => {
  it('is lines for a shell: address, token, region, no proxy before them, and what would win taken away', async () => {
    const { lines } = await serve()
    expect(lines).toMatch(
      /^export AWS_CONTAINER_CREDENTIALS_FULL_URI=http:\/\/127\.0\.0\.1:\d+\/\nexport AWS_CONTAINER_AUTHORIZATION_TOKEN=[\w-]{43}\nexport AWS_REGION=eu-west-1\nexport AWS_DEFAULT_REGION=eu-west-1\nexport NO_PROXY=.*\n.*\n.*\nunset AWS_ACCESS_KEY_ID .* AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE\n$/,
    )
  })

  it('can be read by eval, while it goes on in the background', async () => {
    const program = `eval "$("$0" "$1" serve prod & echo export SERVE_PID=$!)"; env | grep -E '^(AWS_|SERVE_)'; kill $SERVE_PID`
    const child = spawn('bash', ['-c', program, process.execPath, commandFile], {
      env: there.home.environment({ AWS_PROFILE: 'other', AWS_ACCESS_KEY_ID: 'none' }),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const { stdout } = await ended(child)
    const names = stdout.split('\n').map((line) => line.split('=')[0])
    expect(names.toSorted().join(' ').trim()).toBe(
      'AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_DEFAULT_REGION AWS_REGION SERVE_PID',
    )
  })

  it('is nothing where no session can be had', async () => {
    const port = await freePort()
    const ran = await there.home.run(['serve', 'prod', '--endpoint-url', `http://127.0.0.1:${port}/`])
    expect(ran).toMatchObject({ status: 1, stdout: '' })
    expect(ran.stderr.match(/^hardkey: \w+/gm)).toEqual(['hardkey: error', 'hardkey: hint'])
  })
})

it.each([['serve', '--imds'], ['serve'], ['export'], ['exec', '--', 'true']])(
  'what is chosen for the key, and what is wrong with it, is told once by %s %s',
  async (command, ...words) => {
    const { home, accessKeyId, sts } = there
    const uri = `tink:file=${home.folder}/hardkey/keys/prod.keyset.json?kek=passphrase:&pin-value=correct%20horse`
    const told = ['--access-key-id', accessKeyId, '--region', region, '--endpoint-url', sts.url, '--duration', '48h']
    const ran = [command ?? '', uri, ...told, '--account', `${home.folder}/account`, ...words]
    const { stderr } = command === 'serve' ? await (await Serving.start(home, ran)).stop() : await home.run(ran)
    expect(stderr.split('pin-value')).toHaveLength(2)
    expect(stderr.split('at most')).toHaveLength(2)
  },
)

describe('F-E04: the port', () => {
  it('is any that is free, another one each time', async () => {
    expect((await serve()).port).not.toBe((await serve()).port)
  })

  it('is the one that is asked for', async () => {
    const port = await freePort()
    expect((await serve('--port', String(port))).port).toBe(port)
  })

  it('that is asked for and taken ends in an error', async () => {
    const taken = createServer()
    await once(taken.listen(0, '127.0.0.1'), 'listening')
    const address = taken.address()
    const port = typeof address === 'object' ? String(address?.port) : ''
    const ran = await there.home.run(['serve', 'prod', '--port', port])
    taken.close()
    expect(ran).toEqual({
      status: 2,
      stdout: '',
      stderr: `hardkey: error: port ${port} of 127.0.0.1 is taken\nhardkey: hint: without --port any free one is taken\n`,
    })
  })

  it.each(['0', '65536', '80x', 'http'])('%s is none', async (port) => {
    expect(await there.home.run(['serve', 'prod', `--port=${port}`])).toMatchObject({ status: 2, stdout: '' })
  })
})

describe('F-E05: the token file', () => {
  it('holds the token, without a newline, for its owner alone', async () => {
    const serving = await serve('--token-file', tokenFile())
    expect(serving.variable('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE')).toBe(tokenFile())
    expect(serving.lines).not.toContain(readFileSync(tokenFile(), 'latin1'))
    expect(statSync(tokenFile()).mode & 0o777).toBe(0o600)
    expect((await serving.get('/', readFileSync(tokenFile(), 'latin1'))).status).toBe(200)
  })

  it('is told by its absolute path, since clients run in any folder', async () => {
    const serving = await serve('--token-file', 'token')
    expect(serving.variable('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE')).toBe(tokenFile())
  })

  it('is kept by the next run', async () => {
    const first = await serve('--token-file', tokenFile())
    const token = readFileSync(tokenFile(), 'latin1')
    await first.stop()
    const next = await serve('--token-file', tokenFile())
    expect((await next.get('/', token)).status).toBe(200)
  })

  it.each([
    ['removed', () => rmSync(tokenFile())],
    ['replaced', () => writeFileSync(tokenFile(), 'something else', { mode: 0o600 })],
  ])('%s: the old token stays good, with one warning; SIGHUP makes a new one', async (_, change) => {
    const serving = await serve('--token-file', tokenFile())
    const token = readFileSync(tokenFile(), 'latin1')
    change()
    await vi.waitUntil(() => serving.stderr.includes('was replaced or removed'), { timeout: 30_000 })
    expect((await serving.get('/', token)).status).toBe(200)
    serving.child.kill('SIGHUP')
    await vi.waitUntil(() => serving.stderr.includes('a new token is in'), { timeout: 30_000 })
    const fresh = readFileSync(tokenFile(), 'latin1')
    expect([fresh === token, (await serving.get('/', token)).status]).toEqual([false, 401])
    expect((await serving.get('/', fresh)).status).toBe(200)
    expect(serving.stderr.match(/warning/g)).toHaveLength(1)
    expect(serving.stderr).not.toContain(fresh)
  })

  it('with another content is refused and left as it is', async () => {
    writeFileSync(tokenFile(), 'my notes', { mode: 0o600 })
    const ran = await there.home.run(['serve', 'prod', '--token-file', tokenFile()])
    expect(ran).toMatchObject({ status: 2, stdout: '' })
    expect(readFileSync(tokenFile(), 'latin1')).toBe('my notes')
    rmSync(tokenFile())
  })

  it('in a folder that is not there is refused before the device is used, and no folder is made', async () => {
    const folder = join(there.home.folder, 'no', 'such')
    const ran = await there.home.run(['serve', 'prod', '--token-file', join(folder, 'x'), '--pin-source', 'file:/none'])
    expect(ran).toEqual({
      status: 2,
      stdout: '',
      stderr: `hardkey: error: there is no folder "${folder}" for the token\nhardkey: hint: make it: mkdir -m 700 "${folder}"; or name a file elsewhere\n`,
    })
    expect(existsSync(join(there.home.folder, 'no'))).toBe(false)
  })

  it('that others can read is refused', async () => {
    writeFileSync(tokenFile(), 'A'.repeat(43), { mode: 0o644 })
    const ran = await there.home.run(['serve', 'prod', '--token-file', tokenFile()])
    expect(ran.stderr).toContain('is readable by others')
    rmSync(tokenFile())
  })
})

describe('its end', () => {
  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('F-E07: %s ends it with 100 requests half sent, status %i, and not a word', async (signal, status) => {
    const serving = await serve()
    const sockets = Array.from({ length: 100 }, () => connect({ port: serving.port, host: '127.0.0.1' }))
    const closed = sockets.map((socket) => new Promise((done) => socket.on('error', () => undefined).on('close', done)))
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    for (const socket of sockets) socket.write('GET / HTTP/1.1\r\nHost: ')
    const { stderr, status: given } = await serving.stop(signal)
    expect([given, stderr]).toEqual([status, ''])
    await Promise.all(closed)
  })

  it('is not brought by what is typed at the prompt of the shell that started it: ^C, ^\\ and ^Z', async () => {
    const program = `trap '' INT QUIT TSTP; eval "$("$0" "$1" serve prod & echo export SERVE_PID=$!)"
      echo $AWS_CONTAINER_CREDENTIALS_FULL_URI $AWS_CONTAINER_AUTHORIZATION_TOKEN; read line; kill $SERVE_PID`
    const parameters = ['-c', program, process.execPath, commandFile]
    const shell = spawn('bash', parameters, { env: there.home.environment(), stdio: 'pipe', detached: true })
    const end = ended(shell)
    const [url = '', authorization = ''] = String(await once(shell.stdout, 'data'))
      .trim()
      .split(' ')
    for (const signal of ['SIGINT', 'SIGQUIT', 'SIGTSTP'] as const) process.kill(-(shell.pid ?? 0), signal)
    // A clean end would be over by then.
    await new Promise((later) => setTimeout(later, 1500))
    const { status } = await fetch(url, { headers: { authorization } })
    shell.stdin.end('\n')
    expect([status, (await end).stderr]).toEqual([200, ''])
  })

  it('T-1: SIGUSR1 opens no debugger', async () => {
    const serving = await serve()
    serving.child.kill('SIGUSR1')
    await vi.waitUntil(() => serving.stderr.includes('\n'), { timeout: 30_000 })
    expect(serving.stderr).toBe('hardkey: warning: SIGUSR1 is ignored: no debugger here\n')
    expect((await serving.get()).status).toBe(200)
  })
})
