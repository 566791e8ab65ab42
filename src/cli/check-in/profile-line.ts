// The line in an AWS profile that asks hardkey for a record. In: record, profile, settings. Out: what is to be written, and
// what a person should know of it once it is.

import { realpathSync } from 'node:fs'
import type { ReplacedLine, WriteCredentialProcess } from '../../profiles/credential-process.ts'
import { credentialProcessLine } from '../../profiles/process-line.ts'
import type { RecordSettings } from '../../profiles/record.ts'
import type { CommandContext } from '../command.ts'
import { awsFiles } from '../device/open-key.ts'
import { keepsSessions, nothingKept, onePrompt } from '../session/runtime-folder.ts'
import { settingFlags } from '../table/flags.ts'

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

/** Warns of what the line needs, and tells what was in the one that it replaced. No value of an option: it may be a secret. */
export function tellProfileLine(
  { args, environment, report }: CommandContext,
  profile: string,
  { asked, options, region }: ReplacedLine,
): void {
  if (asked !== undefined) report.note(`the AWS profile ${profile} asked for ${asked} until now`)
  if (region !== undefined) tellOtherRegion(report, profile, region)
  const given = settingFlags.map(({ name }) => name).filter((name) => args.has(name))
  const missed = options.filter((option) => /^--[a-z-]+$/.test(option) && !given.includes(option.slice(2)))
  if (missed.length > 0) {
    const list = [...new Set(missed)].join(', ')
    const remedy = `hardkey configure ${args.word('NAME')} keeps settings for every run`
    report.warning(`the line of the AWS profile ${profile} had options that it has no more: ${list}; ${remedy}`)
  }
  if (!keepsSessions(environment)) report.note(`${nothingKept}; ${onePrompt}`)
  if (environment.hardkeyHomeIsSet) {
    report.warning(`the AWS profile ${profile} works only where HARDKEY_HOME is set as it is now`)
  }
}

/** AWS tools ask their services in the region of the profile, whatever the record says. */
export function tellOtherRegion(report: CommandContext['report'], profile: string, region: string): void {
  report.note(
    `the AWS profile ${profile} has region = ${region}, which is not that of the record and was left as it is`,
  )
}
