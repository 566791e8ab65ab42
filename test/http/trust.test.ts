// Who is trusted: F-H14. No request reaches a server that is not, and no other try is offered.

import { createServer, rootCertificates } from 'node:tls'
import { describe, expect, it, vi } from 'vitest'
import { httpClient } from '../../src/http/client.ts'
import { type IssuedCertificate, testAuthority } from './certificates.ts'
import { authority, certificate, httpsOrigin, listening, testClient, testHost } from './servers.ts'

const day = 86_400_000
const names = [testHost]

/** Asks a server with this certificate; what the client throws, and how many requests the server saw. */
async function refusedBy(issued: IssuedCertificate, options = {}): Promise<{ error: unknown; requests: number }> {
  let requests = 0
  const origin = await httpsOrigin((_request, response) => {
    requests += 1
    response.end()
  }, issued)
  const error = await testClient(options)
    .send({ method: 'GET', url: origin, headers: { authorization: 'canary' } })
    .catch((reason: unknown) => reason)
  return { error, requests }
}

describe('a server is refused, once and for all, when its certificate', () => {
  const refused: [string, IssuedCertificate, RegExp][] = [
    ['has expired', authority.issue({ names, notAfter: new Date(Date.now() - day / 2) }), /has expired$/],
    ['is not valid yet', authority.issue({ names, notBefore: new Date(Date.now() + day / 2) }), /is not valid yet$/],
    ['is for another name', authority.issue({ names: ['other.amazonaws.com'] }), /is for another name$/],
    ['comes from an unknown root', testAuthority().issue({ names }), /comes from an unknown root$/],
  ]
  it.each(refused)('F-H14: %s', async (_what, issued, message) => {
    const { error, requests } = await refusedBy(issued)
    expect(error).toMatchObject({ code: 'ERR_STS_UNREACHABLE', tryAgain: false, message })
    expect(requests).toBe(0)
  })

  it('F-H14: comes from an unknown root and NODE_TLS_REJECT_UNAUTHORIZED is 0', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    const { error, requests } = await refusedBy(testAuthority().issue({ names })).finally(() => vi.unstubAllEnvs())
    expect([error, requests]).toMatchObject([{ message: expect.stringMatching(/unknown root$/) }, 0])
  })

  it('F-H14: comes from a private root that was not given', async () => {
    const { error } = await refusedBy(certificate, { ca: [] })
    expect(error).toMatchObject({ hint: expect.stringContaining('AWS_CA_BUNDLE') })
  })
})

it('F-H14: names host and cause in one line', async () => {
  const { error } = await refusedBy(testAuthority().issue({ names }))
  expect(error).toMatchObject({
    message: `no trusted TLS connection to ${testHost}: its certificate comes from an unknown root`,
  })
})

it('refuses a server that speaks nothing newer than TLS 1.1', async () => {
  const ciphers = 'DEFAULT@SECLEVEL=0'
  const old = createServer({ ...certificate, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers })
  const url = `https://${testHost}:${await listening(old)}/`
  const sending = testClient().send({ method: 'GET', url, headers: {} })
  await expect(sending).rejects.toMatchObject({ code: 'ERR_STS_UNREACHABLE', tryAgain: false })
})

it('refuses a server that answers in plain http', async () => {
  const { createServer: createPlain } = await import('node:http')
  const port = await listening(createPlain((_request, response) => response.end()))
  const sending = testClient().send({ method: 'GET', url: `https://${testHost}:${port}/`, headers: {} })
  await expect(sending).rejects.toMatchObject({ code: 'ERR_STS_UNREACHABLE' })
})

describe('a CA bundle', () => {
  it('may hold several certificates, with text between them', async () => {
    const bundle = `# others\n${rootCertificates.slice(0, 2).join('\n')}\n# ours\n${authority.ca}`
    const { requests } = await refusedBy(certificate, { ca: [new TextEncoder().encode(bundle)] })
    expect(requests).toBe(1)
  })

  it.each([
    ['no certificate', 'nothing', 'CA bundle 1 holds no PEM certificate'],
    ['no certificate in a file', { pem: Buffer.from('x'), name: '"a.pem"' }, '"a.pem" holds no PEM certificate'],
    ['a broken certificate', authority.ca.replace(/M../, 'AAA'), 'certificate 1 of CA bundle 1 cannot be read'],
  ])('with %s is refused', (_what, ca, message) => {
    expect(() => httpClient({ ca: [ca] })).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message }))
  })
})
