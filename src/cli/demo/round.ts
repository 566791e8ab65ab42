// The round of the demo, act by act. In: the stage, an opened key. Out: lines for a person; an act whose outcome is not
// the expected one is a failure, so the demo is a test as well.

import { HardkeyError } from '../../errors.ts'
import { httpClient } from '../../http/client.ts'
import type { HmacKey } from '../../key/hmac-key.ts'
import { type DateKeySource, deviceDateKeys, secretDateKeys } from '../../sigv4/date-key.ts'
import type { SignedRequest } from '../../sigv4/header-form.ts'
import { sigV4Signer } from '../../sigv4/signer.ts'
import type { StsSession } from '../../sts/answer.ts'
import { type StsClient, stsClient } from '../../sts/client.ts'
import { signingChain } from './signing-chain.ts'
import { demoRegion, demoRole, type Stage } from './stage.ts'

export interface Round {
  readonly stage: Stage
  readonly now: () => Date
  readonly signal: AbortSignal
  /** Prints a line: the act or place, and what happened. */
  readonly tell: (where: string, what: string) => void
}

/** A key that counts how often the device computes. */
export interface CountedKey {
  readonly key: HmacKey
  uses(): number
}

/** Counts every HMAC of the device. */
export function counted(key: HmacKey): CountedKey {
  let uses = 0
  const counting: HmacKey = {
    info: key.info,
    hmac: (data, options) => {
      uses += 1
      return key.hmac(data, options)
    },
    close: () => key.close(),
    [Symbol.asyncDispose]: () => key.close(),
  }
  return { key: counting, uses: () => uses }
}

/** Signs GetCallerIdentity, shows every step, and sends it. Returns the request as it was sent. */
export async function signAndSend(round: Round, device: CountedKey): Promise<SignedRequest> {
  const { stage, now, signal, tell } = round
  const keys = deviceKeys(round, device)
  const date = now()
  const unsigned = {
    method: 'POST',
    url: stage.sts.url,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'Action=GetCallerIdentity&Version=2011-06-15',
  }
  const chain = await signingChain(keys, unsigned, demoRegion, date)
  for (const { where, what, outcome } of chain.steps) tell(where, `${what.padEnd(47)} ${outcome}`)
  const signed = await sigV4Signer({ keys, region: demoRegion, service: 'sts', now }).sign(unsigned, { date, signal })
  expect(signed.headers.Authorization?.endsWith(chain.signature) === true, 'the signer and the chain differ')
  const { status, arn } = await send(round, signed)
  expect(status === 200, `the STS answered ${status}`)
  tell('STS', `computed the same signature; GetCallerIdentity: ${arn}`)
  return signed
}

/** Gets a session of each kind and uses it once. */
export async function getSessions(round: Round, device: CountedKey): Promise<void> {
  const { signal, tell } = round
  const byDevice = sts(round, deviceKeys(round, device))
  const actions: readonly (readonly [string, () => Promise<StsSession>])[] = [
    ['AssumeRole', () => byDevice.assumeRole({ roleArn: demoRole, roleSessionName: 'demo' }, { signal })],
    ['GetSessionToken', () => byDevice.getSessionToken({}, { signal })],
    ['GetFederationToken', () => byDevice.getFederationToken({ name: 'visitor' }, { signal })],
  ]
  for (const [name, act] of actions) {
    const { credentials } = await act()
    const { arn } = await sts(round, secretDateKeys(credentials)).getCallerIdentity({ signal })
    tell('STS', `${name.padEnd(18)} ${credentials.accessKeyId.slice(0, 8)}… acts as ${arn}`)
  }
}

/** Shows what is refused: a changed request by the STS, a foreign date by hardkey before the device is asked. */
export async function showRefusals(round: Round, device: CountedKey, signed: SignedRequest): Promise<void> {
  const { now, tell } = round
  const tampered = { ...signed, body: String(signed.body).replace('GetCallerIdentity', 'GetSessionToken') }
  const { status, code } = await send(round, tampered)
  expect(status === 403, `the tampered request was answered with ${status}`)
  tell('STS', `a request changed after signing                 ${status} ${code}`)
  const before = device.uses()
  const threeDaysAhead = new Date(now().getTime() + 3 * 86_400_000)
  const day = threeDaysAhead.toISOString().slice(0, 10).replaceAll('-', '')
  const refusal = await deviceKeys(round, device)
    .dateKey(day)
    .then(
      () => 'nothing',
      (error: unknown) => (error instanceof HardkeyError ? error.code : String(error)),
    )
  expect(refusal === 'ERR_DATE_REFUSED', `a DateKey three days ahead was answered with ${refusal}`)
  expect(device.uses() === before, 'the device was asked for a foreign date')
  tell('host', `a DateKey for ${day}, three days ahead        ${refusal}, device not asked`)
}

function deviceKeys({ stage, now }: Round, { key }: CountedKey): DateKeySource {
  return deviceDateKeys({ key, accessKeyId: stage.accessKeyId, now })
}

function sts({ stage, now }: Round, keys: DateKeySource): StsClient {
  return stsClient({ keys, region: demoRegion, endpoint: stage.sts.url, now })
}

async function send(
  { signal }: Round,
  request: SignedRequest,
): Promise<{ readonly status: number; readonly arn: string; readonly code: string }> {
  const http = httpClient()
  try {
    const { status, body } = await http.send(request, { signal })
    const text = Buffer.from(body).toString('utf8')
    const between = (name: string): string => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1] ?? 'none'
    return { status, arn: between('Arn'), code: between('Code') }
  } finally {
    http.close()
  }
}

function expect(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new HardkeyError('ERR_INTERNAL', `the demo went wrong: ${otherwise}`)
}
