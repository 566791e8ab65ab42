// Requests to servers that fail by script, byte for byte: what is tried again, where, and what is not.

import { describe, expect, it } from 'vitest'
import { readAddresses } from '../../../src/backends/vault/address.ts'
import { VaultClient } from '../../../src/backends/vault/client.ts'
import { type ConnectionSettings, settingsOf } from '../../../src/backends/vault/settings.ts'
import { Secret } from '../../../src/key/secret.ts'
import { expectNoCanary } from '../../contract/canary.ts'
import { answer, type BytesServer, bytesServerForTest, headerOf, type Script } from '../../faults/bytes-server.ts'
import { testAuthority } from '../../http/certificates.ts'
import { freePort } from '../../peers/server-process.ts'
import { failureOf } from './fixture.ts'

const token = 's.canary-token-0123456789'
const ok = answer(200, '{"data":{}}')
const errors = (status: number, text: string, headers: Record<string, string> = {}) =>
  answer(status, JSON.stringify({ errors: [text] }), headers)
const authority = testAuthority()

/** Answers in order, and the last one for ever. */
const inOrder =
  (...answers: readonly string[]): Script =>
  ({ index }) => [{ send: answers[Math.min(index, answers.length - 1)] ?? ok }]

interface Made {
  readonly client: VaultClient
  /** Pauses in milliseconds, in order. */
  readonly pauses: readonly number[]
}

function clientFor(servers: readonly BytesServer[], changes: Partial<ConnectionSettings> = {}): Made {
  const pauses: number[] = []
  const settings: ConnectionSettings = {
    ...settingsOf({ timeoutMilliseconds: 4000, random: () => 1 }),
    sleep: async (milliseconds, signal) => {
      pauses.push(milliseconds)
      await new Promise((turn) => setTimeout(turn, 5))
      signal.throwIfAborted()
    },
    addresses: servers.flatMap(({ port }) => readAddresses(`http://127.0.0.1:${port}`)),
    namespace: undefined,
    authorities: undefined,
    serverName: undefined,
    ...changes,
  }
  return { client: new VaultClient(settings), pauses }
}

const ask = (client: VaultClient, more: object = {}, signal?: AbortSignal) => {
  const secret = Secret.take(Buffer.from(token))
  return client.call(
    { method: 'POST', path: 'transit/hmac/aws/sha2-256', body: '{}', token: () => secret, ...more },
    signal,
  )
}

describe('what passes is tried again', () => {
  it.each([
    ['F-V01: a seal', errors(503, 'Vault is sealed')],
    ['F-V02: 429 without Retry-After', errors(429, 'rate limit quota exceeded')],
    ['F-V03: 412 of a replica', errors(412, 'required index state not present')],
    ['F-V03: 472 of a standby', answer(472, '')],
    ['F-V03: 473 of a standby', answer(473, '')],
    ['F-V03: 500 without a leader', errors(500, 'local node not active but active cluster node not found')],
    ['F-V03: 502 of a balancer', answer(502, '<html>')],
    ['F-V14: 500 of a blocked audit device', errors(500, 'no audit backend succeeded in logging the request')],
  ])('%s', async (_what, failing) => {
    const server = await bytesServerForTest(inOrder(failing, failing, ok))
    const { client, pauses } = clientFor([server])
    expect((await ask(client)).status).toBe(200)
    expect([server.heard.length, pauses]).toEqual([3, [100, 200]])
  })

  it('F-V02: after as long as Retry-After says', async () => {
    const server = await bytesServerForTest(inOrder(errors(429, 'slow', { 'Retry-After': '3' }), ok))
    const { client, pauses } = clientFor([server])
    expect((await ask(client)).status).toBe(200)
    expect(pauses).toEqual([3000])
  })

  it('F-V06: a connection that breaks in the midst of an answer, at the next address at once', async () => {
    const broken = await bytesServerForTest(() => [{ send: 'HTTP/1.1 200 OK\r\nContent-Len' }, 'reset'])
    const whole = await bytesServerForTest(inOrder(ok))
    const { client, pauses } = clientFor([broken, whole])
    expect((await ask(client)).status).toBe(200)
    expect((await ask(client)).status).toBe(200)
    // The one that answered is asked first from then on.
    expect([broken.heard.length, whole.heard.length, pauses]).toEqual([1, 2, []])
  })

  it('with a pause that doubles to two seconds', async () => {
    const server = await bytesServerForTest(inOrder(...Array.from({ length: 7 }, () => answer(503, '')), ok))
    const { client, pauses } = clientFor([server])
    await ask(client)
    expect(pauses).toEqual([100, 200, 400, 800, 1600, 2000, 2000])
  })
})

