// How the endpoint gives, refuses and waits, by a clock that the test moves and an STS that it switches off.

import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SessionSource } from '../../src/credentials/session-source.ts'
import type { Endpoint, HandedOut } from '../../src/endpoint/endpoint.ts'
import { thisUser } from '../../src/files/ownership.ts'
import { get, otherRole, role, Scene } from './scene.ts'

interface ContainerBody {
  readonly AccessKeyId: string
  readonly Expiration: string
}

let scene: Scene
let source: SessionSource
beforeEach(async () => {
  scene = new Scene()
  source = await scene.source()
})
afterEach(() => scene.end())

const ask = (endpoint: Endpoint, path = '/'): Promise<Response> => get(endpoint, path, { authorization: scene.token })
const body = async (endpoint: Endpoint, path = '/'): Promise<ContainerBody> =>
  (await (await ask(endpoint, path)).json()) as ContainerBody

it('answers with what AWS SDKs read, all of it strings', async () => {
  const answer = await body(await scene.start(source))
  expect(answer).toEqual({
    AccessKeyId: expect.stringMatching(/^ASIA/),
    SecretAccessKey: expect.any(String),
    Token: expect.any(String),
    Expiration: '2026-11-30T13:00:00Z',
    AccountId: '111122223333',
    RoleArn: role,
  })
})

it('gives each listed role its own session, raw and percent-encoded', async () => {
  const endpoint = await scene.start(source)
  const raw = await body(endpoint, `/role-arn/${otherRole}`)
  expect(raw).toMatchObject({ RoleArn: otherRole })
  expect(await body(endpoint, `/role-arn/${encodeURIComponent(otherRole)}`)).toEqual(raw)
  expect(await body(endpoint, `/role-arn/${role}`)).toEqual(await body(endpoint))
})

it('has every session before it listens, so that no client waits for one', async () => {
  const endpoint = await scene.start(source)
  const before = scene.stsCalls
  scene.hold()
  expect((await ask(endpoint)).status).toBe(200)
  expect((await ask(endpoint, `/role-arn/${otherRole}`)).status).toBe(200)
  expect([before, scene.stsCalls]).toEqual([2, 2])
})

it('does not start where no session can be had', async () => {
  scene.isOut = true
  await expect(scene.start(source)).rejects.toMatchObject({ code: 'ERR_STS_UNREACHABLE' })
})

describe('while STS is down', () => {
  it('F-H18: the old session is given with its true end until a minute before it', async () => {
    const endpoint = await scene.start(source)
    const first = await body(endpoint)
    scene.isOut = true
    scene.pass(3600 - 61)
    expect(await body(endpoint)).toEqual(first)
  })

  it('F-E08: less than a minute is never given', async () => {
    const endpoint = await scene.start(source)
    scene.isOut = true
    scene.pass(3600 - 59)
    const answer = await ask(endpoint)
    expect(answer.status).toBe(503)
    expect(await answer.text()).not.toMatch(/ASIA/)
  })

  it('F-E03: the answer is 503 with code and message twice, a time to come again, and no stack', async () => {
    const endpoint = await scene.start(source)
    scene.isOut = true
    scene.pass(7200)
    const answer = await ask(endpoint)
    const text = await answer.text()
    const { code, message } = JSON.parse(text) as { code: string; message: string }
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('5')
    expect(JSON.parse(text)).toEqual({ Code: 'ERR_STS_UNREACHABLE', Message: message, code, message })
    expect(text).not.toMatch(/\bat |\.ts|node:|ASIA/)
  })

  it('F-E03: the next request is answered once STS is back, without a restart', async () => {
    const endpoint = await scene.start(source)
    scene.isOut = true
    scene.pass(7200)
    await ask(endpoint)
    scene.isOut = false
    scene.pass(31)
    expect((await ask(endpoint)).status).toBe(200)
  })

  it('tells of it once, and once more when it happens again', async () => {
    const failures: unknown[] = []
    const endpoint = await scene.start(source, { onFailed: (error) => failures.push(error) })
    for (const isOut of [true, true, false, true]) {
      scene.isOut = isOut
      scene.pass(7200)
      await ask(endpoint)
    }
    expect(failures).toHaveLength(2)
  })
})

