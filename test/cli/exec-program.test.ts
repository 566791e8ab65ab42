// `hardkey exec` and the program that it runs: its words, its end, the signals on the way, and what is left when it has ended.

import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { CheckedIn } from './checked-in.ts'
import { ended, type Ran, type RunOptions } from './hardkey.ts'

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

/** Prints a word that must not be seen. */
const mustNotStart = node('console.log("started")')

describe('the exit status', () => {
  it.each([
    ['7, of the program', node('process.exitCode = 7'), 7],
    ['143 of one that SIGTERM ended', node('process.kill(process.pid, "SIGTERM"); setInterval(() => {}, 1000)'), 143],
    ['127 where there is no such program', ['--', 'no-such-program'], 127],
    ['126 for what cannot be run', ['--', '/etc'], 126],
    ['126 for what is no program', ['--', '/etc/passwd/x'], 126],
  ])('is %s', async (_, words, expected) => {
    const { status, stderr } = await exec(words)
    expect(status).toBe(expected)
    if (expected === 127) expect(stderr).toMatch(/^hardkey: error: "no-such-program": there is no such program\n/)
  })

  it('is 2, and no device is asked, where -- is missing', async () => {
    const { status, stderr } = await exec(['aws', 's3', 'ls'])
    expect(stderr).toContain(
      'hardkey: error: one word too many: "aws"\nhardkey: hint: what is to run stands behind --; usage: hardkey exec NAME [options] [-- CMD …];',
    )
    expect(status).toBe(2)
  })

  it('is 1, and the program does not start, where STS gives no session', async () => {
    const { status, stdout } = await exec(['--endpoint-url', 'http://127.0.0.1:1/', ...mustNotStart])
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  })
})

describe('the words of the program', () => {
  it('are its own, whatever they look like', async () => {
    const words = ['--verbose', '--help', '--', '', '$HOME', 'abcdEFGH1234/bcdEFGH1234abcdEFGH1234abcd']
    const { stdout, stderr } = await exec([
      ...node('console.log(JSON.stringify(process.argv.slice(1)))'),
      '--',
      ...words,
    ])
    expect(JSON.parse(stdout)).toEqual(words)
    expect(stderr).toBe('')
  })

  it('may be none: the shell of the user reads its own input', async () => {
    const options = { input: 'echo "$0 has $HARDKEY_NAME"\nexit 5\n', environment: { SHELL: '/bin/sh' } }
    expect(await exec([], options)).toEqual({ status: 5, stdout: '/bin/sh has prod\n', stderr: '' })
  })
})

describe('a second exec inside', () => {
  it('B-103: is refused with the way out', async () => {
    const { stderr, status } = await exec(mustNotStart, { environment: { HARDKEY_NAME: 'other' } })
    expect(stderr).toMatch(
      /^hardkey: error: this is run by hardkey exec already, with the credentials of other\nhardkey: hint: leave/,
    )
    expect(status).toBe(2)
  })
})

describe('signals', () => {
  /** Says its port and its signals, and ends with 9 at SIGTERM. */
  const waits =
    node(`for (const name of ['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGWINCH', 'SIGTERM']) process.on(name, () => {
      console.log(name)
      if (name === 'SIGTERM') setTimeout(() => process.exit(9), 50)
    })
    console.log(process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI, process.pid)
    setInterval(() => {}, 1000)`)

  it('F-W07: go to the program, once each, and its end is the end of the endpoint', async () => {
    const child = there.home.start(['exec', 'prod', ...waits])
    const end = ended(child)
    const [line] = (await once(child.stdout ?? child, 'data')) as [string]
    const port = Number(new URL(line.split(' ')[0] ?? '').port)
    for (const signal of ['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGWINCH', 'SIGTERM'] as const) {
      child.kill(signal)
      await once(child.stdout ?? child, 'data')
    }
    const { stdout, status } = await end
    expect(stdout.split('\n').slice(1, -1)).toEqual(['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGWINCH', 'SIGTERM'])
    expect(status).toBe(9)
    expect(await isOpen(port)).toBe(false)
  })

  it('F-W07: a killed hardkey takes its endpoint along', async () => {
    const child = there.home.start(['exec', 'prod', ...waits])
    const [line] = (await once(child.stdout?.setEncoding('utf8') ?? child, 'data')) as [string]
    const [uri, pid] = line.split(' ')
    const port = Number(new URL(uri ?? '').port)
    expect(await isOpen(port)).toBe(true)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await isOpen(port)).toBe(false)
    process.kill(Number(pid), 'SIGKILL')
  })
})

describe('what a program leaves behind', () => {
  it('F-W11: has a token that nobody takes any more', async () => {
    const mark = join(there.home.folder, 'left')
    const left = `const { AWS_CONTAINER_CREDENTIALS_FULL_URI: uri, AWS_CONTAINER_AUTHORIZATION_TOKEN: authorization } = process.env
      const ask = () => fetch(uri, { headers: { authorization } }).then((answer) => answer.status, () => 'refused')
      const tell = async () => {
        const told = await ask()
        require('fs').appendFileSync(${JSON.stringify(mark)}, told + ' ')
        if (told === 200) setTimeout(tell, 20)
      }
      tell()`
    const program = `const { spawn } = require('child_process')
      const child = spawn(process.execPath, ['-e', ${JSON.stringify(left)}], { detached: true, stdio: 'ignore' })
      child.unref()
      const { existsSync } = require('fs')
      const timer = setInterval(() => existsSync(${JSON.stringify(mark)}) && clearInterval(timer), 10)`
    expect((await exec(node(program))).status).toBe(0)
    await vi.waitFor(() => expect(there.home.read('left')).toMatch(/^(200 )+refused $/), { timeout: 60_000 })
  })
})

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
