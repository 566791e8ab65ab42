// Why a 403. In: the request that was refused. Out: a HardkeyError that says whether the token or its policy is the cause,
// and which period a policy allows. HTTP API, sys/internal/ui/mounts and sys/internal/ui/resultant-acl.
// A server answers 403 to a token that is unknown, has expired, or may not do this, and lets nobody look the token up whose
// policy does not name that path. The mount, though, is shown to every token that may do anything there, and to no other.

import { HardkeyError } from '../../errors.ts'
import { readAllowedInputs } from './answer.ts'
import { allowedPeriod } from './period.ts'
import { type Asking, ask, hmacPath } from './requests.ts'

/** What a 403 came to. */
export interface Diagnosis {
  /** `refused`: a new login may help. */
  readonly token: 'accepted' | 'refused'
  readonly error: HardkeyError
}

/** What was refused. */
export interface Refused {
  /** As a policy writes it: `transit/hmac/aws/sha2-256`. */
  readonly path: string
  /** As a policy writes it. */
  readonly capability: 'create' | 'read' | 'update' | 'delete'
  /** What an HMAC was asked of. */
  readonly input?: Uint8Array | undefined
  /** When the token ends, where that is known. */
  readonly end?: Date | undefined
}

/** @throws as `VaultClient.call` */
export async function diagnose(asking: Asking, refused: Refused): Promise<Diagnosis> {
  if (await isTokenAccepted(asking)) return { token: 'accepted', error: await policyRefused(asking, refused) }
  const { where } = asking.client
  const ended = refused.end === undefined ? '' : `; its time ended ${refused.end.toISOString().slice(0, 19)}Z`
  const error = new HardkeyError(
    'ERR_PIN_INCORRECT',
    `${where} does not accept the token: expired or not allowed${ended}`,
    {
      status: 403,
      hint: `it must be valid, and its policy must allow "${refused.capability}" on ${refused.path}`,
    },
  )
  return { token: 'refused', error }
}

/** True where the token may do anything at all at the mount. */
export async function isTokenAccepted(asking: Asking): Promise<boolean> {
  const { mount } = asking.address
  const answer = await ask(asking, { method: 'GET', path: `sys/internal/ui/mounts/${mount}` })
  answer.body.fill(0)
  return answer.status === 200
}

async function policyRefused(asking: Asking, { path, capability, input }: Refused): Promise<HardkeyError> {
  const { key } = asking.address
  const period = input === undefined ? undefined : await pinnedPeriod(asking)
  if (input === undefined || period === undefined) {
    return new HardkeyError('ERR_POLICY_REFUSED', `the policy of the token does not allow this with key "${key}"`, {
      status: 403,
      hint: `it needs "${capability}" on ${path}`,
    })
  }
  const message = `the policy of the token does not allow ${wordsOf(input)} with key "${key}": it allows ${period}`
  return new HardkeyError('ERR_POLICY_REFUSED', message, {
    status: 403,
    hint: `have its policy allow the next period: "input" on ${path}`,
  })
}

/** The days that the policy of the token allows, in words; undefined where it pins none or cannot be read. */
export async function pinnedPeriod(asking: Asking): Promise<string | undefined> {
  const inputs = await pinnedInputs(asking)
  return inputs === undefined || inputs.length === 0 ? undefined : allowedPeriod(inputs)
}

/** The pinned values of `input`, base64 as the policy has them. */
export async function pinnedInputs(asking: Asking): Promise<readonly string[] | undefined> {
  const answer = await ask(asking, { method: 'GET', path: 'sys/internal/ui/resultant-acl' })
  return answer.status === 200 ? readAllowedInputs(answer.body, hmacPath(asking.address), answer.where) : undefined
}

/** A date is told as one; other inputs are not shown. */
function wordsOf(input: Uint8Array): string {
  const [, year, month, day] = /^(\d{4})(\d\d)(\d\d)$/.exec(Buffer.from(input).toString('latin1')) ?? []
  return year === undefined ? 'this input' : `${year}-${month}-${day}`
}
