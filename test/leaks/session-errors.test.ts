// Failing calls with canary secrets: the key, an MFA code, a session that an answer holds. No error shows one of them.

import { expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory/backend.ts'
import { openKey } from '../../src/backends/open.ts'
import { fromHardkey } from '../../src/credentials/provider.ts'
import { HardkeyError } from '../../src/errors.ts'
import { everythingOf, expectNoCanary } from '../contract/canary.ts'
import { errorXml, mfaSerial, sessionTokenXml } from '../sts/answers.ts'
import { loopback, type Script } from '../sts/loopback.ts'

const permanent = 'canaryPermanentSecret0123456789abcdefghi'
const code = '918273'
const temporary = 'canaryTemporarySecret'
const token = 'canarySessionToken'

const withSession = (text: string): string =>
  text.replace(/(<SecretAccessKey>).*?</, `$1${temporary}<`).replace(/(<SessionToken>).*?</, `$1${token}<`)

const scripts: [string, Script][] = [
  [
    'a refusal that quotes the request',
    ({ body }) => ({ status: 400, body: errorXml('ValidationError', body.replaceAll('&', ' ')) }),
  ],
  ['a page of HTML that quotes the request', ({ body }) => ({ status: 500, body: `<html>${body}` })],
  [
    'a session that has expired',
    () => ({ body: withSession(sessionTokenXml({ expiration: '2020-01-01T00:00:00Z' })) }),
  ],
  ['a session that was cut', () => ({ body: withSession(sessionTokenXml()).slice(0, -30) })],
  ['a session with an empty access key ID', () => ({ body: withSession(sessionTokenXml({ accessKeyId: '' })) })],
  [
    'a session in another document',
    () => ({ body: withSession(sessionTokenXml()).replaceAll('GetSessionToken', 'AssumeRole') }),
  ],
  ['a session with HTTP 403', () => ({ status: 403, body: withSession(sessionTokenXml()) })],
  ['nothing', () => 'cut'],
]

const canaries = Object.fromEntries(
  Object.entries({ permanent, temporary, token }).map(([name, text]) => [name, Buffer.from(text)]),
)

it.each(scripts)('L-2: shows no secret after %s', async (_, script) => {
  const secret = new TextEncoder().encode(`AWS4${permanent}`)
  const key = await openKey('memory:', { pin: async () => secret, backends: [memoryBackend()] })
  const { url } = await loopback(script)
  const sts = { action: 'GetSessionToken', serialNumber: mfaSerial, tokenCode: async () => code } as const
  const credentials = fromHardkey({ key, accessKeyId: 'AKIAIOSFODNN7EXAMPLE', sts, region: 'eu-west-1', endpoint: url })
  const error = await credentials().catch((thrown: unknown) => thrown)
  await key.close()
  expect(error).toBeInstanceOf(HardkeyError)
  expectNoCanary(error, canaries)
  // Too short for the scanner, which would find it by chance elsewhere.
  expect(everythingOf(error)).not.toContain(code)
})

it('L-2: one that a cause holds would be found', () => {
  expect(() => expectNoCanary(new Error('x', { cause: new Error(permanent) }), canaries)).toThrow('permanent is seen')
})
