// Whether a device holds the right key. In: an opened key, and the secret or the file that it came by. Out: its check value, or
// why it is another key. One call of the device; two for a key that came encrypted, whose secret this process never sees.

import { createHmac, timingSafeEqual } from 'node:crypto'
import { HardkeyError } from '../errors.ts'
import { checkLabel } from '../key/check-label.ts'
import type { HmacKey } from '../key/hmac-key.ts'
import { Secret } from '../key/secret.ts'
import { aws4Key } from '../sigv4/aws4-key.ts'
import { checkValueOf } from './check-value.ts'
import type { DeliveredKey } from './wrapped-file.ts'

/** What checks in: the bare secret access key, a key that was encrypted for the device, or one that is in it already. */
export type CheckInSecret = Secret | DeliveredKey | 'in-device'

export interface CompareOptions {
  /** What is thrown for another key, in place of an error of its own. */
  readonly refusal: HardkeyError | undefined
  readonly signal: AbortSignal | undefined
}

/**
 * The check value of the key, once it is the one that checks in.
 * @throws ERR_DEVICE_FAILED, ERR_KEY_FILE_INVALID where the file of a delivery was changed, and as `key.hmac`
 */
export async function compareKey(secret: CheckInSecret, key: HmacKey, options: CompareOptions): Promise<string> {
  const { refusal, signal } = options
  const answer = await key.hmac(checkLabel(), { signal })
  try {
    const check = checkValueOf(answer)
    if (secret === 'in-device') return check
    const isBare = secret instanceof Secret
    if (isBare && !isHmacUnder(secret, answer)) throw refusal ?? otherKey()
    if (!isBare && !(await confirms(secret, check, key, signal))) throw refusal ?? changedFile()
    return check
  } finally {
    answer.fill(0)
  }
}

/** What a device must answer for the label of the check value. The caller wipes it. */
export function checkAnswerOf(secret: Secret): Uint8Array {
  const key = aws4Key(secret)
  try {
    return key.lend((bytes) => createHmac('sha256', bytes).update(checkLabel()).digest())
  } finally {
    key.wipe()
  }
}

function isHmacUnder(secret: Secret, answer: Uint8Array): boolean {
  const expected = checkAnswerOf(secret)
  return expected.length === answer.length && timingSafeEqual(expected, answer)
}

/** Whether the key proves the whole file; that of another tool has no proof. */
async function confirms(
  { wrapped, proof }: DeliveredKey,
  check: string,
  key: HmacKey,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (proof === undefined) return true
  if (wrapped.check !== check) return false
  const answer = await key.hmac(proof.input, { signal })
  const isWhole = timingSafeEqual(answer, proof.answer)
  answer.fill(0)
  return isWhole
}

function otherKey(): HardkeyError {
  return new HardkeyError('ERR_DEVICE_FAILED', 'the device does not compute with the key that it was given', {
    hint: 'its HMAC-SHA256 is not that of the secret: the device, its driver or its key type is at fault',
  })
}

function changedFile(): HardkeyError {
  return new HardkeyError('ERR_KEY_FILE_INVALID', 'the device does not confirm the file of the wrapped key', {
    hint: 'the file was changed on its way, or put together from two: have the key wrapped again',
  })
}
