// All official cases for one kind of key. In: a way to open a key that holds the suite's secret. Out: a test for each
// case and form, that compares every intermediate file. The clock is the only way to sign the old date.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HmacKey } from '../../src/key/hmac-key.ts'
import { aws4Key } from '../../src/sigv4/aws4-key.ts'
import { deviceDateKeys } from '../../src/sigv4/date-key.ts'
import { headerForm } from '../../src/sigv4/header-form.ts'
import { queryForm } from '../../src/sigv4/query-form.ts'
import { UrlSplitter } from '../../src/sigv4/request.ts'
import { signingRules } from '../../src/sigv4/rules.ts'
import { type SigV4SignerOptions, sigV4Signer } from '../../src/sigv4/signer.ts'
import { signingMoment } from '../../src/sigv4/signing-moment.ts'
import { stringToSign } from '../../src/sigv4/string-to-sign.ts'
import { type OfficialCase, officialCases, type PublishedSteps } from './official-cases.ts'

/** The 44 bytes that a device holds for the suite: `AWS4` and its secret access key. */
export function officialKey(): Uint8Array {
  const secrets = new Set(officialCases().map((one) => one.secretAccessKey))
  const [secret] = secrets
  if (secret === undefined || secrets.size !== 1) throw new Error('the suite has not one secret access key but several')
  return aws4Key(new TextEncoder().encode(secret)).lend((bytes) => Uint8Array.from(bytes))
}

/** `openKey` opens a key that holds `officialKey()`; it is closed at the end. */
export function describeOfficialVectors(keyName: string, openKey: () => Promise<HmacKey>): void {
  describe(`the official vectors, signed with ${keyName}`, () => {
    let key: HmacKey
    beforeAll(async () => {
      key = await openKey()
    })
    afterAll(async () => {
      await key?.close()
    })
    it.each(officialCases())('gives every published step of $name in the header', async (one) => {
      expect(await headerSteps(one, key)).toEqual(one.header)
    })
    it.each(officialCases())('gives every published step of $name in the query', async (one) => {
      expect(await querySteps(one, key)).toEqual(one.query)
    })
  })
}

function signerOptions(one: OfficialCase, key: HmacKey): SigV4SignerOptions {
  const now = (): Date => one.time
  return {
    keys: deviceDateKeys({ key, accessKeyId: one.accessKeyId, sessionToken: one.sessionToken, now }),
    region: one.region,
    service: one.service,
    pathRule: one.normalize ? 'standard' : 's3',
    payloadHashHeader: one.signBody,
    unsignedSessionToken: one.omitSessionToken,
    now,
  }
}

async function headerSteps(one: OfficialCase, key: HmacKey): Promise<PublishedSteps> {
  const options = signerOptions(one, key)
  const rules = signingRules(options)
  const moment = signingMoment(one.time.getTime(), rules)
  const { canonicalRequest } = headerForm(one.request, new UrlSplitter().split(one.request.url), moment, {}, rules)
  const { headers, body } = await sigV4Signer(options).sign(one.request)
  const given = one.request.headers.map(([name]) => name)
  const added = Object.entries(headers).filter(([name]) => !given.includes(name))
  return {
    canonicalRequest,
    stringToSign: stringToSign(moment, canonicalRequest),
    signature: /Signature=([0-9a-f]{64})$/.exec(headers.Authorization ?? '')?.[1] ?? '',
    signedRequest: `${headOf(one)}${added.map(([name, value]) => `${name}:${value}\n`).join('')}\n${body ?? ''}`,
  }
}

async function querySteps(one: OfficialCase, key: HmacKey): Promise<PublishedSteps> {
  const options = signerOptions(one, key)
  const rules = signingRules(options)
  const { expiresIn } = one
  const [moment, split] = [signingMoment(one.time.getTime(), rules), new UrlSplitter().split(one.request.url)]
  const { canonicalRequest } = queryForm(one.request, split, moment, { expiresIn }, rules)
  const url = await sigV4Signer(options).presign(one.request, { expiresIn })
  const target = url.slice(`https://${split.host}`.length)
  const head = headOf(one).replace(/^([A-Z]+) .+ HTTP/, (_, method) => `${method} ${target} HTTP`)
  return {
    canonicalRequest,
    stringToSign: stringToSign(moment, canonicalRequest),
    signature: /&X-Amz-Signature=([0-9a-f]{64})$/.exec(url)?.[1] ?? '',
    signedRequest: `${head}\n${one.request.body ?? ''}`,
  }
}

/** Request line and headers as the suite writes them, each with its line end. */
function headOf(one: OfficialCase): string {
  return `${one.requestText.split('\n\n')[0]?.trimEnd()}\n`
}
