// The built `hardkey serve` with a key in SoftHSM over a long time: ten requests a second, of which one in twenty goes wrong on the
// client's side; STS that is away for one look in twenty and sometimes for longer than a session lasts; a clock that runs a minute
// with each request and jumps over midnights. Memory and descriptors are what the kernel counts. Two minutes in `npm test`, an hour in
// the long run. F-E10.

import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { stsClient } from '../../src/sts/client.ts'
import { region, role } from '../cli/checked-in.ts'
import { MovedClock } from '../cli/moved-clock.ts'
import { Serving } from '../cli/serving.ts'
import { FaultyCommand } from '../faults/commands.ts'
import { folderInMemory } from '../files/temporary-folder.ts'
import { rawRequest } from './raw-request.ts'

const seconds = process.env.TEST_LONG === '1' ? 3600 : 120
const perSecond = 10
const [minute, day] = [60_000, 86_400_000]

vi.setConfig({ testTimeout: (seconds * 4 + 120) * 1000 })

interface Given {
  readonly AccessKeyId: string
  readonly SecretAccessKey: string
  readonly Token: string
  readonly Expiration: string
}

const clock = new MovedClock()
const folder = folderInMemory()
let there: FaultyCommand
let sts: Server
let serving: Serving
beforeAll(async () => {
  there = await FaultyCommand.make(clock.now)
  sts = await passing(there.sts.url)
  const at = `http://127.0.0.1:${(sts.address() as AddressInfo).port}/`
  const words = ['serve', 'prod', '--role-arn', role, '--role-session-name', 'test', '--endpoint-url', at]
  const { NODE_OPTIONS: moved, ...environment } = { ...there.environment, ...clock.environment(true) }
  Object.assign(environment, {
    // The room for new objects, which V8 widens and narrows by tens of MiB, stays as it is.
    NODE_OPTIONS: `${moved} --max-semi-space-size=1 --require "${join(import.meta.dirname, 'collect.cjs')}"`,
    HARDKEY_CACHE_DIR: folder,
    // A second attempt would wait, and the clock with it.
    AWS_MAX_ATTEMPTS: '1',
  })
  serving = await Serving.start(there.home, words, { environment })
})
afterAll(async () => {
  await serving?.stop()
  sts?.close()
  await there?.remove()
  clock.remove()
  rmSync(folder, { recursive: true })
})

it('F-E10: no wrong answer, memory and descriptors flat', async () => {
  const began = Date.now()
  for (let step = 0; step < seconds * perSecond; step += 1) {
    moveTheWorld(step)
    if (Math.random() < 0.05) await clientFault()
    else await askAndJudge(step)
    if (isAtRest()) takeFigures()
    await sleep(Math.max(0, began + ((step + 1) * 1000) / perSecond - Date.now()))
  }
  // In the first quarter the heap comes to its size.
  const quarter = Math.floor(memory.length / 4)
  const grown = mean(memory.slice(-quarter)) - mean(memory.slice(quarter, 2 * quarter))
  process.stdout.write(`F-E10: ${JSON.stringify(seen)}, ${(grown / 1024).toFixed(2)} MiB in ${seconds} s, `)
  process.stdout.write(`descriptors ${Math.min(...descriptors)} to ${Math.max(...descriptors)}\n`)
  expect(seen.checked).toBeGreaterThan(seconds / 10)
  expect(seen.midnights).toBeGreaterThan(seconds / 60)
  expect(seen.refused).toBeGreaterThan(0)
  expect(grown).toBeLessThan(6144 + seconds)
  expect(Math.max(...descriptors) - Math.min(...descriptors)).toBeLessThan(10)
})

const seen = { good: 0, faults: 0, refused: 0, midnights: 0, checked: 0 }
/** KiB. */
const memory: number[] = []
const descriptors: number[] = []
let outage = 0
let isOut = false
/** In this step or in the one before: whose renewal one request may still have joined. */
let wasOut = false
let midnightIsDue = false
/** Of the last step: a midnight may also pass by itself. */
let date = clock.now().getUTCDate()
/** Of the session that was given last. */
let ends = 0

/** A renewal begins when 24 minutes are left, and none is under way before. */
const isAtRest = (): boolean => ends - clock.now().getTime() > 30 * minute

/** A minute passes, or the rest of a day; STS is away at random, and now and then for longer than a session lasts. */
function moveTheWorld(step: number): void {
  const now = clock.now().getTime()
  midnightIsDue ||= step % 200 === 199
  // What STS is being asked meanwhile would be signed on another day.
  const jumps = midnightIsDue && isAtRest()
  if (jumps) midnightIsDue = false
  clock.pass(jumps ? (day - (now % day)) / minute - 1 / 60 : 1)
  if (clock.now().getUTCDate() !== date) seen.midnights += 1
  date = clock.now().getUTCDate()
  outage = step % 500 === 250 ? 80 : Math.max(0, outage - 1)
  const isOutNow = outage > 0 || Math.random() < 0.05
  wasOut = isOut || isOutNow
  isOut = isOutNow
}

async function askAndJudge(step: number): Promise<void> {
  const asked = clock.now().getTime()
  // What is left goes on shrinking until the command looks.
  const wasGood = ends - asked >= minute + 10_000
  const { status, text } = await ask()
  if (status !== 200) {
    // Only where no good session is left, and none can be had.
    expect([status, wasGood, wasOut]).toEqual([503, false, true])
    seen.refused += 1
    return
  }
  const given = JSON.parse(text) as Given
  ends = Date.parse(given.Expiration)
  expect(ends - asked).toBeGreaterThanOrEqual(minute)
  if (step % 50 === 0 && (await canBeUsed(given))) seen.checked += 1
  seen.good += 1
}

function takeFigures(): void {
  const { pid } = serving.child
  memory.push(Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]))
  descriptors.push(readdirSync(`/proc/${pid}/fd`).length)
}

/** A connection of its own each time, as SDKs make it. */
function ask(): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((done, fail) => {
    const headers = { authorization: serving.token }
    const sent = request({ port: serving.port, host: '127.0.0.1', agent: false, headers }, (answer) => {
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
  const to = { port: serving.port, host: '127.0.0.1' }
  const head = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${serving.port}\r\n`
  const choice = Math.floor(Math.random() * 3)
  if (choice === 0) {
    const goes = request({ ...to, agent: false, headers: { authorization: serving.token } })
    goes.on('error', () => undefined).end()
    await sleep(Math.random() * 3)
    goes.destroy()
    return
  }
  const { text } = await rawRequest(to, choice === 1 ? `${head}\r\n` : '\x16\x03\x01\r\n\r\n')
  expect(text).toMatch(choice === 1 ? /^HTTP\/1\.1 401 / : /^HTTP\/1\.1 400 /)
}

/** STS takes a request that is signed with them, and says for whom; it is never away for this. */
async function canBeUsed({ AccessKeyId, SecretAccessKey, Token }: Given): Promise<boolean> {
  const { now } = clock
  const keys = secretDateKeys({ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token })
  const client = stsClient({ keys, region, endpoint: there.sts.url, now })
  const { arn } = await client.getCallerIdentity().finally(() => client.close())
  expect(arn).toBe('arn:aws:sts::111122223333:assumed-role/deploy/test')
  return true
}

/** Passes each request on, or cuts it off while STS is to be away. */
async function passing(url: string): Promise<Server> {
  const server = createServer((asked, response) => {
    if (isOut) return void asked.destroy()
    const onward = request(url, { method: asked.method, headers: asked.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    asked.pipe(onward)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
