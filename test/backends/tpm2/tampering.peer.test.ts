// Somebody between hardkey and the TPM changes, replays or cuts what crosses: nothing of it is believed.

import { expect, it } from 'vitest'
import { saltKey } from '../../../src/backends/tpm2/wire/salt.ts'
import { commandCodes, type Rule } from '../../faults/tpm-proxy.ts'
import { flip, replay } from '../../faults/tpm-rules.ts'
import { dayAnswer } from './tpm-with-key.ts'
import { behindProxy, dayHmac, loadedKey, primary } from './wire.ts'

it('F-T17 sends nothing to a key with another Name than the pinned one', async () => {
  const { tpm, proxy } = await behindProxy()
  const parent = await primary(tpm)
  const other = await primary(tpm, 'ecc-srk')
  proxy.forget()
  expect(() => saltKey(parent.handle, other.publicArea, parent.name)).toThrow(
    expect.objectContaining({ code: 'ERR_DEVICE_FAILED', message: expect.stringContaining('another Name') }),
  )
  expect(proxy.exchanges).toEqual([])
})

it('F-T16 refuses an answer of TPM2_HMAC of which any one bit was changed', async () => {
  const { tpm, proxy } = await behindProxy()
  const parent = await primary(tpm)
  const key = await loadedKey(tpm, parent)
  proxy.forget()
  await dayHmac(tpm, parent, key)
  const length = proxy.exchanges.at(-1)?.answer?.length ?? 0
  expect(length).toBe(117)
  // Of the header, tag and size are another matter (F-T15), and the code has no proof.
  for (let place = 10; place < length; place++) {
    proxy.order(flip('HMAC', place))
    await expect(tpm.scoped(() => dayHmac(tpm, parent, key))).rejects.toMatchObject({ code: 'ERR_DEVICE_FAILED' })
  }
  proxy.order()
  expect(await dayHmac(tpm, parent, key)).toBe(dayAnswer)
})

it('F-T16 refuses an answer that is replayed from an earlier session', async () => {
  const { tpm, proxy } = await behindProxy()
  const parent = await primary(tpm)
  const key = await loadedKey(tpm, parent)
  await dayHmac(tpm, parent, key)
  proxy.order(replay('HMAC'))
  await expect(dayHmac(tpm, parent, key)).rejects.toMatchObject({
    code: 'ERR_DEVICE_FAILED',
    message: expect.stringContaining('possible tampering'),
  })
})

it('F-T16 refuses an answer in clear, with the sessions taken away', async () => {
  const { tpm, proxy } = await behindProxy()
  const parent = await primary(tpm)
  const key = await loadedKey(tpm, parent)
  const clear = Buffer.from(`80010000002c000000000020${dayAnswer}`, 'hex')
  proxy.order({ codes: [commandCodes.HMAC], act: async () => ({ bytes: clear }) })
  await expect(dayHmac(tpm, parent, key)).rejects.toMatchObject({
    code: 'ERR_DEVICE_FAILED',
    message: expect.stringContaining('without the sessions'),
  })
})

it('F-T16 a command whose encryption somebody takes away is refused by the TPM', async () => {
  const { tpm, proxy } = await behindProxy()
  const parent = await primary(tpm)
  const key = await loadedKey(tpm, parent)
  // The attributes of the one session: after header, key, size, session handle and nonce of 32 bytes.
  const clearFlags: Rule['act'] = async (command, forward) => {
    const changed = Buffer.from(command)
    changed.writeUInt8(0, 10 + 4 + 4 + 4 + 2 + 32)
    return { bytes: await forward(changed) }
  }
  proxy.order({ codes: [commandCodes.HMAC], act: clearFlags })
  await expect(dayHmac(tpm, parent, key)).rejects.toMatchObject({ serviceCode: 'TPM_RC_BAD_AUTH' })
})

it('F-T15 an answer cut at any byte, with a header that agrees, is an error and leaves nothing in the TPM', async () => {
  const { tpm, proxy } = await behindProxy()
  const parent = await primary(tpm)
  const key = await loadedKey(tpm, parent)
  for (let length = 10; length < 117; length++) {
    const cut: Rule['act'] = async (command, forward) => {
      const bytes = Buffer.from((await forward(command)).subarray(0, length))
      bytes.writeUInt32BE(length, 2)
      return { bytes }
    }
    proxy.order({ codes: [commandCodes.HMAC], act: cut })
    await expect(tpm.scoped(() => dayHmac(tpm, parent, key))).rejects.toMatchObject({ code: 'ERR_DEVICE_FAILED' })
  }
  expect(tpm.handles).toEqual([parent.handle, key.handle])
})
