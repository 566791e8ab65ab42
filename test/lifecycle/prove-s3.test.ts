// Answers of a store to ListBuckets, as they come. The stores themselves: test/cli/s3-store.peer.test.ts.

import { createServer } from 'node:http'
import { expect, it } from 'vitest'
import { proveAtS3 } from '../../src/lifecycle/prove-s3.ts'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { listening, testClient } from '../http/servers.ts'

const keys = secretDateKeys({ accessKeyId: 'minio', secretAccessKey: 'minio123' })
const error = (code: string): string => `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`

async function proved(status: number, body: string, path = '/'): Promise<string | undefined> {
  let asked: string | undefined
  const server = createServer((request, response) => {
    asked = `${request.method} ${request.url} ${request.headers.authorization?.slice(0, 47)}`
    response.writeHead(status).end(body)
  })
  const endpoint = `http://127.0.0.1:${await listening(server)}${path}`
  const now = (): Date => new Date('2026-11-24T12:00:00Z')
  await proveAtS3({ keys, endpoint, region: 'garage', http: testClient(), now })
  return asked
}

it.each([
  ['lists its buckets', 200, '<ListAllMyBucketsResult></ListAllMyBucketsResult>'],
  ['knows the key and lets it list nothing', 403, error('AccessDenied')],
])('is done where the store %s', async (_, status, body) => {
  expect(await proved(status, body)).toBe('GET / AWS4-HMAC-SHA256 Credential=minio/20261124/gara')
})

it('keeps the path of an endpoint', async () => {
  expect(await proved(403, error('AccessDenied'), '/s3/')).toContain('GET /s3/ ')
})

it.each(['SignatureDoesNotMatch', 'InvalidAccessKeyId', 'RequestTimeTooSkewed', 'AuthorizationHeaderMalformed'])(
  'fails with %s, and says what to do',
  async (code) => {
    await expect(proved(403, error(code))).rejects.toMatchObject({
      code: 'ERR_STS_REFUSED',
      serviceCode: code,
      hint: expect.any(String),
    })
  },
)

it.each([
  ['a web page', 200, '<html></html>'],
  ['a list that is refused without a word', 403, ''],
  ['AccessDenied that is no refusal', 200, '<html>AccessDenied</html>'],
])('fails where %s answers', async (_, status, body) => {
  await expect(proved(status, body)).rejects.toMatchObject({ code: 'ERR_STS_RESPONSE_INVALID' })
})
