// Many clients at once: on a cold endpoint, above the cap of connections, and beside thousands that never finish their request.

import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { SessionSource } from '../../src/credentials/session-source.ts'
import { connectionsThatFit } from '../../src/endpoint/http-server.ts'
import { heldMemory } from './held-memory.ts'
import { manyClients } from './many-clients.ts'
import { get, role, Scene } from './scene.ts'

const mebibyte = 1_048_576

let scene: Scene
let source: SessionSource
beforeEach(async () => {
  scene = new Scene()
  source = await scene.source()
})
afterEach(() => scene.end())

it('F-E01: 10,000 requests on a cold endpoint make one device call and one STS call', async () => {
  const count = Math.min(10_000, await connectionsThatFit())
  let asked = 0
  const credentials: SessionSource['credentials'] = (name) => {
    asked += 1
    return source.credentials(name)
  }
  const endpoint = await scene.start({ ...source, credentials }, { otherRoles: [] })
  const port = 'port' in endpoint.at ? endpoint.at.port : 0
  const before = { device: scene.deviceCalls, sts: scene.stsCalls, memory: heldMemory() }
  scene.pass(7200)
  scene.hold()
  const clients = manyClients(port, scene.token, count)
  await vi.waitUntil(() => asked === count + 1, { timeout: 240_000, interval: 100 })
  const most = heldMemory() - before.memory
  scene.release()
  expect(await clients.result).toEqual({ statuses: { 200: count }, credentials: 1 })
  expect([scene.deviceCalls - before.device, scene.stsCalls - before.sts]).toEqual([1, 1])
  await get(endpoint, '/', { authorization: scene.token })
  const after = heldMemory() - before.memory
  process.stdout.write(`F-E01: ${count} at once, ${(most / mebibyte).toFixed(0)} MiB more while they wait, `)
  process.stdout.write(`${(after / mebibyte).toFixed(1)} MiB afterwards\n`)
  expect(most).toBeLessThan(150 * mebibyte)
  expect(after).toBeLessThan(20 * mebibyte)
})

it('F-E01: above the cap the answer is a quick 503, and those below it are served', async () => {
  const endpoint = await scene.start(source, { otherRoles: [], connections: 200 })
  const port = 'port' in endpoint.at ? endpoint.at.port : 0
  scene.pass(7200)
  scene.hold()
  const clients = manyClients(port, scene.token, 220)
  await clients.open
  const told = await get(endpoint, '/', { authorization: scene.token }).then(
    ({ status }) => status,
    () => 'closed',
  )
  scene.release()
  expect([503, 'closed']).toContain(told)
  expect((await clients.result).statuses).toEqual({ 200: 200, 503: 20 })
})

it('T-1: who holds every connection, silent or with half a request, keeps nobody else out', async () => {
  const endpoint = await scene.start(source, { otherRoles: [], connections: 20 })
  const port = 'port' in endpoint.at ? endpoint.at.port : 0
  const held = Array.from({ length: 20 }, () => connect({ port, host: '127.0.0.1' }))
  let closed = 0
  for (const socket of held) socket.on('close', () => (closed += 1)).on('error', () => undefined)
  await Promise.all(held.map((socket) => once(socket, 'connect')))
  for (const socket of held.slice(10)) socket.write('GET / HTTP/1.1\r\nHost:')
  await vi.waitFor(async () => {
    const { status } = await get(endpoint, '/', { authorization: scene.token, connection: 'close' })
    expect(status).toBe(200)
  }, 30_000)
  // One made room. Their own deadline would have closed all of them.
  expect(closed).toBe(1)
  for (const socket of held) socket.destroy()
})

it('F-E02: 5,000 half-open requests are closed after five seconds, while others are served', async () => {
  const endpoint = await scene.start(source, { otherRoles: [] })
  const port = 'port' in endpoint.at ? endpoint.at.port : 0
  const clients = manyClients(port, scene.token, 5000, false)
  await clients.open
  const answer = await get(endpoint, '/', { authorization: scene.token })
  expect(await answer.json()).toMatchObject({ RoleArn: role })
  const { statuses, credentials } = await clients.result
  expect([statuses, credentials]).toEqual([{ 408: 5000 }, 0])
})
