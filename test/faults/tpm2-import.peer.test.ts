// A TPM that fails while a secret checks in (F-T07, F-T20 and their kin): the complete object is there or none, nothing is
// made twice, and the secret is in no error.

import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { answerAt, importAt, type Place } from '../backends/tpm2/opening.ts'
import { dayAnswer, hex, keyText, type TpmWithKey, tpmWithKey } from '../backends/tpm2/tpm-with-key.ts'
import { handlesOf, leftInTpm } from '../peers/tpm-questions.ts'
import { type Fault, underFault } from './criteria.ts'
import { startTpmProxy, type TpmProxy } from './tpm-proxy.ts'
import { cut, first, flip, refuse, silence } from './tpm-rules.ts'

const folder = mkdtempSync(join(tmpdir(), 'hardkey-tpm-import-'))
const file = join(folder, 'fresh.tss2.pem')
const handle = '0x81010800'
let device: TpmWithKey
let proxy: TpmProxy
beforeAll(async () => {
  device = await tpmWithKey('unix')
  proxy = await startTpmProxy(device.tpm)
})
afterAll(async () => {
  await proxy?.stop()
  await device?.remove()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() => {
  proxy.order()
  proxy.forget()
  proxy.manage(false)
})
// One that leaves something must not make the next ones fail.
afterEach(() => device.tools.flush())

const places: Readonly<Record<'file' | 'handle', Place>> = {
  file: { path: { file } },
  handle: { path: { handle, parent: '0x81000001' } },
}

/** Checks in, asks, and removes again. */
const checkIn = (place: Place) => async (): Promise<string> => {
  const imported = await importAt(proxy.device, place)
  try {
    return await answerAt(proxy.device, { path: place.path })
  } finally {
    await imported.remove()
  }
}

function fault(act: () => Promise<string>, more: Partial<Fault<string>> = {}): Fault<string> {
  return {
    act,
    mend: () => proxy.order(),
    isRight: (answer) => answer === dayAnswer,
    kept: async () => ({
      persistent: await handlesOf(device.tpm, 'persistent'),
      left: await leftInTpm(device.tpm),
      files: readdirSync(folder),
    }),
    canaries: { key: Buffer.from(keyText), DateKey: Buffer.from(dayAnswer, 'hex') },
    ...more,
  }
}

describe.each(['file', 'handle'] as const)('a secret that checks in to a %s', (kind) => {
  it.each([
    ['F-T01', 'TPM2_Create is answered RETRY', () => refuse('Create', 0x922, first(2)), undefined],
    ['F-T18', 'the TPM is in failure mode', () => refuse('*', 0x101), 'ERR_DEVICE_FAILED'],
    ['F-T06', 'there is no room for the object', () => refuse('Create', 0x902), 'ERR_DEVICE_UNAVAILABLE'],
    [
      'F-T16',
      'an auth value is refused that nothing has',
      () => refuse('Create', 0x9a2),
      'ERR_DEVICE_FAILED|ERR_PIN_REQUIRED',
    ],
    ['F-T16', 'a bit of the new object is flipped', () => flip('Create', 30), 'ERR_DEVICE_FAILED'],
    ['F-T20', 'the connection ends before TPM2_Create is answered', () => cut('Create', 0), 'ERR_DEVICE_UNAVAILABLE'],
    [
      'F-T20',
      'the connection ends within the answer of TPM2_Create',
      () => cut('Create', 40),
      'ERR_DEVICE_UNAVAILABLE',
    ],
    ['F-T07', 'the object cannot be loaded', () => refuse('Load', 0x101), 'ERR_DEVICE_FAILED'],
    ['F-T07', 'the object cannot be used', () => refuse('HMAC', 0x101), 'ERR_DEVICE_FAILED'],
  ] as const)('%s: where %s leaves the whole key or nothing', async (id, _what, rule, code) => {
    proxy.order(rule())
    // Over a connection that was lost nobody but a resource manager can flush.
    proxy.manage(id === 'F-T20')
    const outcome = await underFault(fault(checkIn(places[kind])))
    if (code === undefined) expect(outcome).toEqual({ answer: dayAnswer })
    // A check-in that does not use the key cannot see that it is unusable.
    else if ('answer' in outcome) expect(outcome.answer).toBe(dayAnswer)
    else expect(Object(outcome.error).code).toMatch(new RegExp(`^(${code})$`))
    expect(existsSync(file)).toBe(false)
  })

  it('F-T20: TPM2_Create is not sent twice where its answer is lost', async () => {
    proxy.order(cut('Create', 0))
    proxy.manage(true)
    await expect(importAt(proxy.device, places[kind])).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_DEVICE/),
    })
    expect(proxy.count('Create')).toBe(1)
  })
})

describe('a secret that checks in to a handle', () => {
  it.each([
    ['before it begins', 0],
    ['in its midst', 14],
  ])('F-T20: whose answer is lost %s is looked for, and is there as a whole or not at all', async (_when, bytes) => {
    proxy.order(cut('EvictControl', bytes, first(1)))
    proxy.manage(true)
    const outcome = await importAt(proxy.device, places.handle).then(
      (imported) => ({ imported }),
      (error: unknown) => ({ error }),
    )
    const isThere = (await handlesOf(device.tpm, 'persistent')).map(hex).includes(handle)
    expect(isThere).toBe('imported' in outcome)
    expect(await leftInTpm(device.tpm)).toEqual([])
    if ('imported' in outcome) await outcome.imported.remove()
  })

  it('never takes the place of another object', async () => {
    const taken = { path: { handle: hex(device.handle) } }
    await expect(importAt(proxy.device, taken)).rejects.toMatchObject({ code: 'ERR_KEY_EXISTS' })
    expect(await answerAt(proxy.device, taken)).toBe(dayAnswer)
  })
})

describe('a secret that checks in and waits', () => {
  it('F-T20: ends with ERR_TIMEOUT where TPM2_Create is never answered', async () => {
    proxy.order(silence('Create'))
    proxy.manage(true)
    await expect(importAt(proxy.device, places.file)).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    expect([proxy.count('Create'), existsSync(file)]).toEqual([1, false])
  })
})
