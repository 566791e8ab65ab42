// Variables in the language of a shell. In: names and values. Out: the lines that `aws configure export-credentials` prints
// for the same format, quotes included. AWS CLI Command Reference, version 2.

import { HardkeyError } from '../../errors.ts'

export type ShellFormat = 'env' | 'env-no-export' | 'powershell' | 'windows-cmd' | 'fish'

const lines: Readonly<Record<ShellFormat, (name: string, value: string) => string>> = {
  env: (name, value) => `export ${name}=${value}`,
  'env-no-export': (name, value) => `${name}=${value}`,
  powershell: (name, value) => `$Env:${name}="${value}"`,
  'windows-cmd': (name, value) => `set ${name}=${value}`,
  fish: (name, value) => `set -gx ${name} "${value}"`,
}

/** In the order of the help. */
export const shellFormats: readonly ShellFormat[] = Object.freeze(Object.keys(lines) as ShellFormat[])

/**
 * A line for each variable.
 * @throws ERR_STS_RESPONSE_INVALID for a value with a character that one of these shells would act on: the formats quote
 * as the AWS CLI does, which is not at all, and what AWS gives needs none
 */
export function shellLines(format: ShellFormat, variables: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(variables).map(([name, value]) => {
    if (/^[\w+/=.:@,-]*$/.test(value)) return lines[format](name, value)
    throw new HardkeyError('ERR_STS_RESPONSE_INVALID', `${name} has a character that a shell would act on`, {
      hint: 'AWS gives no such credentials; --format process prints them as JSON',
    })
  })
}
