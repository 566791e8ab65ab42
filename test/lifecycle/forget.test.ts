// Forget and inspect: what goes, in which order, and what the device is compared with.

import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/key/secret.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { checkIn } from '../../src/lifecycle/check-in.ts'
import { forget } from '../../src/lifecycle/forget.ts'
import { inspect, recordAgeDays } from '../../src/lifecycle/inspect.ts'
import type { StoredRecord } from '../../src/profiles/record-store.ts'
import { temporaryFolder } from '../files/temporary-folder.ts'
import { awsFiles, textOf } from '../profiles/aws-files.ts'
import { type Faults, type TestDevice, testDevice } from './test-device.ts'

const now = (): Date => new Date('2026-11-24T17:20:00Z')
const pin = async (): Promise<Uint8Array> => Uint8Array.from(Buffer.from('1234'))
const others = '[profile q]\nregion = x\n'

async function checkedIn(faults: Faults = {}): Promise<{ device: TestDevice; stored: StoredRecord }> {
  const device = testDevice(faults)
  const { stored } = await checkIn({
    name: 'prod',
    accessKeyId: 'minio',
    otherStore: true,
    secret: Secret.take(Buffer.from('minio123')),
    to: KeyUri.parse('pkcs11:token=t'),
    entry: device.entry,
    pin,
    folder: temporaryFolder(),
    now,
  })
  return { device, stored }
}

describe('forgetting a key', () => {
  it('removes the record and its profile lines, and keeps the key in the device', async () => {
    const { device, stored } = await checkedIn()
    const files = awsFiles({
      config: `${others}[profile p]\ncredential_process = /x/hardkey credential-process prod\n`,
    })
    expect(await forget({ stored, files })).toEqual({ profiles: ['p'], device: 'kept', others: [] })
    expect([existsSync(stored.path), device.keys.size, textOf(files.config)]).toEqual([false, 1, others])
  })

  it('removes the key from the device where that is asked', async () => {
    const { device, stored } = await checkedIn()
    const fromDevice = { pin, entry: device.entry }
    const forgotten = await forget({ stored, files: awsFiles({}), fromDevice })
    expect(forgotten).toEqual({ profiles: [], device: 'removed', others: [] })
    expect([existsSync(stored.path), device.keys.size]).toEqual([false, 0])
  })

  it('goes on where the key is gone from the device already', async () => {
    const { device, stored } = await checkedIn()
    device.keys.clear()
    const fromDevice = { pin, entry: device.entry }
    expect(await forget({ stored, files: awsFiles({}), fromDevice })).toMatchObject({ device: 'was not there' })
    expect(existsSync(stored.path)).toBe(false)
  })

  it('keeps the record and the profile where the device refuses', async () => {
    const { device, stored } = await checkedIn({ keepsKeys: true })
    const config = '[profile p]\ncredential_process = /x/hardkey credential-process prod\n'
    const files = awsFiles({ config })
    const forgetting = forget({ stored, files, fromDevice: { pin, entry: device.entry } })
    await expect(forgetting).rejects.toMatchObject({ code: 'ERR_DEVICE_UNAVAILABLE' })
    expect([existsSync(stored.path), textOf(files.config)]).toEqual([true, config])
  })
})

describe('inspecting a key', () => {
  it('finds the key that checked in, and its age', async () => {
    const { device, stored } = await checkedIn()
    const later = (): Date => new Date('2026-12-01T17:19:59Z')
    const inspection = await inspect(stored, { pin, now: later, entry: device.entry })
    expect(inspection).toMatchObject({ sameKey: true, ageDays: 6, info: { device: 'token "t"' } })
  })

  it('finds out another key under the same name', async () => {
    const { device, stored } = await checkedIn()
    device.keys.set('prod', Buffer.from('AWS4another'))
    const inspection = await inspect(stored, { pin, now, entry: device.entry })
    expect(inspection.sameKey).toBe(false)
  })

  it('counts no negative days where the clock stands before the check-in', () => {
    expect(recordAgeDays({ created: '2026-11-24T17:20:00Z' }, new Date('2020-01-01'))).toBe(0)
  })
})
