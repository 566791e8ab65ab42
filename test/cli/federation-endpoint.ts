// A sign-in endpoint on this machine, as the IAM User Guide describes it ("Enable custom identity broker access to the AWS
// console"). In: requests. Out: a sign-in token for each session in the right form, and what it was asked.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FederationEndpoint {
  readonly url: string
  /** The parameters of each request, with `Session` as the object that its JSON is. */
  readonly asked: readonly Readonly<Record<string, unknown>>[]
  readonly close: () => void
}

const sessionForm = { sessionId: /^ASIA[A-Z2-7]{16}$/, sessionKey: /^[A-Za-z0-9/+]{40}$/, sessionToken: /^.{50,}$/ }

/** Answers as AWS does, or with this answer. */
export async function startFederationEndpoint(answer?: {
  readonly status: number
  readonly body: string
}): Promise<FederationEndpoint> {
  const asked: Readonly<Record<string, unknown>>[] = []
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const { Session, ...rest } = Object.fromEntries(new URLSearchParams(Buffer.concat(parts).toString()))
    const session = JSON.parse(Session ?? '{}') as Record<string, string>
    asked.push({ ...rest, Session: session, method: request.method, url: request.url })
    const isSession =
      Object.keys(session).sort().join() === Object.keys(sessionForm).sort().join() &&
      Object.entries(sessionForm).every(([name, form]) => form.test(session[name] ?? ''))
    const isRight = request.method === 'POST' && rest.Action === 'getSigninToken' && isSession
    const { status, body } = answer ?? (isRight ? token : { status: 400, body: 'Invalid session' })
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  }
  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A server that listens on a port has an address of this kind.
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/federation`, asked, close: () => server.close() }
}

const token = { status: 200, body: JSON.stringify({ SigninToken: 'VCQgs5qZZt3Q6fn8Tr5EXAMPLE+/=&' }) }
