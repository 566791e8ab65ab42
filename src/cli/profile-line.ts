// The line in an AWS profile that asks hardkey for a record. In: record, profile, settings. Out: what is to be written, and
// what a person should know of it once it is.

import { realpathSync } from 'node:fs'
import type { WriteCredentialProcess } from '../profiles/credential-process.ts'
import { credentialProcessLine } from '../profiles/process-line.ts'
import type { RecordSettings } from '../profiles/record.ts'
import type { CommandContext } from './command.ts'
import { awsFiles } from './open-key.ts'
import { keepsSessions, nothingKept, onePrompt } from './runtime-folder.ts'

/** What to write into the profile that an option named. @throws ERR_USAGE for a record that gets no sessions */
export function profileLine(
  { args, environment }: CommandContext,
  option: string,
  name: string,
  { region, store }: RecordSettings,
): WriteCredentialProcess | undefined {
  const profile = args.value(option)
  if (profile === undefined) return undefined
  if (store !== undefined) {
    const remedy = 'sign with the key itself: hardkey presign, hardkey request, or signWithKey in a program'
    throw args.wrong(`--${option} is for keys that get sessions, and a store without STS gives none`, remedy)
  }
  // Both by absolute path: programs started from a desktop or a service have another PATH than this shell.
  const command = [process.execPath, realpathSync(process.argv[1] ?? process.execPath)]
  return { files: awsFiles(environment), profile, line: credentialProcessLine(command, name), region }
}

/** Warns of what the line needs, and tells whose line it replaced. */
export function tellProfileLine({ environment, report }: CommandContext, profile: string, before?: string): void {
  if (before !== undefined) report.note(`the AWS profile ${profile} asked for ${before} until now`)
  if (!keepsSessions(environment)) report.note(`${nothingKept}; ${onePrompt}`)
  if (environment.hardkeyHomeIsSet) {
    report.warning(`the AWS profile ${profile} works only where HARDKEY_HOME is set as it is now`)
  }
}
