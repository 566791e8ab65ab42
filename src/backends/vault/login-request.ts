// One request that logs in. In: a mount, names, a secret from the pin source. Out: a lease: the token, how long it lives,
// whether it can be renewed. HTTP API of Vault and OpenBao, "Auth methods".
// 1. The pin source is asked once for a login, and its answer is tried once. Where servers count refusals (AppRole, user
//    names), a login whose answer was lost is not sent again, and a secret that was refused not until the source has another.
// 2. The secret goes into the body of the request as bytes, which are wiped; nothing of it stays.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { HardkeyError } from '../../errors.ts'
import type { PinRequest, PinSource } from '../../key/pin-source.ts'
import { Secret } from '../../key/secret.ts'
import { readErrors, readLogin } from './answer.ts'
import type { VaultClient } from './client.ts'
import { jsonBody } from './json-body.ts'
import type { VaultLogin } from './key-uri.ts'
import type { Settings } from './settings.ts'
import { refusal, type VaultAnswer } from './status.ts'

/** What a login works with. */
export interface LoginParts {
  readonly client: VaultClient
  readonly login: VaultLogin
  readonly pin: PinSource
  readonly token: Settings['token']
  readonly signal: AbortSignal | undefined
  readonly refused: RefusedLogin
}

/** What a server has refused, for the life of an opened key. Nothing by which the secret could be found. */
export class RefusedLogin {
  readonly #salt = randomBytes(32)
  #last: { readonly proof: Uint8Array; readonly error: HardkeyError } | undefined

  /** @throws ERR_PIN_INCORRECT for the secret that was refused last */
  expectOther(secret: Secret): void {
    if (this.#last === undefined || !timingSafeEqual(this.#last.proof, this.#proofOf(secret))) return
    const { code, message, status } = this.#last.error
    throw new HardkeyError(code, `${message}; it is not tried again`, {
      status,
      hint: 'correct what its pin source gives, or open the key again',
    })
  }

  keep(secret: Secret, error: HardkeyError): void {
    this.#last = { proof: this.#proofOf(secret), error }
  }

  #proofOf(secret: Secret): Uint8Array {
    return secret.lend((bytes) => createHmac('sha256', this.#salt).update(bytes).digest())
  }
}

/** A token for a time. The holder wipes it. */
export interface Lease {
  /** Undefined where somebody between adds one. */
  readonly token: Secret | undefined
  /** 0 is for ever; undefined where only a look-up tells. */
  readonly seconds: number | undefined
  readonly renewable: boolean
}

/** Asks for what the login needs. The caller wipes it. */
export async function asked(
  { pin, client, signal }: LoginParts,
  kind: PinRequest['kind'],
  who: string,
): Promise<Secret> {
  return Secret.take(await pin({ kind, target: `${who} at ${client.where}`, signal }))
}

/** Sends a login: `members` as JSON, the secret in it as bytes. Wipes the secret. */
export async function sendLogin(
  { client, signal, refused }: LoginParts,
  mount: string,
  path: string,
  members: readonly (readonly [name: string, value: string | Secret])[],
  { isCounted = false }: { readonly isCounted?: boolean } = {},
): Promise<Lease> {
  const [secret] = members.map(([, value]) => value).filter((value) => value instanceof Secret)
  const counted = isCounted ? secret : undefined
  const body = jsonBody(members)
  try {
    if (counted !== undefined) refused.expectOther(counted)
    const request = { method: 'POST', path: `auth/${mount}/${path}`, body, secret, once: isCounted } as const
    const answer = await client.call(request, signal)
    if (answer.status === 200) return leaseOf(answer, mount)
    const error = loginRefused(answer, mount)
    if (counted !== undefined && error.code === 'ERR_PIN_INCORRECT') refused.keep(counted, error)
    throw error
  } finally {
    body.fill(0)
    secret?.wipe()
  }
}

function leaseOf({ body, where }: VaultAnswer, mount: string): Lease {
  const { token, seconds, renewable } = readLogin(body, where)
  if (token !== undefined) return { token: Secret.take(token), seconds, renewable }
  throw new HardkeyError('ERR_BACKEND_UNSUPPORTED', `the login at auth/${mount} wants a second factor`, {
    hint: 'log in with a method that wants none, as approle or cert',
  })
}

function loginRefused(answer: VaultAnswer, mount: string): HardkeyError {
  const { status, where } = answer
  const words = readErrors(answer.body)
  // 400 and 403 by most methods; 500 means trouble there, and 404 a mount that is not there.
  if (status !== 400 && status !== 403) {
    return refusal(answer, { key: '', mount: `auth/${mount}`, namespace: undefined })
  }
  return new HardkeyError('ERR_PIN_INCORRECT', `${where} refused the login at auth/${mount}: ${words ?? status}`, {
    status,
    hint: 'it was tried once; check login-mount and the names in the key URI, and what its pin source gives',
  })
}
