// `hardkey approve NAME`. In: a record whose key has a date rule, the private office key. Out: NAME.approvals.json, which
// goes to the device. What can be refused is refused before the office key is read.

import { createPublicKey, type KeyObject } from 'node:crypto'
import { resolve } from 'node:path'
import { approvedDays } from '../../backends/tpm2/approvals.ts'
import { isEncryptedPem, privateOfficeKey } from '../../backends/tpm2/date-rule.ts'
import { HardkeyError } from '../../errors.ts'
import { readOwnFile } from '../../files/read-own-file.ts'
import { pinSourceOf } from '../../key/pin-source.ts'
import { KeyUri } from '../../key/uri.ts'
import { approveDays as approve } from '../../lifecycle/approve.ts'
import { pinPrompt } from '../ask/pin-prompt.ts'
import type { CommandContext } from '../command.ts'
import { pinSourceOption, storedRecord } from '../device/open-key.ts'
import { pairLines } from '../texts/table-lines.ts'

/** A PEM file of RSA 4096 has about 3.3 KiB. */
const longestOfficeKey = 65536
const mostDays = 366

/** Writes the approvals and says which days they are for. */
export async function approveDays(context: CommandContext): Promise<number> {
  const { args, now, output, report } = context
  const days = daysOption(context)
  const from = fromOption(context)
  const path = args.value('office-key')
  if (path === undefined) throw args.wrong('--office-key is missing', 'name the PEM file of the private office key')
  const stored = await storedRecord(context)
  const out = args.value('out')
  const officeKey = await readOfficeKey(context, path)
  const written = await approve({ stored, officeKey, from, days, out: out && resolve(out), now })
  const { approvals } = written
  if (args.has('json')) {
    const inputs = [...approvals.signatures.keys()]
    output.json({ name: stored.name, path: written.path, keyName: approvals.keyName, approved: inputs })
  } else {
    output.line(
      pairLines([
        ['approved', approvedDays(approvals)],
        ['key', `${stored.name} (${stored.record.accessKeyId})`],
        ['approvals', written.path],
      ]).join('\n'),
    )
  }
  report.next(`hardkey inspect ${stored.name}, where the device is, with the approvals beside the record`)
  return 0
}

function daysOption({ args }: CommandContext): number {
  const text = args.value('days') ?? '31'
  const days = /^[0-9]{1,3}$/.test(text) ? Number(text) : 0
  if (days < 1 || days > mostDays) throw args.wrong(`--days is no number from 1 to ${mostDays}`)
  return days
}

function fromOption({ args, now }: CommandContext): string {
  const text = args.value('from') ?? now().toISOString().slice(0, 10)
  const [, year, month, day] = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text) ?? []
  const time = new Date(`${text}T00:00:00Z`)
  const isDay = year !== undefined && !Number.isNaN(time.getTime()) && time.toISOString().startsWith(text)
  if (!isDay) throw args.wrong('--from is no day', 'write 2027-01-31')
  return `${year}${month}${day}`
}

async function readOfficeKey(context: CommandContext, path: string): Promise<KeyObject> {
  const pem = await readOwnFile(path, { maxBytes: longestOfficeKey, secret: true, code: 'ERR_KEY_FILE_INVALID' })
  let passphrase: Uint8Array | undefined
  try {
    if (isEncryptedPem(pem)) {
      const source = pinSourceOption(context.args)
      const named = KeyUri.of('tpm2', {}, source === undefined ? {} : { 'pin-source': source })
      const ask = pinSourceOf(named, pinPrompt(context, named))
      passphrase = await ask({ kind: 'passphrase', target: `the office key "${path}"`, signal: context.signal })
    }
    const key = privateOfficeKey(pem, passphrase)
    // Before anything is signed with it.
    createPublicKey(key)
    return key
  } catch (error) {
    if (!(error instanceof HardkeyError) || error.code !== 'ERR_KEY_FILE_INVALID') throw error
    throw new HardkeyError(error.code, `"${path}": ${error.message}`, { hint: error.hint })
  } finally {
    pem.fill(0)
    passphrase?.fill(0)
  }
}
