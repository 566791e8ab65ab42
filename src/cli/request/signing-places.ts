// Where each step of a signature runs for one key. In: what the device says of the key. Out: lines for a person, and the
// same as data: the signing chain, and what is kept of it and where.

import type { KeyInfo } from '../../key/hmac-key.ts'
import type { RecordSettings } from '../../profiles/record.ts'
import { type ChainFormula, chainFormulas } from '../../sigv4/chain-formulas.ts'
import { timeText } from '../../sigv4/date-window.ts'
import { tableLines } from '../texts/table-lines.ts'

/** A step and its place. */
export interface PlacedStep extends ChainFormula {
  readonly where: 'device' | 'service' | 'host'
  /** By which call, for the step of the device. */
  readonly by?: string
}

/** How each kind of device computes its HMAC. */
const calls: Readonly<Record<string, string>> = {
  pkcs11: 'C_Sign with CKM_SHA256_HMAC, in a child process that alone loads the module',
  tpm2: 'TPM2_HMAC or TPM2_HMAC_Start over a salted session; the answer is encrypted on the bus',
  vault: 'transit/hmac of the server',
  tink: 'in this process: the keyset is decrypted, the key wiped after a minute without use',
}

/** The chain of a request today: to STS, or to a store that has none. */
export function placedSteps(
  info: KeyInfo,
  { region = 'us-east-1', store }: RecordSettings,
  now: Date,
): readonly PlacedStep[] {
  const where = { hardware: 'device', service: 'service', memory: 'host' } as const
  return chainFormulas(timeText(now.getTime()).slice(0, 8), region, store ?? 'sts').map((step, index) => {
    const by = calls[info.scheme]
    if (index > 0) return { ...step, where: 'host' }
    return { ...step, where: where[info.protection], ...(by === undefined ? {} : { by }) }
  })
}

/** The chain as a table, and what a thief could take from where. */
export function placedLines(info: KeyInfo, steps: readonly PlacedStep[]): readonly string[] {
  const rows = steps.map(({ where, name, formula, by }) => [where, name, formula, by ?? ''])
  const secret =
    info.protection === 'memory'
      ? 'the secret is in the memory of this process while the key is open'
      : `the secret stays in ${info.device}`
  return [
    ...tableLines(['WHERE', 'KEY', 'IS', 'BY'], rows),
    '',
    secret,
    'the DateKey signs everything on its day: credential-process, exec and serve keep the SigningKey of STS alone',
    'SigningKey and signature belong to one day, region and service; hardkey policy NAME bounds what they are worth',
  ]
}
