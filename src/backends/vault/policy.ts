// The narrowest policy for whoever uses a key. In: the key, a period, labels. Out: the policy's text, and the server that
// has it. "Policies" of Vault and OpenBao: allowed_parameters compare whole values, or a prefix before an asterisk.
// What a policy pins the server enforces: the holder of the token gets no DateKey of another day, whatever it asks.

import type { DeviceContext } from '../../key/hmac-key.ts'
import type { KeyUri } from '../../key/uri.ts'
import { diagnose } from './diagnosis.ts'
import { type VaultKeyAddress, vaultKeyAddress } from './key-uri.ts'
import { allowedPeriod, monthInput, monthsFrom } from './period.ts'
import { ask, hmacPath, keyPath } from './requests.ts'
import { settingsOf, type VaultOptions } from './settings.ts'
import { refusal } from './status.ts'
import { withServer } from './with-server.ts'

/** What is allowed besides the key itself. */
export interface PolicyPeriod {
  /** The first month is that of this moment, in UTC. */
  readonly from: Date
  /** Months, that one included. */
  readonly months: number
  /** Inputs that are no dates: the label of the check value. */
  readonly labels: readonly Uint8Array[]
  /** Other keys of the same server: while one takes the place of another, hosts need both. */
  readonly also?: readonly KeyUri[] | undefined
}

/** A policy as it is printed or written. */
export interface VaultPolicy {
  /** `hardkey-` and the name of the key. */
  readonly name: string
  /** HCL. */
  readonly text: string
  /** In words: "2026-11 to 2026-12". */
  readonly period: string
}

/** @throws ERR_URI_INVALID */
export function narrowPolicy(uri: KeyUri, { from, months, labels, also = [] }: PolicyPeriod): VaultPolicy {
  const addresses = [uri, ...also].map(vaultKeyAddress)
  const { key } = vaultKeyAddress(uri)
  const dates = monthsFrom(from, months).map(monthInput)
  const inputs = [...dates, ...labels.map((label) => Buffer.from(label).toString('base64'))]
  const period = allowedPeriod(dates)
  const text = [
    ...addresses.flatMap((address) => usingKey(address, inputs, period)),
    '# To see how long the token lives, to renew it, and to tell which days it may ask for',
    ...reading('auth/token/lookup-self'),
    'path "auth/token/renew-self" {',
    '  capabilities = ["update"]',
    '}',
    ...reading('sys/internal/ui/resultant-acl'),
  ]
  return { name: `hardkey-${key}`, text: text.join('\n'), period }
}

function usingKey(address: VaultKeyAddress, inputs: readonly string[], period: string): readonly string[] {
  return [
    `# DateKeys of ${period} with the key "${address.key}", and its check value`,
    `path "${hmacPath(address)}" {`,
    '  capabilities = ["update"]',
    '  allowed_parameters = {',
    `    "input" = [${inputs.map((input) => `"${input}"`).join(', ')}]`,
    '  }',
    '}',
    '# To see whether somebody has made the key exportable',
    ...reading(keyPath(address)),
  ]
}

/**
 * Writes the policy to the server, in place of an earlier one of its name.
 * @throws as `vaultBackend().open`, ERR_POLICY_REFUSED where the token may not
 */
export async function writePolicy(
  uri: KeyUri,
  policy: VaultPolicy,
  context: DeviceContext,
  options: VaultOptions = {},
): Promise<void> {
  const address = vaultKeyAddress(uri)
  await withServer(address, settingsOf(options), context, async (asking) => {
    const path = `sys/policies/acl/${policy.name}`
    const answer = await ask(asking, { method: 'PUT', path, body: JSON.stringify({ policy: policy.text }) })
    if (answer.status === 200 || answer.status === 204) return
    if (answer.status === 403) throw (await diagnose(asking, { path, capability: 'update' })).error
    throw refusal(answer, address)
  })
}

function reading(path: string): readonly string[] {
  return [`path "${path}" {`, '  capabilities = ["read"]', '}']
}
