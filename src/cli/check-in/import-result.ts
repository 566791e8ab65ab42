// What `import` tells when all is done. In: what was checked in, written and removed. Out: the record and the policy on
// standard output; notes, warnings and the next command on standard error.

import { KeyUri } from '../../key/uri.ts'
import type { CheckInResult } from '../../lifecycle/check-in.ts'
import type { ReplacedLine, WriteCredentialProcess } from '../../profiles/credential-process.ts'
import { asksAPerson } from '../ask/pin-prompt.ts'
import type { CommandContext } from '../command.ts'
import { pairLines } from '../texts/table-lines.ts'
import { type MadePolicy, policyLines } from './import-policy.ts'
import { type ImportProof, proofTexts } from './import-proof.ts'
import { type ImportSource, type Removal, wasInFile } from './import-source.ts'
import { tellProfileLine } from './profile-line.ts'

/** All that `import` did. */
export interface Imported extends Removal {
  /** In the order of the places: `--to`, `--also-to`. */
  readonly results: readonly [CheckInResult, ...CheckInResult[]]
  readonly source: ImportSource
  readonly proof: ImportProof
  readonly profile: WriteCredentialProcess | undefined
  /** What the profile said before. */
  readonly replaced: ReplacedLine | undefined
  readonly policy: MadePolicy | undefined
}

/** Prints it. */
export function tellImport(context: CommandContext, imported: Imported): void {
  const [first, ...others] = imported.results
  tellNotes(context, first, imported)
  for (const other of others) tellNotes(context, other, { profile: undefined, replaced: undefined, remains: [] })
  tellResults(context, imported)
  const { name } = first.stored
  tellPlaintext(context, imported, name)
  context.report.next(nextCommand(first, imported))
}

/** What a person should know or change. */
function tellNotes(
  context: CommandContext,
  { stored, info, found, awaitsApproval }: CheckInResult,
  { profile, replaced, remains }: Pick<Imported, 'profile' | 'replaced' | 'remains'>,
): void {
  const { report } = context
  if (found) report.note('this very key was in the device already; it was kept')
  if (awaitsApproval) {
    report.note('the TPM answers approved days alone, and none is approved yet: the first inspect compares the key')
  }
  for (const warning of info.warnings) report.warning(warning)
  for (const place of remains) report.warning(`the secret still stands in ${place}`)
  if (profile === undefined || replaced === undefined) return
  if (asksAPerson(KeyUri.parse(stored.record.uri))) {
    const keeps = `hardkey configure ${stored.name} --pin-source SOURCE keeps where it comes from`
    report.note(`the key URI has no pin-source: what unlocks the device is asked at the terminal each time; ${keeps}`)
  }
  tellProfileLine(context, profile.profile, replaced)
}

/** A proved key needs its plaintext no more; of one that was not proved it may be the last. */
function tellPlaintext({ report }: CommandContext, { source, proof, removed }: Imported, name: string): void {
  if (!wasInFile(source) || proof.kind === 'offline') return
  const place = source.kind === 'profile' ? `the AWS profile ${source.profile}` : 'path' in source ? source.path : ''
  const rotates = proof.kind === 'sts' ? [`hardkey rotate ${name} makes one that no file has seen`] : []
  if (removed.length === 0) report.note([`${place} still holds the secret: remove it there`, ...rotates].join('; '))
  else if (rotates.length > 0) report.note(['a file has held this secret', ...rotates].join('; '))
}

function tellResults({ args, output }: CommandContext, imported: Imported): void {
  const { results, policy } = imported
  if (args.has('json')) {
    const [first, ...others] = results.map((result) => ({
      name: result.stored.name,
      path: result.stored.path,
      ...result.stored.record,
      device: result.info,
      identity: result.identity ?? null,
    }))
    const { profile, removed } = imported
    const also = others.length === 0 ? {} : { also: others }
    output.json({ ...first, profile: profile?.profile ?? null, removed, ...(policy && { policy }), ...also })
    return
  }
  for (const result of results) output.line(pairLines(resultPairs(result, imported)).join('\n'))
  if (policy !== undefined) output.line(policyLines(policy))
}

function resultPairs(
  result: CheckInResult,
  { results, proof, profile, removed }: Imported,
): readonly (readonly [string, string | undefined])[] {
  const { stored, info, identity } = result
  const pairs = [
    ['checked in', `${stored.record.accessKeyId} as ${stored.name}`],
    ['device', info.device],
    ['protection', info.protection],
    ['identity', identity?.arn ?? proofTexts[proof.kind].identity],
    ['record', stored.path],
  ] as const
  if (result !== results[0]) return pairs
  return [
    ...pairs,
    ['AWS profile', profile?.profile],
    ['removed', removed.length === 0 ? undefined : `the plaintext in ${removed.join(', ')}`],
  ]
}

function nextCommand({ stored, awaitsApproval }: CheckInResult, { proof, profile }: Imported): string {
  if (awaitsApproval) {
    return `hardkey approve ${stored.name} --office-key FILE, where the office key is, with a copy of the record`
  }
  if (profile !== undefined) return `aws sts get-caller-identity --profile ${profile.profile}`
  return proofTexts[proof.kind].next.replace('NAME', stored.name)
}
