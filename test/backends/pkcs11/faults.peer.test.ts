// A broken or malicious module (T-5, F-P14 to F-P26), where more is to be seen than the criteria that every fault meets in
// test/faults/pkcs11.peer.test.ts: what becomes of its process, of those that wait, and how often the device is asked.

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { childrenLeft, day, dayAnswer, type Fixture, fixture, hex } from './fixture.ts'

const key = 'token=prod;object=aws'
let device: Fixture

beforeAll(async () => {
  device = await fixture()
})
afterAll(() => device.remove())
beforeEach(() => device.shim.forget())
afterEach(() => {
  device.shim.order()
  expect(childrenLeft()).toEqual([])
})

it('T-5: what the module starts by itself ends with it', async () => {
  const opened = await device.open(device.uri(key))
  const [group] = childrenLeft()
  device.shim.order('C_Sign * fork')
  await opened.hmac(day)
  expect(membersOf(group)).toHaveLength(2)
  await opened.close()
  await until(() => membersOf(group).length === 0)
})

it('F-P22: a module that is initialised already is used, and left so', async () => {
  device.shim.order('C_Initialize * after 0x191')
  const opened = await device.open(device.uri(key))
  expect(hex(await opened.hmac(day))).toBe(dayAnswer)
  await opened.close()
  expect(device.shim.count('C_Finalize')).toBe(0)
})

it('answers rightly again after its process was killed between two calls', async () => {
  const opened = await device.open(device.uri(key))
  await killChildren()
  expect(hex(await opened.hmac(day))).toBe(dayAnswer)
  expect(device.shim.count('C_Login')).toBe(2)
  await opened.close()
})

it('fails clearly when its process is killed during a call, and answers the next', async () => {
  const opened = await device.open(device.uri(key))
  device.shim.order('C_Sign * hang')
  const failure = opened.hmac(day).catch((error: unknown) => error)
  await reached('C_Sign')
  await killChildren()
  expect(await failure).toMatchObject({ code: 'ERR_DEVICE_FAILED', message: expect.stringContaining('SIGKILL') })
  device.shim.order()
  expect(hex(await opened.hmac(day))).toBe(dayAnswer)
  await opened.close()
})

it('F-P26: 300 callers at once are answered rightly, one after the other on one session', async () => {
  const opened = await device.open(device.uri(key))
  const answers = await Promise.all(Array.from({ length: 300 }, () => opened.hmac(day)))
  expect(new Set(answers.map(hex))).toEqual(new Set([dayAnswer]))
  expect(device.shim.count('C_OpenSession')).toBe(1)
  await opened.close()
})

it('F-P14: waits for a session while other programs hold them all, and not for ever', async () => {
  device.shim.order('C_OpenSession 1 return 0xb1', 'C_OpenSession 2 return 0xb1')
  await (await device.open(device.uri(key))).close()
  device.shim.order('C_OpenSession * return 0xb1')
  await expect(device.open(device.uri(key), { timeoutMilliseconds: 5000 })).rejects.toMatchObject({
    code: 'ERR_DEVICE_UNAVAILABLE',
    serviceCode: 'CKR_SESSION_COUNT',
    tryAgain: true,
  })
})

it('gives up a call that waits in the queue without asking the device for it', async () => {
  const opened = await device.open(device.uri(key))
  const aborter = new AbortController()
  const calls = [opened.hmac(day), opened.hmac(day, { signal: aborter.signal })]
  aborter.abort(new Error('no longer wanted'))
  const [first, second] = await Promise.allSettled(calls)
  expect([first?.status, second?.status]).toEqual(['fulfilled', 'rejected'])
  await opened.close()
  expect(device.shim.count('C_Sign')).toBe(1)
})

it('ends its process when an opening is aborted while the module hangs', async () => {
  device.shim.order('C_OpenSession * hang')
  const reason = new Error('no longer wanted')
  const aborter = new AbortController()
  const opening = device.open(device.uri(key), { signal: aborter.signal }).catch((error: unknown) => error)
  await reached('C_OpenSession')
  aborter.abort(reason)
  expect(await opening).toBe(reason)
})

async function reached(name: string): Promise<void> {
  await until(() => device.shim.count(name) > 0)
}

async function killChildren(): Promise<void> {
  const pids = childrenLeft()
  expect(pids).toHaveLength(1)
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  await until(() => !pids.some((pid) => existsSync(`/proc/${pid}`)))
}

/** Processes of a group that still run. */
function membersOf(group: number | undefined): readonly string[] {
  const lines = execFileSync('ps', ['-eo', 'pgid=,pid=,stat='], { encoding: 'utf8' }).split('\n')
  return lines.filter((line) => Number(line.trim().split(/ +/)[0]) === group && !line.includes('Z'))
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10))
}
