// The endpoint over a long time: ten requests a second, of which one in twenty goes wrong on the client's side; STS that is
// away for one look in twenty and sometimes for longer than a session lasts; a clock that runs a minute with each request and
// jumps over midnights. Two minutes in `npm test`, an hour in the long run. F-E10.

import { readdirSync } from 'node:fs'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { Endpoint } from '../../src/endpoint/endpoint.ts'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { heldMemory } from './held-memory.ts'
import { rawRequest } from './raw-request.ts'
import { Scene } from './scene.ts'

const seconds = process.env.TEST_LONG === '1' ? 3600 : 120
const perSecond = 10
const mebibyte = 1_048_576

vi.setConfig({ testTimeout: (seconds * 4 + 120) * 1000 })

interface Given {
  readonly AccessKeyId: string
  readonly SecretAccessKey: string
  readonly Token: string
  readonly Expiration: string
}

let scene: Scene
let endpoint: Endpoint
beforeAll(async () => {
  scene = new Scene()
  endpoint = await scene.start(await scene.source(), { otherRoles: [] })
})
afterAll(() => scene.end())

it('F-E10: no wrong answer, memory and descriptors flat', async () => {
  const began = Date.now()
  for (let step = 0; step < seconds * perSecond; step += 1) {
    moveTheWorld(step)
    if (Math.random() < 0.05) await clientFault()
    else await askAndJudge(step)
    if (step % 100 === 99) takeFigures()
    await sleep(Math.max(0, began + ((step + 1) * 1000) / perSecond - Date.now()))
  }
  // The least of several looks: what a connection still holds while it closes does not count.
  const grown = Math.min(...memory.slice(-4)) - Math.min(...memory.slice(2, 6))
  process.stdout.write(`F-E10: ${JSON.stringify(seen)}, ${(grown / mebibyte).toFixed(2)} MiB in ${seconds} s, `)
  process.stdout.write(`descriptors ${Math.min(...descriptors)} to ${Math.max(...descriptors)}\n`)
  expect(seen.checked).toBeGreaterThan(seconds / 10)
  expect(seen.midnights).toBeGreaterThan(seconds / 60)
  expect(seen.refused).toBeGreaterThan(0)
  expect(grown).toBeLessThan(2 * mebibyte + seconds * 1000)
  expect(Math.max(...descriptors) - Math.min(...descriptors)).toBeLessThan(10)
})

const seen = { good: 0, faults: 0, refused: 0, midnights: 0, checked: 0 }
const memory: number[] = []
const descriptors: number[] = []
let outage = 0
/** Of the session that was given last. */
let ends = 0

/** A minute passes, or the rest of a day; STS is away at random, and now and then for longer than a session lasts. */
function moveTheWorld(step: number): void {
  const before = scene.now().getUTCDate()
  scene.pass(step % 200 === 199 ? secondsToMidnight(scene.now()) - 1 : 60)
  if (scene.now().getUTCDate() !== before) seen.midnights += 1
  outage = step % 500 === 250 ? 80 : Math.max(0, outage - 1)
  scene.isOut = outage > 0 || Math.random() < 0.05
}

async function askAndJudge(step: number): Promise<void> {
  const wasGood = ends - scene.wall >= 60_000
  const { status, text } = await ask()
  if (status !== 200) {
    // Only where no good session is left, and none can be had.
    expect([status, wasGood, scene.isOut]).toEqual([503, false, true])
    seen.refused += 1
    return
  }
  const given = JSON.parse(text) as Given
  ends = Date.parse(given.Expiration)
  expect(ends - scene.wall).toBeGreaterThanOrEqual(60_000)
  if (step % 50 === 0 && (await canBeUsed(given))) seen.checked += 1
  seen.good += 1
}

function takeFigures(): void {
  memory.push(heldMemory())
  descriptors.push(readdirSync('/proc/self/fd').length)
}

const port = (): number => ('port' in endpoint.at ? endpoint.at.port : 0)

/** A connection of its own each time, as SDKs make it. */
function ask(): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((done, fail) => {
    const headers = { authorization: scene.token }
    const sent = request({ port: port(), host: '127.0.0.1', agent: false, headers }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      answer.on('end', () => done({ status: answer.statusCode ?? 0, text }))
    })
    sent.on('error', fail).end()
  })
}

/** A client that goes at once, one that knows no token, one that speaks nonsense. */
async function clientFault(): Promise<void> {
  seen.faults += 1
  const to = { port: port(), host: '127.0.0.1' }
  const head = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port()}\r\n`
  const choice = Math.floor(Math.random() * 3)
  if (choice === 0) {
    const goes = request({ ...to, agent: false, headers: { authorization: scene.token } })
    goes.on('error', () => undefined).end()
    await sleep(Math.random() * 3)
    goes.destroy()
    return
  }
  const { text } = await rawRequest(to, choice === 1 ? `${head}\r\n` : '\x16\x03\x01\r\n\r\n')
  expect(text).toMatch(choice === 1 ? /^HTTP\/1\.1 401 / : /^HTTP\/1\.1 400 /)
}

/** STS takes a request that is signed with them, and says for whom. */
async function canBeUsed({ AccessKeyId, SecretAccessKey, Token }: Given): Promise<boolean> {
  const keys = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token, now: scene.now }
  const { arn } = await scene.identityOf(secretDateKeys(keys))
  expect(arn).toBe('arn:aws:sts::111122223333:assumed-role/deploy/test')
  return true
}

function secondsToMidnight(now: Date): number {
  return 86_400 - ((now.getTime() / 1000) % 86_400)
}
