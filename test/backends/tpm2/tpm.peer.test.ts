// One opened TPM: commands sent again, deadlines, aborts, and handles that are given back on every path.

import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { recoveryOf } from '../../../src/backends/tpm2/status.ts'
import { describeTpm, listHandles } from '../../../src/backends/tpm2/wire/capability.ts'
import { readLockout } from '../../../src/backends/tpm2/wire/lockout.ts'
import { evictControl, readPublic } from '../../../src/backends/tpm2/wire/object-commands.ts'
import { Session } from '../../../src/backends/tpm2/wire/session.ts'
import { delay, first, refuse, silence } from '../../faults/tpm-rules.ts'
import { dayAnswer } from './tpm-with-key.ts'
import { behindProxy, dayHmac, freshTpm, loadedKey, nothing, opened, primary, salted } from './wire.ts'

it.each([
  ['F-T01', 'RETRY', 0x922],
  ['F-T02', 'YIELDED', 0x908],
  ['F-T02', 'TESTING', 0x90a],
  ['F-T02', 'CANCELED', 0x909],
  ['F-T02', 'NV_RATE', 0x920],
  ['F-T02', 'NV_UNAVAILABLE', 0x923],
])('%s sends the same bytes again after %s until the TPM takes them', async (_, _name, code) => {
  const { tpm, proxy } = await behindProxy()
  const parent = await primary(tpm)
  const key = await loadedKey(tpm, parent)
  proxy.forget()
  proxy.order(refuse('HMAC', code, first(3)))
  expect(await dayHmac(tpm, parent, key)).toBe(dayAnswer)
  const [one, ...others] = proxy.exchanges.slice(1).map(({ command }) => command.toString('hex'))
  expect(others).toEqual([one, one, one])
})

it('F-T01 gives up after ten more tries, and the next call works', async () => {
  const { tpm, proxy } = await behindProxy()
  const parent = await primary(tpm)
  const key = await loadedKey(tpm, parent)
  proxy.forget()
  proxy.order(refuse('HMAC', 0x922, first(11)))
  await expect(tpm.scoped(() => dayHmac(tpm, parent, key))).rejects.toMatchObject({
    code: 'ERR_DEVICE_UNAVAILABLE',
    serviceCode: 'TPM_RC_RETRY',
  })
  expect(proxy.count('HMAC')).toBe(11)
  expect(await dayHmac(tpm, parent, key)).toBe(dayAnswer)
})

it('F-T02 stops sending again at the deadline of the command', async () => {
  const { tpm, proxy } = await behindProxy({ commandMilliseconds: 3000 })
  proxy.order(refuse('GetCapability', 0x923))
  await expect(describeTpm(tpm)).rejects.toMatchObject({ serviceCode: 'TPM_RC_NV_UNAVAILABLE' })
  // Eleven times without a deadline.
  expect(proxy.count('GetCapability')).toBeGreaterThan(1)
  expect(proxy.count('GetCapability')).toBeLessThan(11)
})

it('F-T01 a key whose wrong tries count works at once after a power cut', async () => {
  const swtpm = await freshTpm()
  const before = await opened(swtpm.device)
  const parent = await primary(before)
  const key = await loadedKey(before, parent, { noDA: false })
  const session = await Session.start(before, { kind: 'hmac', salt: undefined })
  const authorization = { session, authValue: nothing, last: true }
  await evictControl(before, { hierarchy: 0x4000_0001, object: key, persistentHandle: 0x8101_0100, authorization })
  await before.close()
  await swtpm.powerCut()
  const tpm = await opened(swtpm.device)
  expect(await dayHmac(tpm, await primary(tpm), await readPublic(tpm, 0x8101_0100))).toBe(dayAnswer)
})

it('F-T03 F-T04 a wrong auth value is tried once, and the message counts the tries; a locked TPM says until when', async () => {
  const { tpm, proxy } = await behindProxy()
  const parent = await primary(tpm)
  const key = await loadedKey(tpm, parent, { authValue: Buffer.from('right'), noDA: false })
  const tries = async (authValue: string) =>
    await tpm.scoped(() => dayHmac(tpm, parent, key, { authValue: Buffer.from(authValue) })).catch((error) => error)
  expect(await tries('right')).toBe(dayAnswer)
  proxy.forget()
  expect(await tries('wrong')).toMatchObject({
    code: 'ERR_PIN_INCORRECT',
    message: expect.stringContaining('refused the auth value of the key'),
    hint: 'it was tried once; 1 of 3 wrong tries are used, and one comes back every 1000 s',
  })
  expect(proxy.count('HMAC')).toBe(1)
  await tries('wrong')
  await tries('wrong')
  expect(await tries('right')).toMatchObject({
    code: 'ERR_PIN_LOCKED',
    hint: expect.stringMatching(/^3 of 3 wrong tries lock .* one try comes back every 1000 s/),
  })
  expect(await readLockout(tpm)).toEqual({ isLocked: true, failedTries: 3, mostTries: 3, recoverySeconds: 1000 })
})

it('F-T03 a wrong auth value of a noDA key counts for nothing', async () => {
  const tpm = await opened((await freshTpm()).device)
  const parent = await primary(tpm)
  const key = await loadedKey(tpm, parent, { authValue: Buffer.from('right') })
  await expect(dayHmac(tpm, parent, key, { authValue: Buffer.from('wrong') })).rejects.toMatchObject({
    code: 'ERR_PIN_INCORRECT',
    serviceCode: 'TPM_RC_BAD_AUTH',
  })
  expect((await readLockout(tpm)).failedTries).toBe(0)
})

