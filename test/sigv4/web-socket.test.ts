// WebSockets of Amazon Transcribe and AWS IoT. The oracle is the SDK's signer.

import { SignatureV4 } from '@smithy/signature-v4'
import { expect, it } from 'vitest'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { sigV4Signer } from '../../src/sigv4/signer.ts'
import { NodeSha256 } from './node-sha256.ts'

const noon = new Date('2026-11-24T12:00:00Z')
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const region = 'us-east-1'
const signature = (url: string): string | null => new URL(url).searchParams.get('X-Amz-Signature')

it('presigns the WebSocket of Transcribe as the SDK does', async () => {
  const host = 'transcribestreaming.us-east-1.amazonaws.com:8443'
  const path = '/stream-transcription-websocket'
  const query = { 'language-code': 'en-US', 'media-encoding': 'pcm', 'sample-rate': '16000' }
  const smithy = new SignatureV4({ credentials, region, service: 'transcribe', sha256: NodeSha256 })
  const request = { method: 'GET', protocol: 'wss:', hostname: host, path, query, headers: { host } }
  const theirs = await smithy.presign(request, { expiresIn: 300, signingDate: noon })
  const signer = sigV4Signer({ keys: secretDateKeys(credentials), region, service: 'transcribe', now: () => noon })
  const url = `wss://${host}${path}?${new URLSearchParams(query)}`
  const ours = await signer.presign({ method: 'GET', url }, { expiresIn: 300 })
  expect(ours.startsWith(`${url}&X-Amz-Algorithm=`)).toBe(true)
  expect(signature(ours)).toBe(theirs.query?.['X-Amz-Signature'])
})

it('adds the session token behind the signature for IoT, which does not sign it', async () => {
  const url = 'wss://abc-ats.iot.us-east-1.amazonaws.com/mqtt'
  const urls = ['token', undefined].map(async (sessionToken) => {
    const keys = secretDateKeys({ ...credentials, sessionToken })
    const options = { keys, region, service: 'iotdevicegateway', unsignedSessionToken: true, now: () => noon }
    return await sigV4Signer(options).presign({ method: 'GET', url }, { expiresIn: 86_400 })
  })
  const [temporary = '', permanent = ''] = await Promise.all(urls)
  expect(signature(temporary)).toBe(signature(permanent))
  expect(temporary).toContain('&X-Amz-Security-Token=token')
  expect(permanent.startsWith(`${url}?X-Amz-Algorithm=`)).toBe(true)
})

it('signs no header for a WebSocket', async () => {
  const signer = sigV4Signer({ keys: secretDateKeys(credentials), region, service: 'transcribe', now: () => noon })
  await expect(signer.sign({ method: 'GET', url: 'wss://a.example/' })).rejects.toMatchObject({
    code: 'ERR_REQUEST_INVALID',
  })
})
