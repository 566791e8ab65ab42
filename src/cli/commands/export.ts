// `hardkey export NAME`: temporary credentials for a shell or a program. Out: on standard output the JSON that AWS tools read,
// or a line for each variable, and only on success; the formats are those of `aws configure export-credentials`.

import { processJson } from '../../credentials/process-json.ts'
import { accountFor } from '../account/account.ts'
import { quoted } from '../args.ts'
import type { CommandContext } from '../command.ts'
import { credentialVariables, regionVariables } from '../program/credential-variables.ts'
import { sessionSource } from '../session/session-source.ts'
import { regionSetting } from '../settings/settings.ts'
import { type ShellFormat, shellFormats, shellLines } from '../texts/shell-lines.ts'

/** How a person takes the lines over, instead of reading them. */
const taken: Readonly<Record<ShellFormat | 'process', string>> = {
  process: 'AWS tools call hardkey credential-process themselves',
  env: 'eval "$(hardkey export … --format env)" takes them over',
  'env-no-export': 'eval "$(hardkey export … --format env-no-export)" takes them over',
  powershell: 'hardkey export … --format powershell | Out-String | Invoke-Expression takes them over',
  'windows-cmd': 'for /f "delims=" %i in (\'hardkey export … --format windows-cmd\') do %i takes them over',
  fish: 'hardkey export … --format fish | source takes them over',
}

/** Prints temporary credentials in the chosen format. */
export async function exportCredentials(context: CommandContext): Promise<number> {
  const { output, report } = context
  const format = formatOf(context)
  if (output.isTerminal()) report.warning(`this shows credentials on the terminal; ${taken[format]}`)
  const source = await sessionSource(context)
  try {
    const credentials = await source.credentials()
    const named = source.keyOf(credentials.accessKeyId)
    if (format === 'process') output.line(processJson(credentials))
    else {
      const region = await regionSetting(context, named.settings)
      const variables = { ...credentialVariables(credentials), ...regionVariables(region?.value) }
      output.line(shellLines(format, variables).join('\n'))
    }
    await accountFor(context).handedOut(named, credentials)
    return 0
  } finally {
    await source.close()
  }
}

function formatOf({ args }: CommandContext): ShellFormat | 'process' {
  const named = args.value('format') ?? 'process'
  const format = (['process', ...shellFormats] as const).find((one) => one === named)
  if (format !== undefined) return format
  throw args.wrong(`--format ${quoted(named)} is none`, `write process (JSON), ${shellFormats.join(', ')}`)
}
