// Against the SDK's own codec and signer.

import { createRequire } from 'node:module'
import { SignatureV4 } from '@smithy/signature-v4'
import { expect, it } from 'vitest'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { eventMessage } from '../../src/sigv4/event-message.ts'
import { sigV4Signer } from '../../src/sigv4/signer.ts'
import { NodeSha256 } from './node-sha256.ts'

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const noon = new Date('2026-11-24T12:00:00Z')
const scope = { region: 'us-east-1', service: 'transcribe' }
const signer = sigV4Signer({ keys: secretDateKeys(credentials), ...scope, now: () => noon })
const url = 'https://transcribestreaming.us-east-1.amazonaws.com/stream-transcription'
// A package of the S3 client's own.
const ofSdk = createRequire(createRequire(import.meta.url).resolve('@aws-sdk/client-s3'))
const { EventStreamCodec } = ofSdk('@smithy/core/event-streams')
const codec = new EventStreamCodec(
  (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8'),
  (text: string) => Buffer.from(text),
)

it('encodes a message as the SDK does', () => {
  const payload = Buffer.from('{"a":1}')
  const headers = { ':event-type': 'AudioEvent', ':date': noon, ':chunk-signature': Uint8Array.of(1, 2) }
  const theirs = codec.encode({
    headers: {
      ':event-type': { type: 'string', value: 'AudioEvent' },
      ':date': { type: 'timestamp', value: noon },
      ':chunk-signature': { type: 'binary', value: Uint8Array.of(1, 2) },
    },
    body: payload,
  })
  expect(Buffer.from(eventMessage({ headers, payload }))).toEqual(Buffer.from(theirs))
})

it('signs a request, its events and the empty one at the end as the SDK does', async () => {
  const events = ['one', 'two'].map((text) =>
    eventMessage({ headers: { ':event-type': text }, payload: Buffer.from(text) }),
  )
  const signed = await signer.signEvents({ method: 'POST', url, body: events })
  expect(signed.headers['x-amz-content-sha256']).toBe('STREAMING-AWS4-HMAC-SHA256-EVENTS')
  const smithy = new SignatureV4({ credentials, ...scope, sha256: NodeSha256 })
  let priorSignature = signed.headers.Authorization?.slice(-64) ?? ''
  const sent: Buffer[] = []
  for await (const message of signed.body) {
    const { headers, body } = codec.decode(message)
    sent.push(Buffer.from(body))
    const dateHeader = codec.formatHeaders({ ':date': { type: 'timestamp', value: noon } })
    const event = { headers: dateHeader, payload: body }
    priorSignature = await smithy.sign(event, { priorSignature, signingDate: noon })
    expect(headers[':date']?.value).toEqual(noon)
    expect(Buffer.from(headers[':chunk-signature']?.value as Uint8Array).toString('hex')).toBe(priorSignature)
  }
  expect(sent).toEqual([...events.map((event) => Buffer.from(event)), Buffer.alloc(0)])
})

it('refuses a header that is too long for a message', () => {
  const headers = { long: 'x'.repeat(40_000) }
  expect(() => eventMessage({ headers, payload: new Uint8Array(0) })).toThrow(
    expect.objectContaining({ code: 'ERR_REQUEST_INVALID' }),
  )
})
