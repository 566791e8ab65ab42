// How the command ends when it is not left alone: by a signal while STS keeps it waiting, by a reader that goes away.

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CheckedIn } from './checked-in.ts'
import { ended } from './hardkey.ts'

let there: CheckedIn
let silent: Server
beforeAll(async () => {
  there = await CheckedIn.make()
  // Takes a request and never answers.
  silent = createServer()
  await once(silent.listen(0, '127.0.0.1'), 'listening')
})
afterAll(async () => {
  silent.closeAllConnections()
  silent.close()
  await there.remove()
})

describe('a signal while STS keeps silent', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('F-W06: %s ends the command with status %i and not a word', async (signal, status) => {
    const { port } = silent.address() as AddressInfo
    const asked = once(silent, 'request')
    const child = there.home.start(['credential-process', 'prod', '--endpoint-url', `http://127.0.0.1:${port}/`])
    const end = ended(child)
    await asked
    child.kill(signal)
    expect(await end).toEqual({ status, stdout: '', stderr: '' })
  })

  it('T-1: SIGUSR1 opens no debugger', async () => {
    const { port } = silent.address() as AddressInfo
    const asked = once(silent, 'request')
    const child = there.home.start(['whoami', 'prod', '--endpoint-url', `http://127.0.0.1:${port}/`])
    const end = ended(child)
    await asked
    child.kill('SIGUSR1')
    await once(child.stderr ?? child, 'data')
    child.kill('SIGTERM')
    const { stderr } = await end
    expect(stderr).toBe('hardkey: warning: SIGUSR1 is ignored: no debugger here\n')
  })
})

describe('a reader that goes away', () => {
  it('F-W04: ends the command in silence, and not with status 0', async () => {
    const child = there.home.start(['help'])
    child.stdout?.destroy()
    const { status, stderr } = await ended(child)
    expect(stderr).toBe('')
    expect(status).toBe(141)
  })
})

describe('a large answer', () => {
  it('F-W04: reaches a slow reader whole', async () => {
    const bytes = Buffer.alloc(3_000_000, 'x')
    const server = createServer((_, response) => response.end(bytes))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const child = there.home.start(['request', 'prod', 'GET', `http://127.0.0.1:${port}/`, '--service', 's3'])
    const { stdout, status } = await ended(child)
    server.close()
    expect(stdout.length).toBe(bytes.length)
    expect(status).toBe(0)
  })
})

describe('an answer that is no success', () => {
  it('is written out, and the status is 1', async () => {
    const url = `${there.sts.url}?Action=GetCallerIdentity&Version=2011-06-15`
    const ran = await there.home.run(['request', 'prod', 'GET', url, '--service', 's3'])
    expect(ran.stdout).toContain('<Code>IncompleteSignature</Code>')
    expect(ran.stderr).toMatch(/^hardkey: error: the service answered with HTTP 403\nhardkey: hint: .*\n$/)
    expect(ran.status).toBe(1)
  })

  it('is not one where the signature is right', async () => {
    const url = `${there.sts.url}?Action=GetCallerIdentity&Version=2011-06-15`
    const ran = await there.home.run(['request', 'prod', 'GET', url, '--service', 'sts'])
    expect(ran.stdout).toContain('user/demo')
    expect(ran.status).toBe(0)
  })
})
