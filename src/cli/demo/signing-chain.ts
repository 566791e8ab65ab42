// The signing chain of one request, step by step, with the place where each runs. In: a request, an opened key.
// Out: lines for a person, and the signature that they lead to. AWS Signature Version 4, all four tasks.
// Of keys only the first four bytes are shown: enough to see that they are real, not enough to sign with.

import { createHmac, type KeyObject } from 'node:crypto'
import { chainFormulas } from '../../sigv4/chain-formulas.ts'
import type { DateKeySource } from '../../sigv4/date-key.ts'
import { headerForm } from '../../sigv4/header-form.ts'
import { type HttpRequest, UrlSplitter } from '../../sigv4/request.ts'
import { signingRules } from '../../sigv4/rules.ts'
import { signingMoment } from '../../sigv4/signing-moment.ts'
import { stringToSign } from '../../sigv4/string-to-sign.ts'

/** A step: what, where it ran, what came out. */
export interface ChainStep {
  readonly where: 'host' | 'device'
  readonly what: string
  readonly outcome: string
}

export interface SigningChain {
  readonly steps: readonly ChainStep[]
  /** 64 hex digits. */
  readonly signature: string
}

/** Walks the chain for a header signature of STS at `date`. One use of the device. */
export async function signingChain(
  keys: DateKeySource,
  request: HttpRequest,
  region: string,
  date: Date,
): Promise<SigningChain> {
  const rules = signingRules({ keys, region, service: 'sts' })
  const moment = signingMoment(date.getTime(), rules)
  const { canonicalRequest } = headerForm(request, new UrlSplitter().split(request.url), moment, {}, rules)
  const text = stringToSign(moment, canonicalRequest)
  const day = moment.date
  const dateKey = await keys.dateKey(day)
  const regionKey = hmac(dateKey, region)
  const serviceKey = hmac(regionKey, 'sts')
  const signingKey = hmac(serviceKey, 'aws4_request')
  const signature = hmac(signingKey, text).toString('hex')
  const keysOfChain = [dateKey.export(), regionKey, serviceKey, signingKey]
  const outcomes = [...keysOfChain.map(beginning), `${signature.slice(0, 8)}…`]
  const steps: readonly ChainStep[] = [
    step('host', 'canonical request', `SHA-256 ${text.slice(-64, -56)}…`),
    step('host', 'string to sign', `${moment.time} and ${moment.scope}`),
    ...chainFormulas(day, region, 'sts').map(({ name, formula }, index) =>
      step(index === 0 ? 'device' : 'host', `${name.padEnd(10)} = ${formula}`, outcomes[index] ?? ''),
    ),
  ]
  for (const key of [regionKey, serviceKey, signingKey]) key.fill(0)
  return { steps, signature }
}

function step(where: ChainStep['where'], what: string, outcome: string): ChainStep {
  return { where, what, outcome }
}

function hmac(key: KeyObject | Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

/** The first four of 32 bytes, in hex. */
function beginning(key: Buffer): string {
  return `${key.toString('hex', 0, 4)}…`
}
