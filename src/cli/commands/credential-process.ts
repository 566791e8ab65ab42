// `hardkey credential-process NAME`: temporary credentials for AWS tools. Out: one JSON object on standard output, only
// on success. AWS SDKs and Tools Reference Guide, "Process credential provider".

import { isShortForTools, leastSecondsForTools } from '../../credentials/kept-session.ts'
import { processJson } from '../../credentials/process-json.ts'
import { accountFor } from '../account/account.ts'
import type { CommandContext } from '../command.ts'
import { awsFiles, type NamedKey, namedKey } from '../device/open-key.ts'
import type { Report } from '../report.ts'
import { giveSession } from '../session/give-session.ts'
import { keptSessions } from '../session/kept-sessions.ts'
import { leaveShortcut } from '../session/leave-shortcut.ts'
import { startText } from '../session/shortcut.ts'

/** Prints temporary credentials of one of the three STS actions. */
export async function credentialProcess(given: CommandContext): Promise<number> {
  const { report, hasSpoken } = listened(given.report)
  const context = { ...given, report }
  const { output } = context
  if (output.isTerminal())
    report.warning('this shows credentials on the terminal; AWS tools call this command themselves')
  const kept = keptSessions(context)
  const named = await namedKey(context)
  const session = await giveSession(context, named, { ...kept, leastSeconds: leastSecondsForTools })
  if (isShortForTools(session)) {
    report.warning('a session under 30 minutes makes some AWS tools ask twice for each command; see --duration')
  }
  output.line(processJson(session.credentials))
  const account = accountFor(context)
  await account.handedOut(named, session.credentials)
  // The short way says nothing and writes no account, so it is for starts that had nothing to say.
  if (kept.folder !== undefined && !kept.fresh && !hasSpoken() && !account.isKept) {
    const paths = decidingFiles(context, named)
    await leaveShortcut({ folder: kept.folder, paths, request: session.request, ...thisStart(context) }, report.step)
  }
  return 0
}

/** Reports, and knows whether anything was said. */
function listened(report: Report): { readonly report: Report; hasSpoken(): boolean } {
  let spoken = false
  const heard =
    (say: (text: string) => void) =>
    (text: string): void => {
      spoken = true
      say(text)
    }
  const { warning, note } = report
  return { report: { ...report, warning: heard(warning), note: heard(note) }, hasSpoken: () => spoken }
}

function decidingFiles({ args, environment }: CommandContext, { path }: NamedKey): readonly string[] {
  const { config, credentials } = awsFiles(environment)
  const policy = args.value('policy')
  return [config, credentials, ...(path === undefined ? [] : [path]), ...(policy?.[0] === '@' ? [policy.slice(1)] : [])]
}

function thisStart({ now }: CommandContext): { readonly text: string; readonly began: number } {
  const [, command = '', ...words] = process.argv
  return { text: startText(words, process.env, command), began: now().getTime() - process.uptime() * 1000 }
}
