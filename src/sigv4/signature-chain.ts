// Signatures that follow one another: those of the chunks, trailer or events of one body.
// In: the signature of the request, then what is signed next. Out: the next signature.
// Amazon S3, "Transferring payload in multiple chunks", string to sign; Amazon Transcribe, "Event stream encoding".

import type { SigningMoment } from './signing-moment.ts'

/** Signs a text of this date: 64 hex digits. */
export type SignText = (date: string, text: string) => Promise<string>

/** Each signature is made over the one before, so a body is signed once, from front to end. */
export class SignatureChain {
  readonly #sign: SignText
  #previous: string

  /** `seed`: the signature of the request. */
  constructor(seed: string, sign: SignText) {
    this.#previous = seed
    this.#sign = sign
  }

  /** The next signature; `hashes` are the lines that stand below the signature before. */
  async next(algorithm: string, { date, time, scope }: SigningMoment, hashes: string): Promise<string> {
    this.#previous = await this.#sign(date, `${algorithm}\n${time}\n${scope}\n${this.#previous}\n${hashes}`)
    return this.#previous
  }
}
