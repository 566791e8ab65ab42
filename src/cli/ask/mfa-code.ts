// Where the code of an MFA device comes from. In: options, the AWS profile, a person. Out: the six digits, when they are
// wanted: they live for half a minute and are sent once.
// `mfa_process` is aws-vault's name for a program that prints them; here no shell runs it.

import { HardkeyError } from '../../errors.ts'
import type { TokenCode } from '../../sts/inputs.ts'
import type { CommandContext } from '../command.ts'
import { profileSetting, type Setting } from '../settings/settings.ts'
import { askText, canAsk } from './ask-person.ts'
import { commandWords } from './command-words.ts'
import { printedLine } from './program-output.ts'

/**
 * `--token-code`, which is good for one session, else the program of `--mfa-process` or of `mfa_process` in the AWS profile,
 * else a person. Nobody is asked yet, and nothing is run.
 *
 * @throws ERR_MFA_REQUIRED where none of these is there, which is known now and so said now; ERR_USAGE,
 * ERR_CONFIG_INVALID for a code or a program that is none
 */
export async function mfaCode(context: CommandContext, serialNumber: string, signal: AbortSignal): Promise<TokenCode> {
  const { args } = context
  const code = args.value('token-code')
  if (code !== undefined) return givenCode(context, code)
  const option = args.value('mfa-process')
  const program =
    option === undefined ? await profileSetting(context, 'mfa_process') : { value: option, origin: '--mfa-process' }
  if (program !== undefined) return codeOfProgram(context, program, signal)
  const unavailable = new HardkeyError(
    'ERR_MFA_REQUIRED',
    `there is no terminal to ask for the code of ${serialNumber}`,
    {
      hint: 'give --token-code CODE or --mfa-process COMMAND, set HARDKEY_ASKPASS, or run the AWS tool from a terminal',
    },
  )
  if (!canAsk(context)) throw unavailable
  const question = { question: `MFA code of ${serialNumber}`, prompt: 'MFA code', unavailable, signal }
  return async () => {
    const typed = await askText(context, question)
    if (/^\d{6}$/.test(typed)) return typed
    throw new HardkeyError('ERR_CONFIG_INVALID', 'the MFA code is not six digits', {
      hint: 'type the six digits that the device shows',
    })
  }
}

function givenCode({ args }: CommandContext, code: string): TokenCode {
  if (args.has('mfa-process')) throw args.wrong('--token-code contradicts --mfa-process')
  if (!/^\d{6}$/.test(code)) throw args.wrong('--token-code is not six digits')
  return async () => {
    if (args.takeOnce('token-code') !== undefined) return code
    throw new HardkeyError('ERR_MFA_REQUIRED', 'the code of --token-code was used for a session already', {
      hint: 'start the command again with a new code, or give --mfa-process COMMAND',
    })
  }
}

function codeOfProgram(
  { environment, report }: CommandContext,
  { value, origin }: Setting<string>,
  signal: AbortSignal,
): TokenCode {
  const words = commandWords(value)
  if (words === undefined) {
    throw new HardkeyError('ERR_CONFIG_INVALID', `the MFA program is not one plain command (from ${origin})`, {
      hint: "it runs without a shell: write a program and its words, or sh -c '…'",
    })
  }
  const [program, ...rest] = words
  const title = `MFA program "${program}"`
  const hint = `it is to print the six digits and nothing else (from ${origin})`
  return async () => {
    report.step(`ask the ${title} for the code`)
    const { forPrograms } = environment
    const run = {
      title,
      program,
      words: rest,
      environment: forPrograms,
      hint,
      code: 'ERR_MFA_REQUIRED',
      signal,
    } as const
    const code = Buffer.from(await printedLine(run)).toString('latin1')
    if (/^\d{6}$/.test(code)) return code
    throw new HardkeyError('ERR_MFA_REQUIRED', `the ${title} does not print six digits`, { hint })
  }
}
