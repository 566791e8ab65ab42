// Hosts that may use one key of Vault or OpenBao, and shall use another. In: the old key, `--apply`. Out: what lets the policy
// that their tokens have allow both keys, before the record names the new one; a note where nobody asked for it.

import { checkLabel } from '../../key/check-label.ts'
import type { PinSource } from '../../key/pin-source.ts'
import { KeyUri } from '../../key/uri.ts'
import { baseName } from '../../lifecycle/beside-key.ts'
import type { RotationParts } from '../../lifecycle/rotation-parts.ts'
import { policyMonths } from '../check-in/import-policy.ts'
import type { CommandContext } from '../command.ts'
import { vaultOptions } from '../device/vault-uri.ts'

/** Undefined where the device has no policies. @throws ERR_USAGE */
export function policyOfBoth(
  context: CommandContext,
  old: { readonly uri: KeyUri; readonly accessKeyId: string },
  pin: PinSource,
): RotationParts['beforeSwitch'] {
  const { args, now, report, signal } = context
  const months = policyMonths(args)
  if (old.uri.scheme !== 'vault') {
    if (args.has('apply') || args.value('policy-months') !== undefined) {
      throw args.wrong('--apply and --policy-months are for vault: keys')
    }
    return undefined
  }
  return async (next) => {
    const name = `hardkey-${baseName(old.uri.get('key') ?? '', old.accessKeyId)}`
    if (!args.has('apply')) {
      report.warning(
        `a token under the policy ${name} cannot use the new key: --apply lets it, or hardkey policy shows how`,
      )
      return
    }
    const { narrowPolicy, writePolicy } = await import('../../backends/vault/policy.ts')
    const also = [KeyUri.parse(next.uri)]
    const policy = { ...narrowPolicy(old.uri, { from: now(), months, labels: [checkLabel()], also }), name }
    await writePolicy(old.uri, policy, { pin, signal }, vaultOptions(context, false))
    report.done(`the policy ${name} allows both keys`)
  }
}
