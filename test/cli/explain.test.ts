import { expect, it } from 'vitest'
import { firstDifference, serviceView } from '../../src/cli/request/explain-answer.ts'
import { explained, presignedParts } from '../../src/cli/request/explain-request.ts'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { queryForm } from '../../src/sigv4/query-form.ts'
import { UrlSplitter } from '../../src/sigv4/request.ts'
import { signingRules } from '../../src/sigv4/rules.ts'
import { sigV4Signer } from '../../src/sigv4/signer.ts'
import { signingMoment } from '../../src/sigv4/signing-moment.ts'

const noon = new Date('2026-11-24T12:00:00Z')
const accessKeyId = 'AKIDEXAMPLE'
const region = 'eu-west-1'
const url = 'https://b.example.com/a/../k?z=1&a=%7e'

it.each([
  ['s3', undefined],
  ['s3', 'token+/='],
  ['execute-api', undefined],
])('explains a presigned URL of %s as it was signed, with session token %s', async (service, sessionToken) => {
  const keys = secretDateKeys({ accessKeyId, secretAccessKey: 'secret', sessionToken })
  const request = { method: 'GET', url, headers: { 'X-Amz-Acl': 'private' } }
  const link = await sigV4Signer({ keys, region, service, now: () => noon }).presign(request, { expiresIn: 60 })
  const rules = signingRules({ keys, region, service })
  const moment = signingMoment(noon.getTime(), rules)
  const { canonicalRequest } = queryForm(request, new UrlSplitter().split(url), moment, { expiresIn: 60 }, rules)
  const shown = presignedParts({ ...request, url: link })
  const token = encodeURIComponent(sessionToken ?? 'none')
  expect(shown?.canonicalRequest).toBe(canonicalRequest.replace(token, '[secret]'))
  expect(shown?.scope).toBe(`20261124/eu-west-1/${service}/aws4_request`)
  expect(JSON.stringify(shown)).not.toContain(link.slice(-64))
})

it('takes a URL without a signature for one that is not presigned', () => {
  expect(presignedParts({ method: 'GET', url, headers: {} })).toBeUndefined()
})

const ours = explained(
  { method: 'GET', url: 'https://sqs.eu-west-1.amazonaws.com/' },
  { accessKeyId, region, service: 'sqs' },
  noon,
  {},
)

/** As services other than S3 write it. */
const message = (canonicalRequest: string, stringToSign: string): string =>
  `{"message":"The request signature we calculated does not match. The Canonical String for this request should have been
'${canonicalRequest}'

The String-to-Sign should have been
'${stringToSign}'
"}`

it('finds no difference where the service signed the same text', () => {
  const view = serviceView(message(ours.canonicalRequest, ours.stringToSign))
  expect(view?.date).toEqual(noon)
  expect(firstDifference(ours, view ?? { canonicalRequest: '', stringToSign: '', date: undefined })).toBeUndefined()
})

it('finds a string to sign of another scope', () => {
  const view = serviceView(message(ours.canonicalRequest, ours.stringToSign.replace(region, 'us-east-1')))
  const difference = view === undefined ? '' : firstDifference(ours, view)
  expect(difference).toContain('line 3 of the string to sign')
  expect(difference).toContain('20261124/us-east-1/sqs/aws4_request')
})

it('shows no session token, whichever side has it', () => {
  const answer = `<CanonicalRequest>GET&#10;/&#10;x-amz-security-token:FwoGZX&amp;</CanonicalRequest>`
  const view = serviceView(answer)
  expect(view === undefined ? '' : firstDifference(ours, view)).not.toContain('FwoGZX')
})

it('knows an answer that is another one', () => {
  expect(serviceView('<Error><Code>AccessDenied</Code></Error>')).toBeUndefined()
})

it.each(['&#x110000;', '&#99999999;', '&unknown;', '&#0;'])('survives %s', (text) => {
  expect(serviceView(`<StringToSign>${text}</StringToSign>`)?.stringToSign).toBeDefined()
})

it.each([
  ['X-Amz-Credential=%FF', 'not UTF-8'],
  ['X-Amz-Credential=AKID%2F20261124%2Feu-west-1%2Fs3%2F%1b[2J', 'not presigned'],
  ['X-Amz-Date=now', 'not presigned'],
  ['X-Amz-Algorithm=AWS4-HMAC-SHA256', 'not presigned'],
])('refuses a URL that carries a signature of another form: %s', (query, says) => {
  const link = `https://b.example.com/k?${query}&X-Amz-Signature=00`
  expect(() => presignedParts({ method: 'GET', url: link, headers: {} })).toThrow(says)
})

it('moves no cursor with what a service answers', () => {
  const view = serviceView('<CanonicalRequest>GET&#10;/x\u001b[2J\u009b</CanonicalRequest>')
  const difference = view === undefined ? '' : firstDifference(ours, view)
  expect(difference).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u0080-\u009f]/)
})
