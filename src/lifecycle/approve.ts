// Days are approved for a key with a date rule. In: its record, the private office key, the days. Out: the file of
// approvals, old and new ones. No device is asked: the record knows the Name of the key, and that is what is signed for.

import type { KeyObject } from 'node:crypto'
import { createPublicKey } from 'node:crypto'
import { lstat } from 'node:fs/promises'
import { type Approvals, formatApprovals, readApprovals } from '../backends/tpm2/approvals.ts'
import { approve, isApproved, type OfficeKey, officeKeyFrom } from '../backends/tpm2/date-rule.ts'
import { HardkeyError } from '../errors.ts'
import { fileFailure, systemCode } from '../files/file-failure.ts'
import { replaceAtomically } from '../files/replace-atomically.ts'
import { checkLabel } from '../key/check-label.ts'
import { recordUri } from '../profiles/open-record.ts'
import type { StoredRecord } from '../profiles/record-store.ts'

/** What is to be approved. */
export interface ApproveInput {
  readonly stored: StoredRecord
  /** The private half of the office key. */
  readonly officeKey: KeyObject
  /** The first day, "YYYYMMDD". */
  readonly from: string
  /** How many days, from 1 on. */
  readonly days: number
  /** Where the approvals go; default: the place that the record names. */
  readonly out?: string | undefined
  readonly now: () => Date
}

/** What `approveDays` wrote. */
export interface ApproveResult {
  readonly path: string
  readonly approvals: Approvals
}

/**
 * Approves days, and the label of the check value, and keeps those that were approved before and are not past.
 * @throws ERR_USAGE for a record without a date rule, ERR_KEY_FILE_INVALID for a file of another key or another office,
 * ERR_CONFIG_INVALID where it cannot be written
 */
export async function approveDays(input: ApproveInput): Promise<ApproveResult> {
  const { keyName, path } = ruleOf(input)
  const officeKey = officeKeyFrom(createPublicKey(input.officeKey))
  const before = await existing(path)
  if (before !== undefined) refuseOther(before, keyName, officeKey, path)
  const wanted = [Buffer.from(checkLabel()).toString('latin1'), ...daysFrom(input.from, input.days)]
  const signatures = new Map<string, Uint8Array>()
  for (const one of new Set([...wanted, ...kept(before, input.now())])) {
    const data = Buffer.from(one, 'latin1')
    const signature = before?.signatures.get(one) ?? approve(input.officeKey, keyName, data)
    if (!isApproved(officeKey, keyName, data, signature)) throw anotherOffice(path)
    signatures.set(one, signature)
  }
  const approvals = { keyName: Buffer.from(keyName).toString('hex'), officeKey, signatures }
  await replaceAtomically(path, formatApprovals(approvals), { mode: 0o600 })
  return { path, approvals }
}

function ruleOf({ stored, out }: ApproveInput): { readonly keyName: Uint8Array; readonly path: string } {
  const uri = recordUri(stored)
  const [name, path] = [uri.get('name'), uri.get('approvals')]
  if (name === undefined || path === undefined) {
    throw new HardkeyError('ERR_USAGE', `the key of "${stored.name}" has no date rule`, {
      hint: 'a key gets one when it checks in: hardkey import NAME --to tpm2 --date-rule FILE',
    })
  }
  return { keyName: new Uint8Array(Buffer.from(name, 'hex')), path: out ?? path }
}

async function existing(path: string): Promise<Approvals | undefined> {
  try {
    await lstat(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw fileFailure('read', path, 'ERR_CONFIG_INVALID', error)
  }
  return await readApprovals(path)
}

function refuseOther(before: Approvals, keyName: Uint8Array, { spki }: OfficeKey, path: string): void {
  if (before.keyName !== Buffer.from(keyName).toString('hex')) {
    throw new HardkeyError('ERR_KEY_FILE_INVALID', `"${path}" approves days of another key`, {
      hint: 'it is never overwritten; move it away, or give --out',
    })
  }
  if (Buffer.compare(before.officeKey.spki, spki) !== 0) throw anotherOffice(path)
}

function anotherOffice(path: string): HardkeyError {
  return new HardkeyError('ERR_KEY_FILE_INVALID', `"${path}" has approvals of another office key`, {
    hint: 'the TPM takes those of the key alone that the import was given; move the file away if it is wrong',
  })
}

/** Days in a row, "YYYYMMDD", UTC. */
function daysFrom(first: string, count: number): readonly string[] {
  const start = Date.UTC(Number(first.slice(0, 4)), Number(first.slice(4, 6)) - 1, Number(first.slice(6)))
  return Array.from({ length: count }, (_, index) => dayOf(new Date(start + index * 86_400_000)))
}

/** What was approved and may still be used: yesterday's DateKey can be wanted until a clock is corrected. */
function kept(before: Approvals | undefined, now: Date): readonly string[] {
  const yesterday = dayOf(new Date(now.getTime() - 86_400_000))
  return [...(before?.signatures.keys() ?? [])].filter((input) => !/^\d{8}$/.test(input) || input >= yesterday)
}

function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10).replaceAll('-', '')
}