describe('what does not pass ends at the deadline', () => {
  /** Between two attempts, until the deadline: what was said last is what the one attempt before it met with. */
  const pausing: ConnectionSettings['sleep'] = (_, signal) =>
    new Promise((_, fail) => signal.addEventListener('abort', () => fail(signal.reason)))
  const deadline = { timeoutMilliseconds: 3000, sleep: pausing }

  it.each([
    ['F-V01', errors(503, 'Vault is sealed'), 'ERR_DEVICE_UNAVAILABLE', /127\.0\.0\.1:\d+ is sealed; tried for 3 s$/],
    ['F-V02', errors(429, 'slow'), 'ERR_DEVICE_UNAVAILABLE', /asks to slow down/],
    ['F-V14', errors(500, 'no audit backend succeeded'), 'ERR_DEVICE_UNAVAILABLE', /no audit backend succeeded/],
  ])('%s: with what was said last', async (_id, failing, code, message) => {
    const { client } = clientFor([await bytesServerForTest(inOrder(failing))], deadline)
    const failure = await failureOf(ask(client))
    expect(failure).toMatchObject({ code, message: expect.stringMatching(message), tryAgain: true })
    expectNoCanary(failure, { token: Buffer.from(token) })
  })

  it('of an address where nobody listens', async () => {
    const addresses = readAddresses(`http://127.0.0.1:${await freePort()}`)
    const { client } = clientFor([], { ...deadline, addresses })
    await expect(ask(client)).rejects.toMatchObject({
      code: 'ERR_DEVICE_UNAVAILABLE',
      message: expect.stringMatching(/refused the connection; tried for 3 s$/),
    })
  })

  it('of a server that says nothing: ERR_TIMEOUT', async () => {
    const { client } = clientFor([await bytesServerForTest(() => ['hang'])], deadline)
    await expect(ask(client)).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  })

  it('or when the caller ends it, with the reason of its signal', async () => {
    const { client } = clientFor([await bytesServerForTest(() => ['hang'])])
    const aborter = new AbortController()
    const asked = ask(client, {}, aborter.signal)
    const reason = new Error('no longer wanted')
    aborter.abort(reason)
    await expect(asked).rejects.toBe(reason)
  })
})

describe('what is never tried again', () => {
  it.each([400, 403, 404, 405])('an answer of %i', async (status) => {
    const server = await bytesServerForTest(inOrder(errors(status, 'no')))
    const { client } = clientFor([server])
    expect((await ask(client)).status).toBe(status)
    expect(server.heard).toHaveLength(1)
  })

  it.each([
    ['500', errors(500, 'x')],
    ['502', answer(502, '')],
  ])('a change that may have been made, after %s', async (_what, failing) => {
    const server = await bytesServerForTest(inOrder(failing, ok))
    const { client } = clientFor([server])
    await expect(ask(client, { once: true })).rejects.toMatchObject({ code: 'ERR_DEVICE_UNAVAILABLE' })
    expect(server.heard).toHaveLength(1)
  })

  it('but a change whose connection was never made goes to the next address', async () => {
    const mute = await bytesServerForTest(() => ['hang'])
    const own = await bytesServerForTest(inOrder(ok), { tls: authority.issue({ names: ['127.0.0.1'] }) })
    const addresses = readAddresses([mute, own].map(({ port }) => `https://127.0.0.1:${port}`).join(','))
    const { client } = clientFor([], { addresses, authorities: [authority.ca], timeoutMilliseconds: 30_000 })
    expect((await ask(client, { once: true })).status).toBe(200)
  })

  it('and a change that was certainly not made is', async () => {
    const server = await bytesServerForTest(inOrder(errors(503, 'sealed'), errors(429, ''), ok))
    const { client } = clientFor([server])
    expect((await ask(client, { once: true })).status).toBe(200)
  })
})

