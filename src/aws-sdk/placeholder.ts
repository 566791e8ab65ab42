// Credentials that hold no secret, and the watch over who reads them. In: an access key ID. Out: what an AWS SDK client
// takes as credentials; its secret access key is a placeholder that only our SHA-256 understands (sha256.ts).
// 1. The SDK's signers read the secret and, right behind it, the ID, for the name under which they keep a signing key.
//    Our SHA-256 is constructed with that secret before anything waits. Where it is not, a stock SHA-256 was.
// 2. Such a signer reads the secret once more, to derive a key from it: there it is stopped, before anything is signed.
// 3. The SDK first looks at the type of the secret, right behind the ID: it sees an empty text. What takes that for the
//    secret, and copies it or hands it to native code, has nothing to sign with.

import { HardkeyError } from '../errors.ts'

/** What the SDK gets in the place of credentials. */
export interface PlaceholderCredentials {
  readonly accessKeyId: string
  /** No secret: a text that stands for the key, random for each `signWithKey`. */
  readonly secretAccessKey: string
  /** Of temporary credentials whose secret lies in the device. */
  readonly sessionToken?: string
}

/** One for all credentials of a `signWithKey`: knows whose secret was read last. */
export class Placeholder {
  /** What stands where the secret access key would stand. */
  readonly text: string
  #turn = 0
  #turnEnds = false
  #read: ReadOrder | undefined

  /** `text` cannot be guessed, so that nothing but these credentials leads to the key. */
  constructor(text: string) {
    this.text = text
  }

  /** New credentials: one signature reads them, or several one after the other. */
  credentials(accessKeyId: string, sessionToken: string | undefined): PlaceholderCredentials {
    const order = new ReadOrder(() => this.#currentTurn())
    const secret = (): string => {
      if (order.secret() === 'a look') return ''
      this.#read = order
      return this.text
    }
    const id = (): string => {
      order.id()
      return accessKeyId
    }
    const token = (): string | undefined => {
      order.token()
      return sessionToken
    }
    // The empty object gets its members here, in the order in which a copy reads them.
    return Object.defineProperties({} as PlaceholderCredentials, {
      accessKeyId: { get: id, enumerable: true },
      secretAccessKey: { get: secret, enumerable: true },
      sessionToken: { get: token, enumerable: true },
    })
  }

  /** Our SHA-256 was constructed with the placeholder. */
  taken(): void {
    this.#read?.taken()
    this.#read = undefined
  }

  /** The same number until whoever reads now waits. */
  #currentTurn(): number {
    if (!this.#turnEnds) {
      this.#turnEnds = true
      queueMicrotask(() => {
        this.#turn += 1
        this.#turnEnds = false
      })
    }
    return this.#turn
  }
}

/** The order in which one object's ID and secret are read. */
class ReadOrder {
  readonly #currentTurn: () => number
  #last: 'id' | 'secret' | 'token' | undefined
  #lastTurn = -1
  #wasRead = false
  /** The secret was read and the ID right behind it, and our SHA-256 saw neither. */
  #unseen = false

  constructor(currentTurn: () => number) {
    this.#currentTurn = currentTurn
  }

  id(): void {
    if (this.#isRightBehind('secret')) this.#unseen = true
    this.#note('id')
  }

  token(): void {
    this.#note('token')
  }

  /** What the secret was read for. @throws ERR_SDK_INCOMPATIBLE where a stock SHA-256 took the placeholder before */
  secret(): 'a look' | 'use' {
    const rightBehindId = this.#isRightBehind('id')
    if (this.#unseen && !rightBehindId) throw notTaken()
    const isLook = rightBehindId && !this.#wasRead
    this.#unseen = false
    this.#wasRead = true
    this.#note('secret')
    return isLook ? 'a look' : 'use'
  }

  taken(): void {
    this.#unseen = false
  }

  #isRightBehind(what: 'id' | 'secret'): boolean {
    return this.#last === what && this.#lastTurn === this.#currentTurn()
  }

  #note(what: 'id' | 'secret' | 'token'): void {
    this.#last = what
    this.#lastTurn = this.#currentTurn()
  }
}

/** ERR_SDK_INCOMPATIBLE: something signs by itself. */
export function notTaken(): HardkeyError {
  return new HardkeyError('ERR_SDK_INCOMPATIBLE', 'the AWS SDK would have signed without the key', {
    hint: 'what signs here does not take the sha256 that signWithKey gives: hand its whole result to the client, or use another release of the SDK',
  })
}