it('F-T07 leaves no handle behind 100 failures between loading and using a key', async () => {
  const { tpm, proxy } = await behindProxy()
  const parent = await primary(tpm)
  proxy.order(refuse('HMAC', 0x101))
  for (let round = 0; round < 100; round++) {
    const failing = tpm.scoped(async () => await dayHmac(tpm, parent, await loadedKey(tpm, parent)))
    await expect(failing).rejects.toMatchObject({ serviceCode: 'TPM_RC_FAILURE' })
  }
  expect(tpm.handles).toEqual([parent.handle])
  expect(await listHandles(tpm, 0x8000_0000)).toEqual([parent.handle])
  expect(await listHandles(tpm, 0x0200_0000)).toEqual([])
})

it('F-T06 says that the TPM has no room, and finds room once its own handles are given back', async () => {
  const tpm = await opened((await freshTpm()).device)
  const parent = await primary(tpm)
  const full = tpm.scoped(async () => {
    for (;;) await loadedKey(tpm, parent)
  })
  await expect(full).rejects.toMatchObject({
    code: 'ERR_DEVICE_UNAVAILABLE',
    serviceCode: 'TPM_RC_OBJECT_MEMORY',
    hint: expect.stringContaining('/dev/tpmrm0'),
  })
  expect(await dayHmac(tpm, parent, await loadedKey(tpm, parent))).toBe(dayAnswer)
})

it('F-T08 flushes nothing that another program has loaded', async () => {
  const { device } = await freshTpm()
  const other = await opened(device)
  const foreign = await primary(other)
  // As a program that was killed: its connection ends, and its object stays.
  other.disown(foreign.handle)
  await other.close()
  const tpm = await opened(device)
  await loadedKey(tpm, await primary(tpm))
  await tpm.close()
  expect(await listHandles(await opened(device), 0x8000_0000)).toEqual([foreign.handle])
})

it('F-T21 a command that takes longer than its deadline is ERR_TIMEOUT, and the connection is given up', async () => {
  const { tpm, proxy } = await behindProxy()
  await primary(tpm)
  proxy.forget()
  proxy.order(silence('*'))
  await expect(describeTpm(tpm, { timeoutMilliseconds: 200 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  expect(tpm.isBroken).toBe(true)
  // It has a handle that it would give back, and wait for that.
  await tpm.close()
  expect(proxy.commands()).toEqual(['GetCapability'])
})

it('an abort lets the command under way end, so that what it made is flushed, and sends no other', async () => {
  const { tpm, proxy } = await behindProxy()
  const parent = await primary(tpm)
  const key = await loadedKey(tpm, parent)
  proxy.forget()
  proxy.order(delay('StartAuthSession', 200))
  const controller = new AbortController()
  const aborted = tpm.scoped(async () => {
    const started = dayHmac(tpm, parent, key)
    await sleep(50)
    controller.abort(new Error('enough'))
    await started
    return await describeTpm(tpm, { signal: controller.signal })
  })
  await expect(aborted).rejects.toThrow('enough')
  expect(proxy.commands()).toEqual(['StartAuthSession', 'HMAC'])
  expect(tpm.isBroken).toBe(false)
})

it('an abort ends a wait before the same bytes go again', async () => {
  const { tpm, proxy } = await behindProxy()
  proxy.order(refuse('GetCapability', 0x920))
  const controller = new AbortController()
  setTimeout(() => controller.abort(new Error('enough')), 50)
  await expect(describeTpm(tpm, { signal: controller.signal })).rejects.toThrow('enough')
  expect(proxy.count('GetCapability')).toBe(1)
})

it('puts commands that come at the same time in order', async () => {
  const { tpm, proxy } = await behindProxy()
  proxy.order(delay('GetCapability', 20))
  const answers = await Promise.all(Array.from({ length: 8 }, () => describeTpm(tpm)))
  expect(new Set(answers).size).toBe(1)
  expect(proxy.count('GetCapability')).toBe(8)
})

it('F-T19 a session or an object that the TPM has lost asks for a new session', async () => {
  const { swtpm, tpm } = await behindProxy()
  const parent = await primary(tpm)
  const key = await loadedKey(tpm, parent)
  const session = await salted(tpm, parent)
  const lose = (handle: number) =>
    swtpm.send(
      Buffer.concat([
        Buffer.from('80010000000e00000165', 'hex'),
        Buffer.from(handle.toString(16).padStart(8, '0'), 'hex'),
      ]),
    )
  await lose(session.handle)
  const noSession = await dayHmac(tpm, parent, key, { session }).catch((error) => error)
  expect([noSession.serviceCode, recoveryOf(noSession)]).toEqual(['TPM_RC_REFERENCE_S0', 'session'])
  await lose(key.handle)
  const noObject = await dayHmac(tpm, parent, key).catch((error) => error)
  expect([noObject.serviceCode, recoveryOf(noObject)]).toEqual(['TPM_RC_REFERENCE_H0', 'session'])
  await tpm.close()
  expect(await listHandles(await opened(swtpm.device), 0x8000_0000)).toEqual([])
})
