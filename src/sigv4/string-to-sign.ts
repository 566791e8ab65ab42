// The string to sign: algorithm, time, credential scope and the hash of the canonical request.
// In: those four. Out: the text under the signature. AWS Signature Version 4, "Create a string to sign".

import { hash } from 'node:crypto'
import type { SigningMoment } from './signing-moment.ts'

/** The algorithm of Signature Version 4. */
export const algorithm = 'AWS4-HMAC-SHA256'

/** ASCII, as long for every request of one scope. `by`: the algorithm. */
export function stringToSign(moment: SigningMoment, canonicalRequest: string, by: string = algorithm): string {
  return `${by}\n${moment.time}\n${moment.scope}\n${hash('sha256', canonicalRequest, 'hex')}`
}
