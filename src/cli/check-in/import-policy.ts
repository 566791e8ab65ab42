// The policy that goes with a key in Vault or OpenBao. In: `--policy-months`, `--apply`, the key that checked in.
// Out: the narrowest policy for whoever uses the key, printed, and written to the server where asked.

import type { VaultPolicy } from '../../backends/vault/policy.ts'
import { HardkeyError } from '../../errors.ts'
import { checkLabel } from '../../key/check-label.ts'
import type { PinSource } from '../../key/pin-source.ts'
import type { KeyUri } from '../../key/uri.ts'
import type { ParsedArguments } from '../args.ts'
import type { CommandContext } from '../command.ts'
import { vaultOptions } from '../device/vault-uri.ts'

/** What is to come of it. */
export interface PolicyWish {
  readonly months: number
  readonly isWritten: boolean
}

/** A policy, and whether the server has it now. */
export interface MadePolicy extends VaultPolicy {
  readonly written: boolean
}

/** Undefined where there is no policy to make. @throws ERR_USAGE before anything is done */
export function policyWish({ args }: CommandContext, to: KeyUri): PolicyWish | undefined {
  const months = args.value('policy-months')
  const isAsked = months !== undefined || args.has('apply')
  if (to.scheme !== 'vault') {
    if (isAsked) throw args.wrong('--policy-months and --apply are for --to vault:')
    return undefined
  }
  // A host that joins has a narrow token already.
  if (!isAsked && args.value('from') === 'device') return undefined
  return { months: policyMonths(args), isWritten: args.has('apply') }
}

/** `--policy-months`: this month and the next where it is not given. @throws ERR_USAGE */
export function policyMonths(args: ParsedArguments): number {
  const months = args.value('policy-months')
  if (months !== undefined && !/^(?:[1-9]|1[0-9]|2[0-4])$/.test(months)) {
    throw args.wrong('--policy-months is not a number from 1 to 24')
  }
  return Number(months ?? 2)
}

/** Never throws for the server: the key is in there, and its policy can be written by hand. */
export async function makePolicy(
  context: CommandContext,
  uri: KeyUri,
  wish: PolicyWish,
  pin: PinSource,
): Promise<MadePolicy> {
  const { narrowPolicy, writePolicy } = await import('../../backends/vault/policy.ts')
  const { now, report, signal } = context
  const policy = narrowPolicy(uri, { from: now(), months: wish.months, labels: [checkLabel()] })
  if (!wish.isWritten) return { ...policy, written: false }
  try {
    report.step(`write the policy ${policy.name}`)
    await writePolicy(uri, policy, { pin, signal }, vaultOptions(context, false))
    return { ...policy, written: true }
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    report.warning(`the policy ${policy.name} was not written: ${error.message}`)
    return { ...policy, written: false }
  }
}

/** The policy as a person reads it, with the line that writes it. */
export function policyLines({ name, text, written }: MadePolicy): string {
  const head = written ? `# policy ${name}, written to the server` : `# policy ${name}: bao policy write ${name} FILE`
  return `\n${head}\n${text}`
}
