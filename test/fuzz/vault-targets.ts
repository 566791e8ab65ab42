// The parsers of the Vault backend, as the fuzzer takes them. In: bytes. Out: nothing, or an error that says what the parser
// did that it must not. An answer that is taken has what its reader promises.

import { readAddresses, redirectTarget } from '../../src/backends/vault/address.ts'
import {
  readAllowedInputs,
  readErrors,
  readHmac,
  readKey,
  readLogin,
  readLookup,
} from '../../src/backends/vault/answer.ts'
import { allowedPeriod, lastAllowedDay } from '../../src/backends/vault/period.ts'
import { HardkeyError } from '../../src/errors.ts'
import type { FuzzTarget } from './fuzzer.ts'

const hmac = Buffer.alloc(32, 7).toString('base64')

function taken<Value>(act: () => Value): Value | undefined {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof HardkeyError) || !['ERR_DEVICE_FAILED', 'ERR_URI_INVALID'].includes(error.code)) throw error
    if (error.message.includes(hmac.slice(0, 12))) throw new Error('the HMAC stands in the error')
    return undefined
  }
}

const answers: FuzzTarget = {
  name: 'answers of Vault',
  files: ['src/backends/vault/answer.ts', 'src/key/base64.ts'],
  seeds: [
    `{"request_id":"x","data":{"hmac":"vault:v1:${hmac}"},"auth":null}`,
    '{"data":{"name":"aws","type":"hmac","latest_version":1,"exportable":false,"allow_plaintext_backup":false,"deletion_allowed":false,"imported_key":true}}',
    '{"auth":{"client_token":"s.x","lease_duration":60,"renewable":true}}',
    '{"data":{"ttl":59,"renewable":true}}',
    '{"errors":["1 error occurred:\\n\\t* permission denied\\n\\n"]}',
    '{"data":{"exact_paths":{"transit/hmac/aws/sha2-256":{"allowed_parameters":{"input":["MjAyNjEx*"]}}}}}',
  ].map((text) => Buffer.from(text)),
  words: [
    '{',
    '}',
    '[',
    ']',
    '"',
    ':',
    ',',
    '"vault:v',
    '"data":',
    '"__proto__":',
    'null',
    '1e9',
    '==',
    '*',
    '\\u0000',
  ],
  run(input) {
    const copy = (): Buffer => Buffer.from(input)
    const answer = taken(() => readHmac(copy(), 'x'))
    if (answer !== undefined && (answer.hmac.length !== 32 || !(answer.version >= 1)))
      throw new Error('no HMAC was taken')
    taken(() => readKey(copy(), 'aws', 'x'))
    taken(() => readLogin(copy(), 'x'))
    taken(() => readLookup(copy(), 'x'))
    const inputs = taken(() => readAllowedInputs(copy(), 'transit/hmac/aws/sha2-256', 'x')) ?? []
    allowedPeriod(inputs)
    const last = lastAllowedDay(inputs)
    if (last !== undefined && !/^\d{4}-\d\d-\d\d$/.test(last)) throw new Error('no day was taken for one')
    if ((readErrors(copy()) ?? '').length > 300) throw new Error('an error was told at length')
  },
}

const places: FuzzTarget = {
  name: 'addresses of Vault',
  files: ['src/backends/vault/address.ts'],
  seeds: ['https://a:8200,https://b:8200', 'unix:///run/bao.sock', 'http://[::1]:8200/bao', 'https://a/v1/x'].map(
    (text) => Buffer.from(text),
  ),
  words: ['https://', 'http://', 'unix:', ',', '@', '//', '..', '%2f', '?', '#', ':8200', '[::1]', '127.0.0.1'],
  run(input) {
    const text = input.toString('utf8')
    const addresses = taken(() => readAddresses(text)) ?? []
    for (const { base } of addresses) {
      if (!/^https:\/\/[^/@?#]+[^?#]*$|^http:\/\/(?:localhost|127\.|\[::1\])/.test(base))
        throw new Error(`taken: ${base}`)
    }
    const to = redirectTarget(text, '/v1/x', addresses)
    if (to !== undefined && !addresses.includes(to)) throw new Error('led to another address')
  },
}

export const vaultTargets: readonly FuzzTarget[] = [answers, places]
