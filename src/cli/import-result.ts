// What `import` tells when all is done. In: what was checked in, written and removed. Out: the record and the policy on
// standard output; notes, warnings and the next command on standard error.

import { KeyUri } from '../key/uri.ts'
import type { CheckInResult } from '../lifecycle/check-in.ts'
import type { WriteCredentialProcess } from '../profiles/credential-process.ts'
import type { CommandContext } from './command.ts'
import { type MadePolicy, policyLines } from './import-policy.ts'
import { type ImportProof, proofTexts } from './import-proof.ts'
import { asksAPerson } from './pin-prompt.ts'
import { tellProfileLine } from './profile-line.ts'
import { pairLines } from './table-lines.ts'

/** All that `import` did. */
export interface Imported {
  readonly result: CheckInResult
  readonly proof: ImportProof
  readonly profile: WriteCredentialProcess | undefined
  /** The record that the profile asked for before, where it was another. */
  readonly askedBefore: string | undefined
  /** Files that held the plaintext. */
  readonly removed: readonly string[]
  /** Places that hold it still. */
  readonly remains: readonly string[]
  readonly policy: MadePolicy | undefined
}

/** Prints it. */
export function tellImport(context: CommandContext, imported: Imported): void {
  tellNotes(context, imported)
  tellResult(context, imported)
  context.report.next(nextCommand(imported))
}

/** What a person should know or change. */
function tellNotes(context: CommandContext, { result, profile, askedBefore, remains }: Imported): void {
  const { report } = context
  const { stored, info, found, awaitsApproval } = result
  if (found) report.note('this very key was in the device already; it was kept')
  if (awaitsApproval) {
    report.note('the TPM answers approved days alone, and none is approved yet: the first inspect compares the key')
  }
  for (const warning of info.warnings) report.warning(warning)
  for (const place of remains) report.warning(`the secret still stands in ${place}`)
  if (profile === undefined) return
  if (asksAPerson(KeyUri.parse(stored.record.uri))) {
    report.note('the key URI has no pin-source: what unlocks the device is asked at the terminal each time')
  }
  tellProfileLine(context, profile.profile, askedBefore)
}

function tellResult({ args, output }: CommandContext, { result, proof, profile, removed, policy }: Imported): void {
  const { stored, info, identity } = result
  const { name, record, path } = stored
  if (args.has('json')) {
    output.json({
      name,
      path,
      ...record,
      device: info,
      identity: identity ?? null,
      profile: profile?.profile ?? null,
      removed,
      ...(policy === undefined ? {} : { policy }),
    })
    return
  }
  output.line(
    pairLines([
      ['checked in', `${record.accessKeyId} as ${name}`],
      ['device', info.device],
      ['protection', info.protection],
      ['identity', identity?.arn ?? proofTexts[proof.kind].identity],
      ['record', path],
      ['AWS profile', profile?.profile],
      ['removed', removed.length === 0 ? undefined : `the plaintext in ${removed.join(', ')}`],
    ]).join('\n'),
  )
  if (policy !== undefined) output.line(policyLines(policy))
}

function nextCommand({ result, proof, profile }: Imported): string {
  const { stored, awaitsApproval } = result
  if (awaitsApproval) {
    return `hardkey approve ${stored.name} --office-key FILE, where the office key is, with a copy of the record`
  }
  if (profile !== undefined) return `aws sts get-caller-identity --profile ${profile.profile}`
  return proofTexts[proof.kind].next.replace('NAME', stored.name)
}
