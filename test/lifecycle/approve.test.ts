// Days are approved for a key with a date rule: which, for which key, and what is kept of earlier ones. No TPM is needed.

import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parseApprovals } from '../../src/backends/tpm2/approvals.ts'
import { isApproved } from '../../src/backends/tpm2/date-rule.ts'
import { type ApproveInput, approveDays } from '../../src/lifecycle/approve.ts'
import type { StoredRecord } from '../../src/profiles/record-store.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'hardkey-approve-')))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const office = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const today = new Date('2026-11-24T12:00:00Z')
let names = 0

function stored(name = `key-${++names}`, keyName = `000b${'5a'.repeat(32)}`, rule = true): StoredRecord {
  const uri = `tpm2:file=${name}.tss2.pem?name=${keyName}${rule ? `&approvals=${name}.approvals.json` : ''}`
  const record = { version: 1, accessKeyId: 'AKIAABCDEFGHIJKLMNOP', uri, protection: 'hardware' } as const
  return {
    name,
    path: join(folder, `${name}.json`),
    record: { ...record, created: '2026-11-24T00:00:00Z', check: '0'.repeat(16) },
  }
}

async function approved(record: StoredRecord, more: Partial<ApproveInput> = {}, officeKey: KeyObject = office) {
  const input = { stored: record, officeKey, from: '20261124', days: 2, now: () => today, ...more }
  const { path } = await approveDays(input)
  const { signatures, officeKey: key, keyName } = parseApprovals(readFileSync(path), path)
  for (const [one, signature] of signatures) {
    expect(isApproved(key, Buffer.from(keyName, 'hex'), Buffer.from(one), signature)).toBe(true)
  }
  return [...signatures.keys()]
}

describe('approved days', () => {
  it('follow one another, over the end of a year, and the check value is approved with them', async () => {
    const days = await approved(stored(), { from: '20261230', days: 3 })
    expect(days).toEqual(['hardkey check 1', '20261230', '20261231', '20270101'])
  })

  it('have a leap day', async () => {
    expect(await approved(stored(), { from: '20280228', days: 2 })).toContain('20280229')
  })

  it('are added to earlier ones, of which the past ones are dropped', async () => {
    const record = stored()
    await approved(record, { from: '20261110', days: 15 })
    const days = await approved(record, { from: '20261201', days: 1 })
    expect(days).toEqual(['hardkey check 1', '20261201', '20261123', '20261124'])
  })

  it('may go elsewhere, in a file that its owner alone can change', async () => {
    const out = join(folder, 'elsewhere.json')
    await approved(stored(), { out })
    expect(statSync(out).mode & 0o777).toBe(0o600)
  })

  it('are signed by RSA too', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    expect(await approved(stored(), {}, rsa)).toHaveLength(3)
  })
})

describe('an approval is refused', () => {
  it('for a key without a date rule', async () => {
    await expect(approved(stored('plain', undefined, false))).rejects.toMatchObject({ code: 'ERR_USAGE' })
  })

  it('where the file is of another key, which stays as it was', async () => {
    const record = stored()
    await approved(record)
    const before = readFileSync(join(folder, `${record.name}.approvals.json`), 'utf8')
    const other = stored(record.name, `000b${'5b'.repeat(32)}`)
    await expect(approved(other)).rejects.toMatchObject({ code: 'ERR_KEY_FILE_INVALID' })
    expect(readFileSync(join(folder, `${record.name}.approvals.json`), 'utf8')).toBe(before)
  })

  it('by another office key than the one of the file', async () => {
    const record = stored()
    await approved(record)
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const refusal = { code: 'ERR_KEY_FILE_INVALID', message: expect.stringContaining('another office key') }
    await expect(approved(record, {}, other)).rejects.toMatchObject(refusal)
  })

  it('where the file is something else', async () => {
    const record = stored()
    writeFileSync(join(folder, `${record.name}.approvals.json`), '[]', { mode: 0o600 })
    await expect(approved(record)).rejects.toMatchObject({ code: 'ERR_KEY_FILE_INVALID' })
  })
})
