// Tokens of the instance metadata service, version 2. In: how long one shall last. Out: a token that says so itself, under a
// key of this process: nothing is kept, so however many are asked for, memory stays flat.
// Amazon EC2 User Guide, "Use the Instance Metadata Service": X-aws-ec2-metadata-token-ttl-seconds is 1 to 21,600.

import { createHmac, timingSafeEqual } from 'node:crypto'
import type { RandomBytes } from './caller-token.ts'

const longestSeconds = 21_600

/** Seconds of a ttl header; undefined where it is missing, no number or out of range. */
export function ttlSeconds(text: string | undefined): number | undefined {
  const seconds = /^[0-9]{1,5}$/.test(text ?? '') ? Number(text) : 0
  return seconds >= 1 && seconds <= longestSeconds ? seconds : undefined
}

export class MetadataTokens {
  readonly #random: RandomBytes
  readonly #key: Uint8Array
  readonly #now: () => Date

  constructor(random: RandomBytes, now: () => Date) {
    this.#random = random
    this.#key = random(32)
    this.#now = now
  }

  /** A token that is good for so many seconds. */
  issue(seconds: number): string {
    const ends = Math.floor(this.#now().getTime() / 1000) + seconds
    const body = `${ends}.${Buffer.from(this.#random(16)).toString('base64url')}`
    return `${body}.${this.#signature(body).toString('base64url')}`
  }

  /** True for a token of `issue` whose time has not passed. */
  accepts(token: string | undefined): boolean {
    const [, body, ends, signature] = /^((\d{1,12})\.[\w-]{22})\.([\w-]{43})$/.exec(token ?? '') ?? []
    if (body === undefined || signature === undefined) return false
    const given = Buffer.from(signature, 'base64url')
    return timingSafeEqual(given, this.#signature(body)) && Number(ends) * 1000 > this.#now().getTime()
  }

  #signature(body: string): Buffer {
    return createHmac('sha256', this.#key).update(body).digest()
  }
}
