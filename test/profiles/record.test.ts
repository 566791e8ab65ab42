// Key records: what they may hold, and how they lie on the disk.

import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatRecord, type KeyRecord, parseRecord } from '../../src/profiles/record.ts'
import { createRecord, listRecords, readRecord, recordPath } from '../../src/profiles/record-store.ts'
import { temporaryFolder } from '../files/temporary-folder.ts'

const record: KeyRecord = {
  version: 1,
  accessKeyId: 'AKIAQ3EGRZ5UXAMPLE2A',
  uri: 'tink:file=prod.keyset.json?kek=passphrase:',
  protection: 'memory',
  created: '2026-11-24T17:20:00Z',
  check: '0123456789abcdef',
  region: 'eu-west-1',
}

const parsed = (changes: Record<string, unknown>) => () =>
  parseRecord(Buffer.from(JSON.stringify({ ...record, ...changes })), 'prod.json')

describe('a key record', () => {
  it('is read back as it was written, and written back byte for byte', () => {
    const optional = fc.record(
      {
        region: fc.stringMatching(/^[a-z0-9-]{1,64}$/),
        durationSeconds: fc.integer({ min: 900, max: 129_600 }),
        roleSessionName: fc.stringMatching(/^[A-Za-z0-9+=,.@_-]{2,64}$/),
        mfaSerial: fc.stringMatching(/^[A-Za-z0-9:/-]{9,60}$/),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(optional, (settings) => {
        const bytes = formatRecord({ ...record, ...settings })
        expect(parseRecord(bytes, 'x')).toEqual({ ...record, ...settings })
        expect(Buffer.compare(formatRecord(parseRecord(bytes, 'x')), bytes)).toBe(0)
      }),
    )
  })

  it.each([
    ['accessKeyId', 'AKIA/x'],
    ['uri', 'no uri'],
    ['uri', 'tink:file=x?pin-value=1234'],
    ['protection', 'strong'],
    ['created', '2026-02-30T00:00:00Z'],
    ['created', 'yesterday'],
    ['check', '0123456789ABCDEF'],
    ['version', 2],
    ['region', ''],
    ['endpointUrl', 'ftp://x'],
    ['roleArn', 'role'],
    ['durationSeconds', 899],
    ['durationSeconds', 3600.5],
    ['durationSeconds', '3600'],
    ['mfaSerial', 'x y'],
  ])('is refused with a wrong %s: %j, by path and member', (name, value) => {
    expect(parsed({ [name]: value })).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: `prod.json has a wrong "${name}"` }),
    )
  })

  it.each(['accessKeyId', 'uri', 'protection', 'created', 'check', 'version'])('is refused without %s', (name) => {
    expect(parsed({ [name]: undefined })).toThrow(`prod.json is not a key record: it has no "${name}"`)
  })

  it('B-043: is refused with a member that it does not have, with the one that was meant', () => {
    expect(parsed({ regoin: 'x' })).toThrow(expect.objectContaining({ hint: 'did you mean "region"?' }))
  })

  it.each(['__proto__', 'constructor', 'toString'])(
    'B-053: is refused with the member %s, which has no effect',
    (name) => {
      const text = JSON.stringify(record).replace('{', `{"${name}":{"region":"x"},`)
      expect(() => parseRecord(Buffer.from(text), 'prod.json')).toThrow(`has an unknown "${name}"`)
    },
  )

  it.each([
    ['not JSON', Buffer.from('{')],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['not a JSON object', Buffer.from('[]')],
  ])('is refused where it is %s', (fault, bytes) => {
    expect(() => parseRecord(bytes, 'prod.json')).toThrow(`prod.json is not a key record: ${fault}`)
  })
})

describe('the name of a record', () => {
  it.each(['prod', 'a.b-c_d', 'constructor', '__proto__', 'x'.repeat(100)])('may be %s', (name) => {
    expect(recordPath('/keys', name)).toBe(`/keys/${name}.json`)
  })

  it.each(['', '.', '..', '.x', '-x', 'a/b', 'a:b', 'a b', 'ä', 'x\0', 'prod.keyset', 'x'.repeat(101)])(
    'may not be %j',
    (name) => {
      expect(() => recordPath('/keys', name)).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }))
    },
  )
})

describe('the folder of records', () => {
  it('is made with mode 0700 and its records with 0600', async () => {
    const folder = join(temporaryFolder(), 'hardkey', 'keys')
    const path = recordPath(folder, 'prod')
    await createRecord(path, record)
    expect([statSync(folder).mode & 0o777, statSync(path).mode & 0o777]).toEqual([0o700, 0o600])
    expect(await readRecord(path)).toEqual({ name: 'prod', path, record })
  })

  it('never overwrites a record, and says so', async () => {
    const path = recordPath(temporaryFolder(), 'prod')
    await createRecord(path, record)
    await expect(createRecord(path, { ...record, region: 'x' })).rejects.toMatchObject({ code: 'ERR_KEY_EXISTS' })
    expect((await readRecord(path)).record).toEqual(record)
  })

  it('takes one of twenty records that are made under one name at once', async () => {
    const folder = temporaryFolder()
    const path = recordPath(folder, 'prod')
    const making = Array.from({ length: 20 }, (_, index) => createRecord(path, { ...record, region: `r${index}` }))
    const made = await Promise.allSettled(making)
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(readdirSync(folder)).toEqual(['prod.json'])
  })

  it('lists its records by name, a broken one with its problem, and no key files', async () => {
    const folder = temporaryFolder()
    await createRecord(recordPath(folder, 'b'), record)
    await createRecord(recordPath(folder, 'a'), record)
    writeFileSync(join(folder, 'broken.json'), '{')
    writeFileSync(join(folder, 'b.keyset.json'), '{}')
    writeFileSync(join(folder, '.b.json.new-1'), '{}')
    const listed = await listRecords(folder)
    expect(listed.map((one) => [one.name, 'record' in one])).toEqual([
      ['a', true],
      ['b', true],
      ['broken', false],
    ])
  })

  it('has no records where it does not exist', async () => {
    expect(await listRecords(join(temporaryFolder(), 'none'))).toEqual([])
  })

  it('B-040: refuses a record that others could change, that is a folder, or that is not there', async () => {
    const folder = temporaryFolder()
    const path = recordPath(folder, 'prod')
    await createRecord(path, record)
    chmodSync(path, 0o666)
    mkdirSync(recordPath(folder, 'folder'))
    for (const name of ['prod', 'folder', 'missing']) {
      await expect(readRecord(recordPath(folder, name))).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' })
    }
  })
})
