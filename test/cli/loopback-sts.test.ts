// The STS of the demo must be strict, or it proves nothing: what it has to refuse, signed by the SDK's own signer.

import { createHash, createHmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LoopbackSts, startLoopbackSts } from '../../src/cli/demo/loopback-sts.ts'
import { throwAwayKey } from './hardkey.ts'

const key = throwAwayKey()
let sts: LoopbackSts
beforeAll(async () => {
  sts = await startLoopbackSts({ ...key, secretAccessKey: Buffer.from(key.secretAccessKey) })
})
afterAll(() => sts.close())

/** The hash that smithy's signer wants, from node:crypto. */
class Sha256 {
  readonly #hash
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    // Smithy gives text or a Uint8Array, both of which node:crypto takes.
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as string | Uint8Array)
  }
  update(data: Uint8Array): void {
    this.#hash.update(data)
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
}

interface Signing {
  readonly credentials?: {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken?: string
  }
  readonly service?: string
  readonly date?: Date
  /** What is sent where it is not what was signed. */
  readonly sent?: string
}

async function send(
  form: string,
  { credentials = key, service = 'sts', date = new Date(), sent = form }: Signing = {},
) {
  const url = new URL(sts.url)
  const signer = new SignatureV4({ credentials, region: 'eu-west-1', service, sha256: Sha256, applyChecksum: false })
  const headers = { host: url.host, 'content-type': 'application/x-www-form-urlencoded' }
  const request = {
    method: 'POST',
    protocol: 'http:',
    hostname: url.hostname,
    path: '/',
    query: {},
    headers,
    body: form,
  }
  const signed = await signer.sign(request, { signingDate: date })
  const { host: _, ...others } = signed.headers
  const answer = await fetch(url, { method: 'POST', headers: others, body: sent })
  const text = await answer.text()
  return { status: answer.status, text, code: /<Code>(\w+)</.exec(text)?.[1] }
}

const whoAmI = 'Action=GetCallerIdentity&Version=2011-06-15'
const minutesAgo = (minutes: number): Date => new Date(Date.now() - minutes * 60_000)

describe('the STS on loopback', () => {
  it('accepts a signature that it did not make', async () => {
    expect(await send(whoAmI)).toMatchObject({ status: 200, text: expect.stringContaining('user/demo') })
  })

  it('accepts a session that it has issued', async () => {
    const { text } = await send('Action=GetFederationToken&Version=2011-06-15&Name=visitor')
    const within = (name: string): string => new RegExp(`<${name}>([^<]+)<`).exec(text)?.[1] ?? ''
    const credentials = {
      accessKeyId: within('AccessKeyId'),
      secretAccessKey: within('SecretAccessKey'),
      sessionToken: within('SessionToken'),
    }
    expect((await send(whoAmI, { credentials })).text).toContain('federated-user/visitor')
    expect((await send(whoAmI, { credentials: { ...credentials, sessionToken: 'other' } })).code).toBe('ExpiredToken')
  })

  it.each([
    ['a changed body', { sent: whoAmI.replace('2011', '2012') }, 'SignatureDoesNotMatch'],
    ['another secret', { credentials: { ...key, secretAccessKey: 'another' } }, 'SignatureDoesNotMatch'],
    ['another key ID', { credentials: { ...key, accessKeyId: 'AKIAOTHER' } }, 'InvalidClientTokenId'],
    ['another service', { service: 's3' }, 'IncompleteSignature'],
    ['a time 16 minutes ago', { date: minutesAgo(16) }, 'SignatureDoesNotMatch'],
    ['a time 16 minutes ahead', { date: minutesAgo(-16) }, 'SignatureDoesNotMatch'],
  ] as readonly (readonly [string, Signing, string])[])('refuses %s', async (_, signing, code) => {
    expect(await send(whoAmI, signing)).toMatchObject({ status: 403, code })
  })

  it('refuses a signature that leaves the time out', async () => {
    const authorization =
      `AWS4-HMAC-SHA256 Credential=${key.accessKeyId}/20260101/eu-west-1/sts/aws4_request, ` +
      `SignedHeaders=host, Signature=${'0'.repeat(64)}`
    const answer = await fetch(sts.url, { method: 'POST', headers: { authorization }, body: whoAmI })
    expect(await answer.text()).toContain('<Code>IncompleteSignature<')
  })

  it('refuses a request without a signature', async () => {
    expect((await fetch(sts.url, { method: 'POST', body: whoAmI })).status).toBe(403)
  })

  it('refuses the MFA code 000000', async () => {
    const form = 'Action=GetSessionToken&Version=2011-06-15&SerialNumber=GAHT12345678&TokenCode=000000'
    expect(await send(form)).toMatchObject({ status: 403, code: 'AccessDenied' })
  })

  it('refuses an action that STS does not have here', async () => {
    expect(await send('Action=DecodeAuthorizationMessage')).toMatchObject({ status: 400, code: 'InvalidAction' })
  })
})
