// The time of a signature, and the credential scope that follows from it.
// In: an instant in milliseconds since 1970. Out: the texts that each signature of that second carries. AWS Signature Version 4, "Create a string
// to sign", RequestDateTime and CredentialScope.

import { timeText } from './date-window.ts'
import type { SigningRules } from './rules.ts'

/** One look at the clock: time, date of the key and scope agree, also at midnight. */
export interface SigningMoment {
  /** "YYYYMMDDTHHMMSSZ" */
  readonly time: string
  /** "YYYYMMDD" */
  readonly date: string
  /** "YYYYMMDD/region/service/aws4_request" (SigV4a: without a region): the day, region and service that the signature is good for. */
  readonly scope: string
  /** Access key ID and scope. */
  readonly credential: string
  readonly encodedCredential: string
}

/** @throws ERR_DATE_REFUSED for an instant that is no time, or has not four digits of year */
export function signingMoment(instant: number, rules: SigningRules): SigningMoment {
  const time = timeText(instant)
  const date = time.slice(0, 8)
  const place = rules.regionSet === undefined ? `${rules.region}/${rules.service}` : rules.service
  const scope = `${date}/${place}/aws4_request`
  return {
    time,
    date,
    scope,
    credential: `${rules.accessKeyId}/${scope}`,
    encodedCredential: `${rules.encodedAccessKeyId}%2F${scope.replaceAll('/', '%2F')}`,
  }
}

/**
 * `signingMoment` that remembers the last second: most requests of a busy signer fall into the second of the one before,
 * and these texts cost a third of a signature.
 */
export function signingMoments(rules: SigningRules): (instant: number) => SigningMoment {
  let second = Number.NaN
  let last: SigningMoment | undefined
  return (instant) => {
    const current = Math.floor(instant / 1000)
    if (last === undefined || current !== second) {
      last = signingMoment(instant, rules)
      second = current
    }
    return last
  }
}
