// The private key of SigV4a. In: a secret access key and its ID. Out: an ECDSA key on P-256 that signs texts.
// AWS Signature Version 4, "Deriving a signing key for SigV4a": NIST SP 800-108r1, section 4.1 (counter mode, HMAC-SHA256),
// key "AWS4A" and the secret, label "AWS4-ECDSA-P256-SHA256", context the access key ID and a counter; then d = c + 1.
// The derived key depends on no day: it signs until the secret is deactivated. So it is made from a secret that is in this
// process anyway, and never from a device.

import { createHmac, createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { HardkeyError } from '../errors.ts'
import { Secret } from '../key/secret.ts'

/** The algorithm of SigV4a. */
export const sigV4aAlgorithm = 'AWS4-ECDSA-P256-SHA256'

/** Order of P-256 less 2 (FIPS 186-5, SP 800-186, section 3.2.1.3), highest byte first. */
const orderLessTwo = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc63254f'

/** RFC 5915, ECPrivateKey with its curve and without the public key, which is computed; the 32 bytes of d stand at 7. */
const derHead = '30310201010420'
const derCurve = 'a00a06082a8648ce3d030107'

/** The key. Its owner lets go of it; OpenSSL's copy is freed with it. @throws ERR_INTERNAL, once in 2^32 secrets and 254 times over */
export function sigV4aKey(secretAccessKey: Secret | Uint8Array, accessKeyId: string): KeyObject {
  const start = Secret.join(Buffer.from('AWS4A'), secretAccessKey)
  try {
    for (let counter = 1; counter <= 254; counter++) {
      const input = fixedInput(accessKeyId, counter)
      const candidate = start.lend((key) => createHmac('sha256', key).update(input).digest())
      try {
        if (Buffer.compare(candidate, Buffer.from(orderLessTwo, 'hex')) <= 0) return privateKey(candidate)
      } finally {
        candidate.fill(0)
      }
    }
  } finally {
    start.wipe()
  }
  throw new HardkeyError('ERR_INTERNAL', 'no private key follows from this secret')
}

/** The signature of a string to sign, DER in lower-case hex. ECDSA is random: another one each time. */
export function sigV4aSignature(key: KeyObject, stringToSign: string): string {
  return sign('sha256', Buffer.from(stringToSign), { key, dsaEncoding: 'der' }).toString('hex')
}

function fixedInput(accessKeyId: string, counter: number): Uint8Array {
  const counted = Buffer.from([0, 0, 0, 1])
  const bits = Buffer.from([0, 0, 1, 0])
  const context = [Buffer.from(accessKeyId), Uint8Array.of(counter)]
  return Buffer.concat([counted, Buffer.from(sigV4aAlgorithm), Uint8Array.of(0), ...context, bits])
}

/** Adds one in place; what is at most the order less two has room for it. */
function privateKey(candidate: Uint8Array): KeyObject {
  for (let at = candidate.length - 1; at >= 0; at--) {
    const next = ((candidate[at] ?? 0) + 1) & 0xff
    candidate[at] = next
    if (next !== 0) break
  }
  const der = Secret.join(Buffer.from(derHead, 'hex'), candidate, Buffer.from(derCurve, 'hex'))
  try {
    // Node takes no Secret, and copies the bytes before it returns.
    return der.lend((bytes) =>
      createPrivateKey({ key: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), format: 'der', type: 'sec1' }),
    )
  } finally {
    der.wipe()
  }
}
