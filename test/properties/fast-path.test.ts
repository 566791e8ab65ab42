// The fast path against the step functions, which are the specification: the same bytes, or it leaves the request to them.

import { createSecretKey } from 'node:crypto'
import * as fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { HardkeyError } from '../../src/errors.ts'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { FastPath } from '../../src/sigv4/fast-path.ts'
import { headerForm, type SignedRequest } from '../../src/sigv4/header-form.ts'
import { queryForm } from '../../src/sigv4/query-form.ts'
import { type HttpRequest, UrlSplitter } from '../../src/sigv4/request.ts'
import { type SigningRules, signingRules } from '../../src/sigv4/rules.ts'
import { SigningKey } from '../../src/sigv4/signing-key.ts'
import { signingMoment } from '../../src/sigv4/signing-moment.ts'
import { stringToSign } from '../../src/sigv4/string-to-sign.ts'

const key = SigningKey.derive(createSecretKey(Buffer.alloc(32, 7)), 'eu-west-1', 's3')

const word = fc.stringMatching(/^[A-Za-z0-9._~-]{1,8}$/)
const odd = fc.constantFrom(
  '%',
  '%41',
  '+',
  ' ',
  'é',
  '/',
  '//',
  '.',
  '..',
  '=',
  '&',
  '-a',
  'X-Amz-Date',
  '!',
  'a=',
  'a-b',
  '漢',
)
const text = fc.oneof({ weight: 8, arbitrary: word }, { weight: 1, arbitrary: odd })
const headerName = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      'Content-Type',
      'accept',
      'X-Amz-Meta-A',
      'x-amz-acl',
      'User-Agent',
      'Range',
      'a-b',
      'a',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'Host',
      'x-amz-date',
      'Authorization',
      'content-type',
      'a_b',
      'TE',
      'x-amz-content-sha256',
    ),
  },
)
const headerValue = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('text/plain', 'a b', 'bytes=0-1', '*/*', 'x') },
  { weight: 1, arbitrary: fc.constantFrom('', ' a', 'a  b', 'a\tb', 'é') },
)
const requests = fc.record({
  method: fc.constantFrom('GET', 'PUT', 'POST'),
  path: fc.array(text, { maxLength: 4 }),
  query: fc.option(fc.array(fc.tuple(text, fc.option(text)), { maxLength: 5 })),
  headers: fc.option(fc.dictionary(headerName, headerValue, { maxKeys: 6 }), { nil: undefined }),
  body: fc.option(fc.oneof(fc.string(), fc.uint8Array({ maxLength: 20 })), { nil: undefined }),
  seconds: fc.nat(3),
})
type Given = typeof requests extends fc.Arbitrary<infer Each> ? Each : never

function requestOf({ method, path, query, headers, body }: Given): HttpRequest {
  const search = query?.map(([name, value]) => (value === null ? name : `${name}=${value}`)).join('&')
  const url = `https://b.example.com/${path.join('/')}${search === undefined ? '' : `?${search}`}`
  return { method, url, headers, body }
}

/** What it gives, or the code of what it throws: which of several faults is told first may differ. */
function outcome<T>(act: () => T): T | string {
  try {
    return act()
  } catch (error) {
    return error instanceof HardkeyError ? error.code : 'not an error of ours'
  }
}

const services: [string, SigningRules][] = ['s3', 'sqs'].flatMap((service) =>
  [undefined, 'token/+='].map((sessionToken): [string, SigningRules] => {
    const keys = secretDateKeys({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken })
    return [`${service}, token ${sessionToken}`, signingRules({ keys, region: 'eu-west-1', service })]
  }),
)

describe.each(services)('the fast path for %s', (_, rules) => {
  const urls = new UrlSplitter()
  const fast = new FastPath(rules, urls)
  // One object for each second, as the signer has it.
  const moments = [0, 1, 2, 3].map((second) => signingMoment(Date.UTC(2026, 10, 24, 12, 0, second), rules))
  const momentOf = (second: number) => moments[second] ?? signingMoment(0, rules)
  const taken = { header: 0, query: 0 }
  afterAll(() => {
    // Otherwise nothing would have been compared.
    expect(taken.header).toBeGreaterThan(200)
    expect(taken.query).toBeGreaterThan(50)
  })

  it('signs in the header as the step functions do', () => {
    const bySteps = (request: HttpRequest, second: number): SignedRequest => {
      const form = headerForm(request, urls.split(request.url), momentOf(second), {}, rules)
      return form.complete(key.sign(stringToSign(momentOf(second), form.canonicalRequest)))
    }
    fc.assert(
      fc.property(requests, (given) => {
        const request = requestOf(given)
        const quick = outcome(() => fast.sign(request, {}, momentOf(given.seconds), key))
        if (quick === undefined) return
        taken.header += 1
        const slow = outcome(() => bySteps(request, given.seconds))
        expect(quick).toEqual(slow)
        // Also in the order in which the headers are sent.
        expect(JSON.stringify(quick)).toBe(JSON.stringify(slow))
      }),
      { numRuns: 3000 },
    )
  })

  it('presigns as the step functions do', () => {
    fc.assert(
      fc.property(requests, fc.constantFrom(1, 3600, 604_800), (given, expiresIn) => {
        const request = given.seconds < 2 ? { method: given.method, url: requestOf(given).url } : requestOf(given)
        const moment = momentOf(given.seconds)
        const quick = outcome(() => fast.presign(request, { expiresIn }, moment, key))
        if (quick === undefined) return
        taken.query += 1
        const slow = outcome(() => {
          const form = queryForm(request, urls.split(request.url), moment, { expiresIn }, rules)
          return form.complete(key.sign(stringToSign(moment, form.canonicalRequest)))
        })
        expect(quick).toBe(slow)
      }),
      { numRuns: 3000 },
    )
  })

  it.each([
    ['a hash that is given', { payloadHash: 'a' }],
    ['a body that is left out', { unsignedPayload: true }],
  ])('leaves %s to the step functions', (_what, choices) => {
    const request = { method: 'GET', url: 'https://b.example.com/' }
    expect(fast.sign(request, choices, momentOf(0), key)).toBeUndefined()
    expect(fast.presign(request, { ...choices, expiresIn: 1 }, momentOf(0), key)).toBeUndefined()
  })

  it('remembers no more lists of names than a few', () => {
    for (let count = 0; count < 100; count++) {
      const request = { method: 'GET', url: 'https://b.example.com/', headers: { [`x-${count}`]: 'a' } }
      expect(fast.sign(request, {}, momentOf(0), key)?.headers.Authorization).toContain(`x-${count};`.slice(0, 3))
    }
  })
})