describe('a redirect', () => {
  const to = (port: number, path = '/v1/transit/hmac/aws/sha2-256') =>
    answer(307, '', { Location: `http://127.0.0.1:${port}${path}` })

  it('F-V06: to another address of the list is followed, with the token and the same body', async () => {
    const leader = await bytesServerForTest(inOrder(ok))
    const standby = await bytesServerForTest(inOrder(to(leader.port)))
    const { client } = clientFor([standby, leader])
    expect((await ask(client)).status).toBe(200)
    const [heard] = leader.heard
    expect(heard && headerOf(heard, 'x-vault-token')).toBe(token)
    expect(heard?.text).toMatch(/^POST \/v1\/transit\/hmac\/aws\/sha2-256 HTTP\/1\.1\r\n[\s\S]*\r\n\r\n\{\}$/)
  })

  it('F-V06: to any other place is refused, and nothing is sent there', async () => {
    const stranger = await bytesServerForTest(inOrder(ok))
    const standby = await bytesServerForTest(inOrder(to(stranger.port)))
    const { client } = clientFor([standby])
    const failure = await failureOf(ask(client))
    expect(failure).toMatchObject({ code: 'ERR_DEVICE_FAILED', message: expect.stringContaining('is not followed') })
    expect(stranger.connections()).toBe(0)
    expectNoCanary(failure, { token: Buffer.from(token) })
  })

  it('F-V06: that goes round in circles ends at the deadline', async () => {
    const ports: number[] = []
    const standby: Script = () => [{ send: to(ports.at(-1) ?? 0) }]
    const servers = [await bytesServerForTest(standby), await bytesServerForTest(standby)]
    ports.push(...servers.map(({ port }) => port))
    const { client } = clientFor(servers, { timeoutMilliseconds: 3000 })
    await expect(ask(client)).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  })
})

describe('the token', () => {
  it('is in its header alone', async () => {
    const server = await bytesServerForTest(inOrder(ok))
    await ask(clientFor([server], { namespace: 'eu' }).client)
    const [heard] = server.heard
    expect(heard?.text.split(token)).toHaveLength(2)
    expect(heard && headerOf(heard, 'x-vault-request')).toBe('true')
    expect(heard && headerOf(heard, 'x-vault-namespace')).toBe('eu')
  })

  it('that a refusal repeats is blanked', async () => {
    const server = await bytesServerForTest(inOrder(errors(400, `bad token ${token}`)))
    const { body } = await ask(clientFor([server]).client)
    expect(Buffer.from(body).toString()).toBe(`{"errors":["bad token ${'*'.repeat(token.length)}"]}`)
  })

  it('does not go to a server whose certificate is of another CA; the next address is asked', async () => {
    const stranger = await bytesServerForTest(inOrder(ok), { tls: testAuthority().issue({ names: ['127.0.0.1'] }) })
    const own = await bytesServerForTest(inOrder(ok), { tls: authority.issue({ names: ['127.0.0.1'] }) })
    const addresses = readAddresses([stranger, own].map(({ port }) => `https://127.0.0.1:${port}`).join(','))
    const { client } = clientFor([], { addresses, authorities: [authority.ca] })
    expect((await ask(client)).status).toBe(200)
    expect(stranger.heard).toHaveLength(0)
    const alone = clientFor([], { addresses: addresses.slice(0, 1), authorities: [authority.ca] })
    await expect(ask(alone.client)).rejects.toMatchObject({
      code: 'ERR_DEVICE_UNAVAILABLE',
      tryAgain: false,
      hint: expect.stringContaining('ca=file:'),
    })
  })

  it('goes where the certificate has the name that server-name says', async () => {
    const server = await bytesServerForTest(inOrder(ok), { tls: authority.issue({ names: ['vault.internal'] }) })
    const addresses = readAddresses(`https://127.0.0.1:${server.port}`)
    const named = { addresses, authorities: [authority.ca] }
    expect((await ask(clientFor([], { ...named, serverName: 'vault.internal' }).client)).status).toBe(200)
    await expect(ask(clientFor([], { ...named, serverName: 'vault.other' }).client)).rejects.toThrow(/another name/)
    await expect(ask(clientFor([], named).client)).rejects.toThrow(/another name/)
  })
})