it('hides what an unforeseen failure says', async () => {
  const endpoint = await scene
    .start({ ...source, credentials: () => Promise.reject(new Error('canary')) })
    .catch((error: Error) => error)
  expect(endpoint).toMatchObject({ message: 'canary' })
  let fails = false
  const broken: SessionSource = {
    ...source,
    credentials: (name) => (fails ? Promise.reject(new Error('canary')) : source.credentials(name)),
  }
  const running = await scene.start(broken)
  fails = true
  scene.pass(2)
  const answer = await ask(running)
  expect(answer.status).toBe(500)
  expect(await answer.text()).not.toContain('canary')
})

it('F-E06: a client that goes in the middle of a renewal does not stop the others', async () => {
  const { counted, asked } = countedSource()
  const endpoint = await scene.start(counted)
  scene.hold()
  scene.pass(7200)
  const goes = connect({ port: portOf(endpoint), host: '127.0.0.1' })
  goes.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${portOf(endpoint)}\r\nAuthorization: ${scene.token}\r\n\r\n`)
  await vi.waitUntil(() => asked() === 3, { timeout: 30_000 })
  const others = Promise.all(Array.from({ length: 20 }, () => body(endpoint)))
  await vi.waitUntil(() => asked() === 23, { timeout: 30_000 })
  goes.destroy()
  await once(goes, 'close')
  scene.release()
  expect(new Set((await others).map(({ AccessKeyId }) => AccessKeyId)).size).toBe(1)
  expect(scene.stsCalls).toBe(3)
})

it('F-E07: at the end, requests that wait are told so', async () => {
  const { counted, asked } = countedSource()
  const endpoint = await scene.start(counted)
  scene.hold()
  scene.pass(7200)
  const statuses = Promise.all(Array.from({ length: 100 }, async () => (await ask(endpoint)).status))
  await vi.waitUntil(() => asked() === 102, { timeout: 30_000 })
  await Promise.all([counted.close(), endpoint.close()])
  expect(new Set(await statuses)).toEqual(new Set([503]))
})

/** The source, and how often it was asked. */
function countedSource(): { readonly counted: SessionSource; readonly asked: () => number } {
  let asked = 0
  const credentials: SessionSource['credentials'] = (name) => {
    asked += 1
    return source.credentials(name)
  }
  return { counted: { ...source, credentials }, asked: () => asked }
}

function portOf({ at }: Endpoint): number {
  return 'port' in at ? at.port : 0
}

describe('what it tells of itself', () => {
  it('is behind the token', async () => {
    const endpoint = await scene.start(source)
    for (const path of ['/metrics', '/health']) {
      expect((await get(endpoint, path, { authorization: 'x' })).status).toBe(401)
    }
  })

  it('counts answers, sessions and failures, and says how long sessions last', async () => {
    const endpoint = await scene.start(source)
    await ask(endpoint)
    await ask(endpoint, '/nowhere')
    scene.isOut = true
    scene.pass(7200)
    await ask(endpoint)
    const text = await (await ask(endpoint, '/metrics')).text()
    const values = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    expect(values.map((line) => line.replace('hardkey_endpoint_', ''))).toEqual([
      'requests_total{status="200"} 1',
      'requests_total{status="404"} 1',
      'requests_total{status="503"} 1',
      'sessions_total 2',
      'failures_total 1',
      `session_seconds_left{role="${role}"} 0`,
      `session_seconds_left{role="${otherRole}"} 0`,
    ])
  })

  it('is healthy while its sessions are good, and asks nobody for that', async () => {
    const endpoint = await scene.start(source)
    expect((await ask(endpoint, '/health')).status).toBe(200)
    scene.pass(7200)
    expect((await ask(endpoint, '/health')).status).toBe(503)
    expect(scene.stsCalls).toBe(2)
  })
})

it('tells of each handing out: which credentials, to whose connection', async () => {
  const handed: HandedOut[] = []
  const endpoint = await scene.start(source, { onHandedOut: (one) => handed.push(one) })
  const { AccessKeyId } = await body(endpoint)
  await ask(endpoint, '/health')
  await ask(endpoint, '/nowhere')
  expect(handed).toMatchObject([{ accessKeyId: AccessKeyId, roleArn: role, remotePort: expect.any(Number) }])
  expect(handed[0]?.owner?.uid).toBe(endpoint.knowsOwners ? thisUser() : undefined)
})
