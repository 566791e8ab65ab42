// The string to sign: algorithm, time, credential scope and the hash of the canonical request.
// In: those four. Out: the text under the signature. AWS Signature Version 4, "Create a string to sign".

import { hash } from 'node:crypto'
import type { SigningMoment } from './signing-moment.ts'

/** The algorithm, as the string to sign, the Authorization header and X-Amz-Algorithm name it. */
export const algorithm = 'AWS4-HMAC-SHA256'

/** ASCII, as long for every request of one scope. */
export function stringToSign(moment: SigningMoment, canonicalRequest: string): string {
  return `${algorithm}\n${moment.time}\n${moment.scope}\n${hash('sha256', canonicalRequest, 'hex')}`
}
