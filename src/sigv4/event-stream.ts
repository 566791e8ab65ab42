// The body of a signed event stream: each event in an outer message that carries its time and signature.
// In: encoded events, the signature of the request. Out: the outer messages, the last one empty.
// Amazon Transcribe Developer Guide, "Event stream encoding"; Smithy, "Amazon Event Stream Specification", message signing.

import { hash } from 'node:crypto'
import { HardkeyError } from '../errors.ts'
import type { BodyStream } from './chunked-body.ts'
import { eventHeaders, framed } from './event-message.ts'
import type { HttpRequest } from './request.ts'
import type { SignatureChain } from './signature-chain.ts'
import type { SigningMoment } from './signing-moment.ts'

/** A request whose body is a stream of events. */
export interface EventStreamRequest extends Omit<HttpRequest, 'body'> {
  /** One encoded message each, as `eventMessage` makes them. Read once, while the result is sent. */
  readonly body: BodyStream
}

/** x-amz-content-sha256 of such a request. */
export const eventsPayload = 'STREAMING-AWS4-HMAC-SHA256-EVENTS'

/** The outer messages. `momentNow` gives the time of each, in whole seconds as it is signed. */
export async function* signedEvents(
  events: BodyStream,
  chain: SignatureChain,
  momentNow: () => SigningMoment,
): AsyncGenerator<Uint8Array> {
  for await (const event of events) {
    if (!(event instanceof Uint8Array)) {
      throw new HardkeyError('ERR_REQUEST_INVALID', 'the event stream does not give bytes', {
        hint: 'encode each event with eventMessage',
      })
    }
    yield await signedEvent(event, chain, momentNow())
  }
  // An empty event ends the stream.
  yield await signedEvent(new Uint8Array(0), chain, momentNow())
}

async function signedEvent(payload: Uint8Array, chain: SignatureChain, moment: SigningMoment): Promise<Uint8Array> {
  const date = { ':date': instantOf(moment.time) }
  const hashes = `${hash('sha256', eventHeaders(date), 'hex')}\n${hash('sha256', payload, 'hex')}`
  const signature = Buffer.from(await chain.next('AWS4-HMAC-SHA256-PAYLOAD', moment, hashes), 'hex')
  return framed(eventHeaders({ ...date, ':chunk-signature': signature }), payload)
}

/** "YYYYMMDDTHHMMSSZ" as a Date. */
function instantOf(time: string): Date {
  return new Date(time.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'))
}
