// Check-in: what is there afterwards, in the device and beside it.

import { createHash, createHmac } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { backendEntry } from '../../src/backends/list.ts'
import { tinkImporter } from '../../src/backends/tink/import.ts'
import { HardkeyError } from '../../src/errors.ts'
import { Secret } from '../../src/key/secret.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { type CheckInStep, checkIn } from '../../src/lifecycle/check-in.ts'
import { inspect } from '../../src/lifecycle/inspect.ts'
import { openRecord } from '../../src/profiles/open-record.ts'
import { readRecord, recordPath } from '../../src/profiles/record-store.ts'
import { expectNoCanary } from '../contract/canary.ts'
import { bare, identity, now, pin, prepared, refusalOf } from './prepared.ts'

describe('a check-in', () => {
  it('leaves the key in the device, and a record that says where it is', async () => {
    const { device, input } = prepared({ settings: { region: 'eu-west-1', durationSeconds: 3600 } })
    const { stored, found } = await checkIn(input)
    expect(stored).toEqual(await readRecord(recordPath(input.folder, 'prod')))
    expect([stored.record, found]).toEqual([
      {
        version: 1,
        accessKeyId: 'AKIAQ3EGRZ5UXAMPLE2A',
        uri: 'pkcs11:token=t;object=prod;serial=4711',
        protection: 'hardware',
        created: '2026-11-24T17:20:00Z',
        check: createHmac('sha256', `AWS4${bare}`).update('hardkey check 1').digest('hex').slice(0, 16),
        region: 'eu-west-1',
        durationSeconds: 3600,
      },
      false,
    ])
    expect([...device.keys].map(([label, key]) => [label, Buffer.from(key).toString()])).toEqual([
      ['prod', `AWS4${bare}`],
    ])
  })

  it('asks for the PIN once and the device for one HMAC', async () => {
    let asked = 0
    const counted = async (): Promise<Uint8Array> => {
      asked++
      return await pin()
    }
    const { device, input } = prepared({ pin: counted })
    await checkIn(input)
    expect([asked, device.calls.hmac]).toEqual([1, 1])
  })

  it('proves the key by a DateKey that the device computed, before the record is written', async () => {
    const seen: unknown[] = []
    const { input } = prepared({
      prove: async (keys) => {
        const key = await keys.dateKey('20261124')
        seen.push(key.export().toString('hex'), existsSync(recordPath(input.folder, 'prod')))
        return identity
      },
    })
    const result = await checkIn(input)
    const expected = createHmac('sha256', `AWS4${bare}`).update('20261124').digest('hex')
    expect([seen, result.identity]).toEqual([[expected, false], identity])
  })

  it('tells its steps in order', async () => {
    const steps: CheckInStep[] = []
    const { input } = prepared({ onStep: (step) => steps.push(step), prove: async () => identity })
    await checkIn(input)
    expect(steps).toEqual(['import', 'open', 'compare', 'prove', 'record'])
  })

  it('keeps no PIN in the record, and the pin-source that was named', async () => {
    const { input } = prepared({ to: KeyUri.parse('pkcs11:token=t?pin-value=1234'), pin: undefined })
    const { stored } = await checkIn(input)
    expect(stored.record.uri).toBe('pkcs11:token=t;object=prod;serial=4711')
  })

  it('keeps the label that the URI names', async () => {
    const { device, input } = prepared({ to: KeyUri.parse('pkcs11:token=t;object=aws') })
    await checkIn(input)
    expect([...device.keys.keys()]).toEqual(['aws'])
  })

  it('takes a key that is in the device already, for its proof and record alone', async () => {
    const { device, input } = prepared({ secret: 'in-device', to: KeyUri.parse('pkcs11:token=t;object=aws') })
    device.keys.set('aws', Buffer.from('AWS4of-long-ago'))
    const { stored, found } = await checkIn(input)
    expect([stored.record.uri, found, device.keys.size]).toEqual(['pkcs11:token=t;object=aws', true, 1])
  })

  it('finishes one that was killed before its record: the very key is found and kept (F-R01)', async () => {
    const { device, input } = prepared()
    device.keys.set('prod', Buffer.from(`AWS4${bare}`))
    const { found } = await checkIn(input)
    expect([found, device.keys.size]).toEqual([true, 1])
  })

  it('puts the SHA-256 of a longer key into the device, which computes the same (RFC 2104)', async () => {
    const long = 'f'.repeat(64)
    const { device, input } = prepared({ secret: Secret.take(Buffer.from(long)), otherStore: true })
    await checkIn(input)
    const digest = createHash('sha256').update(`AWS4${long}`).digest()
    expect(Buffer.from(device.keys.get('prod') ?? []).equals(digest)).toBe(true)
  })

  it('leaves the secret with its owner', async () => {
    const secret = Secret.take(Buffer.from(bare))
    await checkIn(prepared({ secret }).input)
    expect(secret.length).toBe(40)
  })
})

describe('a check-in into the embedded keyset', () => {
  const entry = { ...backendEntry('tink'), importer: async () => tinkImporter({ N: 16384 }) }
  const to = KeyUri.parse('tink:file=prod.keyset.json?kek=passphrase:')
  const typed = 'correct horse'
  const pin = async (): Promise<Uint8Array> => Uint8Array.from(Buffer.from(typed))

  it('lays the keyset beside the record, which opens it from anywhere', async () => {
    const { input } = prepared({ entry, to, pin })
    const { stored } = await checkIn(input)
    expect([stored.record.uri, readdirSync(input.folder).sort()]).toEqual([
      'tink:file=prod.keyset.json?kek=passphrase:',
      ['prod.json', 'prod.keyset.json'],
    ])
    const { key } = await openRecord(stored.path, { pin })
    await key.close()
    expect(await inspect(stored, { pin, now })).toMatchObject({ sameKey: true, ageDays: 0 })
  })

  it('leaves no file behind when the proof fails', async () => {
    const prove = async (): Promise<never> => {
      throw new HardkeyError('ERR_STS_REFUSED', 'no')
    }
    const { input } = prepared({ entry, to, pin, prove })
    await refusalOf(input)
    expect(readdirSync(input.folder)).toEqual([])
  })

  it('has the secret in no file in the clear', async () => {
    const { input } = prepared({ entry, to, pin })
    await checkIn(input)
    const texts = readdirSync(input.folder).map((name) => readFileSync(join(input.folder, name)))
    expectNoCanary(Buffer.concat(texts).toString('latin1'), { secret: Buffer.from(bare), typed: Buffer.from(typed) })
  })
})
