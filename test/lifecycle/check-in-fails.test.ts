// Check-in, failing: after a failure at any step there is neither key nor record (F-R10, F-R11).

import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { HardkeyError } from '../../src/errors.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { type CheckInStep, checkIn } from '../../src/lifecycle/check-in.ts'
import { createRecord, readRecord, recordPath } from '../../src/profiles/record-store.ts'
import { expectNoCanary } from '../contract/canary.ts'
import { bare, identity, prepared, refusalOf } from './prepared.ts'

describe('a check-in that fails', () => {
  const steps: readonly CheckInStep[] = ['import', 'open', 'compare', 'prove', 'record']

  it.each(steps)('leaves neither key nor record when it is stopped before the step "%s"', async (stop) => {
    const ended = new AbortController()
    const onStep = (step: CheckInStep): void => {
      if (step === stop) ended.abort(new Error('stopped by a person'))
    }
    const { device, input } = prepared({ onStep, signal: ended.signal, prove: async () => identity })
    const outcome = await checkIn(input).catch((error: unknown) => error)
    if (stop === 'record') return expect(outcome).toMatchObject({ stored: { name: 'prod' } })
    expect(outcome).toEqual(new Error('stopped by a person'))
    expect([device.keys.size, readdirSync(input.folder)]).toEqual([0, []])
  })

  it('F-R10: removes the key again when AWS does not know it, and reports what AWS said', async () => {
    const refused = new HardkeyError('ERR_STS_REFUSED', 'the signature does not match', {
      serviceCode: 'SignatureDoesNotMatch',
    })
    const { device, input } = prepared({
      prove: async () => {
        throw refused
      },
    })
    expect(await refusalOf(input)).toBe(refused)
    expect([device.keys.size, readdirSync(input.folder)]).toEqual([0, []])
  })

  it('removes the key again when the device computes with another', async () => {
    const { device, input } = prepared({}, { storesWrongKey: true })
    expect(await refusalOf(input)).toMatchObject({ code: 'ERR_DEVICE_FAILED' })
    expect(device.keys.size).toBe(0)
  })

  it('removes the key again when a record of its name appears meanwhile, and keeps that record', async () => {
    const other = prepared()
    const theirs = (await checkIn(other.input)).stored.record
    const { device, input } = prepared({
      prove: async () => {
        await createRecord(recordPath(input.folder, 'prod'), theirs)
        return identity
      },
    })
    expect(await refusalOf(input)).toMatchObject({ code: 'ERR_KEY_EXISTS' })
    expect([device.keys.size, (await readRecord(recordPath(input.folder, 'prod'))).record]).toEqual([0, theirs])
  })

  it('does not touch the device where the record exists, or has no possible name', async () => {
    const { device, input } = prepared()
    await checkIn(input)
    device.keys.clear()
    expect(await refusalOf(input)).toMatchObject({ code: 'ERR_KEY_EXISTS' })
    expect(await refusalOf({ ...input, name: '../prod' })).toMatchObject({ code: 'ERR_USAGE' })
    expect([device.keys.size, device.calls.pin]).toEqual([0, 2])
  })

  it('does not touch the device where no record could be written', async () => {
    const { device, input } = prepared({ folder: '/dev/null/keys' })
    expect(await refusalOf(input)).toMatchObject({ code: 'ERR_CONFIG_INVALID' })
    expect(device.calls.pin).toBe(0)
  })

  it('F-R11: never overwrites another key of the same name, and leaves it where it is', async () => {
    const { device, input } = prepared()
    device.keys.set('prod', Buffer.from('AWS4another'))
    expect(await refusalOf(input)).toMatchObject({ code: 'ERR_KEY_EXISTS' })
    expect(Buffer.from(device.keys.get('prod') ?? []).toString()).toBe('AWS4another')
  })

  it('leaves a key that was in the device before', async () => {
    const prove = async (): Promise<never> => {
      throw new HardkeyError('ERR_STS_UNREACHABLE', 'no network')
    }
    const { device, input } = prepared({ secret: 'in-device', to: KeyUri.parse('pkcs11:token=t;object=aws'), prove })
    device.keys.set('aws', Buffer.from('AWS4of-long-ago'))
    expect(await refusalOf(input)).toMatchObject({ code: 'ERR_STS_UNREACHABLE' })
    expect(device.keys.size).toBe(1)
  })

  it('tries a wrong PIN once', async () => {
    const { device, input } = prepared({ pin: async () => Buffer.from('0000') })
    expect(await refusalOf(input)).toMatchObject({ code: 'ERR_PIN_INCORRECT' })
    expect(device.calls.pin).toBe(1)
  })

  it('names the key that could not be removed again', async () => {
    const { input } = prepared({}, { storesWrongKey: true, keepsKeys: true })
    expect(await refusalOf(input)).toMatchObject({
      code: 'ERR_DEVICE_FAILED',
      message: expect.stringContaining('could not be removed again (token "t" is gone)'),
      hint: 'remove it from the device: pkcs11:token=t;object=prod;serial=4711',
    })
  })

  it('shows neither secret nor PIN, wherever it fails', async () => {
    const wrong = await refusalOf(prepared({ to: KeyUri.parse('pkcs11:token=t?pin-value=87654321') }).input)
    const left = await refusalOf(prepared({}, { storesWrongKey: true, keepsKeys: true }).input)
    for (const error of [wrong, left]) {
      expectNoCanary(error, { secret: Buffer.from(bare), pin: Buffer.from('87654321') })
    }
  })
})
