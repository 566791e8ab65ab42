// The three ways to a TPM: TCP, a Unix socket, and a terminal in raw mode that stands in for a character device.

import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { describeTpm, listCommands, listHandles, listPcrBanks } from '../../../src/backends/tpm2/wire/capability.ts'
import { swtpmWays } from '../../peers/swtpm.ts'
import { dayAnswer } from './tpm-with-key.ts'
import { dayHmac, freshTpm, loadedKey, opened, primary } from './wire.ts'

it.each(swtpmWays)('makes a key and computes kDate in a TPM reached by %s', async (way) => {
  const tpm = await opened((await freshTpm(way)).device)
  const parent = await primary(tpm)
  const key = await loadedKey(tpm, parent)
  expect(await dayHmac(tpm, parent, key)).toBe(dayAnswer)
  expect(tpm.handles).toEqual([parent.handle, key.handle])
})

it.each(swtpmWays)('gives everything back at the end of a connection by %s', async (way) => {
  const { device } = await freshTpm(way)
  const tpm = await opened(device)
  await loadedKey(tpm, await primary(tpm))
  await tpm.close()
  const next = await opened(device)
  expect(await listHandles(next, 0x80000000)).toEqual([])
  expect(await listHandles(next, 0x02000000)).toEqual([])
})

it('reads from the TPM who made it, which commands it has and which banks of PCRs', async () => {
  const tpm = await opened((await freshTpm()).device)
  expect(await describeTpm(tpm)).toMatch(/^SW TPM \(IBM\), firmware \d+\.\d+$/)
  const commands = await listCommands(tpm)
  expect([0x155, 0x176, 0x165].every((code) => commands.has(code))).toBe(true)
  expect(commands.has(0x7777)).toBe(false)
  expect((await listPcrBanks(tpm)).map(({ hash }) => hash)).toContain(0x000b)
})

it('waits for a TPM that another client uses, up to the deadline', async () => {
  const { device } = await freshTpm()
  const first = await opened(device)
  await describeTpm(first)
  const second = await opened(device, { commandMilliseconds: 300 })
  await expect(describeTpm(second)).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  const third = await opened(device)
  const waiting = describeTpm(third)
  await sleep(50)
  await first.close()
  expect(await waiting).toMatch(/firmware/)
})
