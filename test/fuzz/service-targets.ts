// What services answer, as the fuzzer takes it: those that decrypt a keyset, those of the query API where they refuse, and the
// sign-in endpoint. In: bytes, of which the first decides the status. Out: nothing, or an error that says what the reader did
// that it must not.

import { deepStrictEqual } from 'node:assert'
import { readAnswer } from '../../src/backends/tink/aws-kms.ts'
import { crc32c, readDecrypted, readEncrypted } from '../../src/backends/tink/gcp-kms.ts'
import { hcvaultRefusal } from '../../src/backends/tink/hcvault-status.ts'
import { readKek } from '../../src/backends/tink/kek-uri.ts'
import type { Verdict } from '../../src/backends/tink/service-call.ts'
import { SecretJson } from '../../src/backends/tink/service-json.ts'
import { readHealth, readWrappingKey } from '../../src/backends/vault/answer.ts'
import { signinToken } from '../../src/cli/session/console-link.ts'
import { refusalOf } from '../../src/query/refusal.ts'
import { errorXml } from '../sts/answers.ts'
import type { FuzzTarget } from './fuzzer.ts'
import { checkRefusal, orRefused, secret } from './or-refused.ts'

const json = ['{', '}', '[', ']', '"', ',', ':', 'null', '\\u0000', '\\n', '"__proto__":', '"toString":1', '==', '1e9']
const statuses = [200, 301, 400, 403, 404, 429, 500, 503]

/** The first byte chooses the status, so that a change of the input may change that alone. */
function answerOf(input: Buffer): { status: number; headers: Record<string, string>; body: Uint8Array } {
  const status = statuses[(input[0] ?? 0) % statuses.length] ?? 200
  const text = input.toString('latin1', 1, 60).replaceAll(/[^ -~]/g, '')
  return { status, headers: { 'x-amzn-errortype': text, date: text }, body: Uint8Array.from(input.subarray(1)) }
}

const seeds = (...bodies: readonly string[]): readonly Buffer[] =>
  bodies.flatMap((body) => [0, 2, 3].map((status) => Buffer.concat([Buffer.from([status]), Buffer.from(body)])))

function checked(read: () => Verdict<Uint8Array>): void {
  const verdict = orRefused(read)
  if (verdict === undefined) return
  if ('error' in verdict) checkRefusal(verdict.error)
  else verdict.value.fill(0)
}

const arn = 'arn:aws:kms:eu-west-1:111122223333:key/1'
const name = 'projects/p/locations/l/keyRings/r/cryptoKeys/k'
const where = 'kms.example.com'
const base64 = Buffer.from(secret).toString('base64')

const keyServices: FuzzTarget = {
  name: 'answers of key services',
  files: [
    'src/backends/tink/aws-kms-status.ts',
    'src/backends/tink/gcp-kms-status.ts',
    'src/backends/tink/hcvault-status.ts',
    'src/backends/tink/service-json.ts',
    'src/key/json-text.ts',
  ],
  seeds: seeds(
    `{"KeyId":"${arn}","Plaintext":"${base64}","EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}`,
    '{"__type":"com.amazonaws.kms#AccessDeniedException","message":"not \\n allowed"}',
    `{"plaintext":"${base64}","plaintextCrc32c":"${crc32c(Buffer.from(secret))}"}`,
    `{"name":"${name}/cryptoKeyVersions/1","ciphertext":"${base64}","ciphertextCrc32c":"1","verifiedPlaintextCrc32c":true}`,
    '{"error":{"code":403,"message":"Permission denied","status":"PERMISSION_DENIED"}}',
    `{"data":{"plaintext":"${base64}"}}`,
    '{"errors":["1 error occurred:\\n\\t* cipher: message authentication failed\\n\\n"]}',
  ),
  words: [...json, 'Exception', 'INVALID_ARGUMENT', 'checksum', 'sealed', '"status":', '"errors":[', '"__type":'],
  run(input) {
    const answer = answerOf(input)
    const address = readKek(`aws-kms://${arn}`)
    if (address.kind !== 'aws-kms') throw new Error('the address of a key of AWS KMS is read as another')
    const asked = { address, where, action: 'Decrypt', now: new Date(0) } as const
    checked(() => readAnswer(answer, asked, 'Plaintext'))
    checked(() => readEncrypted(answer, { name, where }))
    checked(() => readDecrypted(answer, { name, where }))
    checked(() => hcvaultRefusal(answer, { mount: 'transit', key: 'k', where, path: 'transit/decrypt/k' }))
    orRefused(() => new SecretJson(answer.body, where).bytes('data.plaintext').fill(0))
  },
}

const token = 'FwoGZXIvYXdzEBYaDHNlc3Npb24gdG9rZW4'

const refusals: FuzzTarget = {
  name: 'refusals of STS and IAM',
  files: ['src/query/refusal.ts', 'src/query/retry.ts'],
  seeds: seeds(
    errorXml('AccessDenied', `User: arn:aws:iam::111122223333:user/hk is not authorized, ${token}`),
    errorXml('SignatureDoesNotMatch', 'Signature expired: 20261124T120000Z is now earlier than 20261124T121500Z'),
    errorXml('Throttling', 'Rate exceeded'),
    '{"Error":{"Code":"ExpiredToken","Message":"a"},"RequestId":"r"}',
    errorXml(token, 'the code and the request ID are the token that was sent').replace('request-1', token),
  ),
  words: [
    '<Error>',
    '<Code>',
    '</Code>',
    '<Message>',
    '&#10;',
    '&#x1b;',
    'InvalidClientTokenId',
    'LimitExceeded',
    token,
  ],
  run(input) {
    const context = { service: 'sts', action: 'AssumeRole', host: where, region: 'eu-west-1' } as const
    const told = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secrets: [token], clockAhead: 0 }
    for (const withMfa of [true, false]) {
      const { error } = refusalOf(answerOf(input), { ...context, ...told, withMfa })
      checkRefusal(error)
      // A part of it is another text, which AWS may say.
      const said = [error.message, error.hint, error.serviceCode, error.requestId].join(' ')
      deepStrictEqual(said.includes(token), false, 'the session token stands in the error')
    }
  },
}

const signIn: FuzzTarget = {
  name: 'answers of the sign-in endpoint, and of Vault about itself',
  files: ['src/cli/session/console-link.ts'],
  seeds: [
    `{"SigninToken":"${token}"}`,
    '{"version":"1.20.0","sealed":false,"initialized":true}',
    '{"data":{"public_key":"-----BEGIN PUBLIC KEY-----\\n"}}',
    'null',
  ].map((text) => Buffer.from(text)),
  words: [...json, '"SigninToken":', '"version":', '"sealed":', '"data":', 'true'],
  run(input) {
    const given = orRefused(() => signinToken(input), token)
    deepStrictEqual(given === undefined || /^[!-~]{1,16384}$/.test(given), true)
    const health = orRefused(() => readHealth(Buffer.from(input), where))
    deepStrictEqual(health === undefined || typeof health.version === 'string', true)
    deepStrictEqual(typeof (orRefused(() => readWrappingKey(Buffer.from(input), where)) ?? ''), 'string')
  },
}

export const serviceTargets: readonly FuzzTarget[] = [keyServices, refusals, signIn]
