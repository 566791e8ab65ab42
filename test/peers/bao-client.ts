// A small client for test servers of OpenBao. In: an address, a CA, a token. Out: status and parsed body of one call.
// Each call has a connection of its own, so a killed server leaves nothing behind. Not what is tested: hardkey has its own.

import { request } from 'node:https'

export interface BaoAnswer {
  readonly status: number
  /** The parsed JSON body; an empty object where there is none. */
  readonly body: BaoBody
}

export interface BaoBody {
  readonly data?: Readonly<Record<string, unknown>> | null
  readonly auth?: Readonly<Record<string, unknown>> | null
  readonly errors?: readonly string[]
  readonly [member: string]: unknown
}

export interface BaoTarget {
  /** `https://127.0.0.1:PORT` */
  readonly url: string
  /** PEM */
  readonly ca: string
  readonly token?: string | undefined
}

const patience = 10_000

/** One call; `path` begins after `/v1/`. Rejects where no answer comes. */
export function baoCall(target: BaoTarget, method: string, path: string, body?: unknown): Promise<BaoAnswer> {
  const headers = target.token === undefined ? {} : { 'x-vault-token': target.token }
  return new Promise((resolve, reject) => {
    const options = { method, headers, ca: target.ca, agent: false, timeout: patience }
    const call = request(`${target.url}/v1/${path}`, options, (answer) => {
      const pieces: Buffer[] = []
      answer.on('data', (piece: Buffer) => pieces.push(piece))
      answer.on('error', reject)
      answer.on('end', () => {
        const text = Buffer.concat(pieces).toString()
        resolve({ status: answer.statusCode ?? 0, body: text === '' ? {} : JSON.parse(text) })
      })
    })
    call.on('error', reject)
    call.on('timeout', () => call.destroy(new Error(`${target.url} gave no answer in ${patience} ms`)))
    call.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** The same, for calls that must succeed. @throws with what the server said */
export async function baoDone(target: BaoTarget, method: string, path: string, body?: unknown): Promise<BaoBody> {
  const answer = await baoCall(target, method, path, body)
  if (answer.status < 300) return answer.body
  throw new Error(`OpenBao answered ${answer.status} to ${method} ${path}: ${JSON.stringify(answer.body.errors)}`)
}

/** The text at `data.NAME` or `auth.NAME`. */
export function baoText(body: BaoBody, part: 'data' | 'auth', name: string): string {
  const value = body[part]?.[name]
  if (typeof value !== 'string') throw new Error(`OpenBao gave no ${part}.${name}`)
  return value
}
