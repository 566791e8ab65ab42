// The 40 official cases of SigV4a. ECDSA is random, so each text that is signed is compared, and each signature, ours and
// theirs, is verified with the public key that the suite publishes.

import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { headerForm } from '../../src/sigv4/header-form.ts'
import { queryForm } from '../../src/sigv4/query-form.ts'
import { UrlSplitter } from '../../src/sigv4/request.ts'
import { type SigningRules, signingRules } from '../../src/sigv4/rules.ts'
import { signingMoment } from '../../src/sigv4/signing-moment.ts'
import { sigV4aAlgorithm, sigV4aKey } from '../../src/sigv4/sigv4a-key.ts'
import { type SigV4aSigner, sigV4aSigner } from '../../src/sigv4/sigv4a-signer.ts'
import { stringToSign } from '../../src/sigv4/string-to-sign.ts'
import { type OfficialV4aCase, officialV4aCases } from './official-cases.ts'

const cases = officialV4aCases()
const published = cases.find(({ publicKey }) => publicKey !== undefined)?.publicKey
const publicKey = keyOf(published)

function keyOf(point: OfficialV4aCase['publicKey']): KeyObject {
  const coordinate = (hex: string | undefined): string => Buffer.from(hex ?? '', 'hex').toString('base64url')
  const jwk = { kty: 'EC', crv: 'P-256', x: coordinate(point?.X), y: coordinate(point?.Y) }
  return createPublicKey({ key: jwk, format: 'jwk' })
}

function rulesOf(one: OfficialV4aCase): SigningRules {
  const { accessKeyId, secretAccessKey, sessionToken, region, service, normalize, signBody, omitSessionToken } = one
  const keys = secretDateKeys({ accessKeyId, secretAccessKey, sessionToken })
  const pathRule = normalize ? ('standard' as const) : ('s3' as const)
  const options = {
    keys,
    region,
    service,
    pathRule,
    payloadHashHeader: signBody,
    unsignedSessionToken: omitSessionToken,
  }
  return { ...signingRules(options), algorithm: sigV4aAlgorithm, regionSet: region }
}

function signerOf(one: OfficialV4aCase): SigV4aSigner {
  const { accessKeyId, secretAccessKey, sessionToken, region, service, time } = one
  const { pathRule, payloadHashHeader, unsignedSessionToken } = rulesOf(one)
  const secret = { accessKeyId, secretAccessKey, sessionToken, regionSet: [region], service, now: () => time }
  return sigV4aSigner({ ...secret, pathRule, payloadHashHeader, unsignedSessionToken })
}

const isSigned = (text: string, signature: string | undefined): boolean =>
  verify('sha256', Buffer.from(text), { key: publicKey, dsaEncoding: 'der' }, Buffer.from(signature ?? '', 'hex'))

it('has the 40 cases of the suite, 38 of them with every step', () => {
  expect([cases.length, cases.filter(({ header }) => header !== undefined).length]).toEqual([40, 38])
})

it('derives the private key that the published public key belongs to', () => {
  const [one] = cases
  const derived = sigV4aKey(Buffer.from(one?.secretAccessKey ?? ''), one?.accessKeyId ?? '')
  expect(createPublicKey(derived).equals(publicKey)).toBe(true)
})

describe.each(cases)('$name', (one) => {
  const rules = rulesOf(one)
  const moment = signingMoment(one.time.getTime(), rules)
  const url = new UrlSplitter().split(one.request.url)

  it('is signed in the header as published', async () => {
    const { canonicalRequest } = headerForm(one.request, url, moment, {}, rules)
    const text = stringToSign(moment, canonicalRequest, sigV4aAlgorithm)
    if (one.header !== undefined) {
      expect(canonicalRequest).toBe(one.header.canonicalRequest)
      expect(text).toBe(one.header.stringToSign)
      expect(isSigned(text, one.header.signature)).toBe(true)
      expect(keyOf(one.publicKey).equals(publicKey)).toBe(true)
    }
    const { headers } = await signerOf(one).sign(one.request)
    const [, before, signature] = /^(.* Signature=)([0-9a-f]+)$/.exec(headers.Authorization ?? '') ?? []
    expect(isSigned(text, signature)).toBe(true)
    if (one.header !== undefined) expect(one.header.signedRequest).toContain(`Authorization:${before}`)
  })

  it('is signed in the query as published', async () => {
    const { expiresIn } = one
    const { canonicalRequest } = queryForm(one.request, url, moment, { expiresIn }, rules)
    const text = stringToSign(moment, canonicalRequest, sigV4aAlgorithm)
    if (one.query !== undefined) {
      expect(canonicalRequest).toBe(one.query.canonicalRequest)
      expect(text).toBe(one.query.stringToSign)
      expect(isSigned(text, one.query.signature)).toBe(true)
    }
    const link = await signerOf(one).presign(one.request, { expiresIn })
    const [, before, signature] = /^(.*&X-Amz-Signature=)([0-9a-f]+)$/.exec(link) ?? []
    expect(isSigned(text, signature)).toBe(true)
    const target = before?.slice(`https://${url.host}`.length)
    if (one.query !== undefined) expect(one.query.signedRequest).toContain(target)
  })
})
