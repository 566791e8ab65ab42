// Every error of the library that a key can lead to, in every form in which an error is shown: message, stack, causes, JSON,
// inspect with hidden fields, clone. And the objects that hold secrets, in every conversion. L-2.

import { format, inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openKey } from '../../src/backends/open.ts'
import { pkcs11Backend } from '../../src/backends/pkcs11/backend.ts'
import { pkcs11Importer } from '../../src/backends/pkcs11/import.ts'
import { tinkBackend } from '../../src/backends/tink/backend.ts'
import { tinkImporter } from '../../src/backends/tink/import.ts'
import { tpm2Backend } from '../../src/backends/tpm2/backend.ts'
import { tpm2Importer } from '../../src/backends/tpm2/import.ts'
import { vaultBackend } from '../../src/backends/vault/backend.ts'
import { vaultImporter } from '../../src/backends/vault/import.ts'
import { HardkeyError } from '../../src/errors.ts'
import type { HmacKey, KeyBackend, KeyImporter } from '../../src/key/hmac-key.ts'
import { type PinSource, pinSourceOf } from '../../src/key/pin-source.ts'
import { Secret } from '../../src/key/secret.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { readSecretFile } from '../../src/lifecycle/secret-file.ts'
import { readSecretAccessKey } from '../../src/lifecycle/secret-form.ts'
import { aws4Key } from '../../src/sigv4/aws4-key.ts'
import { deviceDateKeys, secretDateKeys } from '../../src/sigv4/date-key.ts'
import { sigV4Signer } from '../../src/sigv4/signer.ts'
import { everythingOf, shownOf } from '../contract/canary.ts'
import { leakCount } from './counts.ts'
import { Scanner } from './scanner.ts'
import { type Kind, kinds, Situation } from './situation.ts'

const wrongPin = 'another-canary-of-a-PIN'
const given =
  (text: string): PinSource =>
  async () =>
    Uint8Array.from(Buffer.from(text))

/** A key of this kind, by the library, and everything that can be done wrong with it. */
class Failing {
  readonly at: Situation
  readonly scanner: Scanner
  readonly backend: KeyBackend
  readonly importer: KeyImporter

  private constructor(at: Situation, kind: Kind) {
    this.at = at
    this.scanner = new Scanner({ ...at.items(), 'wrong PIN': Buffer.from(wrongPin) })
    const environment = { ...at.environment() }
    const devices = {
      token: { backend: pkcs11Backend({ environment }), importer: pkcs11Importer({ environment }) },
      keyset: { backend: tinkBackend(), importer: tinkImporter({ N: 16384 }) },
      TPM: { backend: tpm2Backend(), importer: tpm2Importer() },
      service: { backend: vaultBackend(), importer: vaultImporter() },
    }
    this.backend = devices[kind].backend
    this.importer = devices[kind].importer
  }

  static async make(kind: Kind): Promise<Failing> {
    const made = new Failing(await Situation.make(kind), kind)
    await made.import('prod')
    return made
  }

  uri(name: string): KeyUri {
    const uri = KeyUri.parse(this.at.uri(name))
    const file = uri.get('file')
    return file === undefined ? uri : uri.with({ path: { file: `${this.at.home.folder}/${file}` } })
  }

  async import(name: string, key: Uint8Array = this.secret()): Promise<unknown> {
    const held = aws4Key(key)
    return await this.importer
      .import(this.uri(name), held, { pin: pinSourceOf(this.uri(name)) })
      .finally(() => held.wipe())
  }

  async open(name: string, pin?: PinSource): Promise<HmacKey> {
    const uri = pin === undefined ? this.uri(name) : this.uri(name).with({ query: { 'pin-source': undefined } })
    return await openKey(uri, { backends: [this.backend], pin })
  }

  /** Uses an opened key, and closes it. */
  async use(act: (key: HmacKey) => unknown): Promise<unknown> {
    const key = await this.open('prod')
    try {
      return await act(key)
    } finally {
      await key.close()
    }
  }

  secret(): Uint8Array {
    return Uint8Array.from(Buffer.from(this.at.key.secretAccessKey))
  }
}

const text = (failing: Failing): string => failing.at.key.secretAccessKey
const pinText = (failing: Failing): string => Buffer.from(failing.at.items().PIN ?? []).toString()
const stored = (form: 'csv' | 'json', failing: Failing, content: string): Promise<unknown> =>
  readSecretFile({ form, path: failing.at.source(`broken.${form}`, content) })

/** A device of somebody else, whose failures show the key. */
const careless = (failing: Failing): KeyBackend => ({
  scheme: 'careless',
  open: async () => {
    throw new Error(`cannot use ${text(failing)}`, { cause: failing.secret() })
  },
})

const failures: readonly (readonly [string, string, (failing: Failing) => unknown])[] = [
  ['a missing key', 'ERR_KEY_NOT_FOUND', (failing) => failing.open('none', given(pinText(failing)))],
  ['no PIN', 'ERR_PIN_REQUIRED', (failing) => failing.open('prod', given(''))],
  ['a name that is taken', 'ERR_KEY_EXISTS', (failing) => failing.import('prod')],
  [
    'data that is too long',
    'ERR_USAGE',
    (failing) => failing.use((key) => key.hmac(Buffer.from(text(failing).repeat(2)))),
  ],
  [
    'an abort',
    'AbortError',
    (failing) => failing.use((key) => key.hmac(failing.secret(), { signal: AbortSignal.abort() })),
  ],
  [
    'a closed key',
    'ERR_KEY_CLOSED',
    (failing) => failing.use((key) => key.close().then(() => key.hmac(failing.secret()))),
  ],
  [
    'a day that is far off',
    'ERR_DATE_REFUSED',
    (failing) => failing.use((key) => deviceDateKeys({ key, accessKeyId: 'AKID' }).dateKey('20000101')),
  ],
  [
    'a secret in two lines',
    'ERR_SECRET_INVALID',
    (failing) => readSecretAccessKey(Buffer.from(`${text(failing)}\n${text(failing)}\n`)),
  ],
  [
    'a secret with its prefix',
    'ERR_SECRET_INVALID',
    (failing) => readSecretAccessKey(Buffer.from(`AWS4${text(failing)}`)),
  ],
  [
    'a secret in quotation marks',
    'ERR_SECRET_INVALID',
    (failing) => readSecretAccessKey(Buffer.from(`"${text(failing)}"`)),
  ],
  ['CSV without its head', 'ERR_SECRET_INVALID', (failing) => stored('csv', failing, `AKIDEXAMPLE,${text(failing)}\n`)],
  [
    'CSV with an open quotation mark',
    'ERR_SECRET_INVALID',
    (failing) => stored('csv', failing, `Access key ID,Secret access key\n"${text(failing)}`),
  ],
  [
    'JSON that is cut',
    'ERR_SECRET_INVALID',
    (failing) => stored('json', failing, `{"SecretAccessKey":"${text(failing)}`),
  ],
  [
    'JSON of another shape',
    'ERR_SECRET_INVALID',
    (failing) => stored('json', failing, `{"Secret":"${text(failing)}"}`),
  ],
  [
    'a PIN in a URI that is wrong',
    'ERR_URI_INVALID',
    (failing) => KeyUri.parse(`pkcs11:tokn=prod?pin-value=${pinText(failing)}%`),
  ],
  [
    'a PIN beside a source',
    'ERR_URI_INVALID',
    (failing) => pinSourceOf(KeyUri.parse(`pkcs11:?pin-source=prompt:&pin-value=${pinText(failing)}`)),
  ],
  [
    'a session token that is none',
    'ERR_CONFIG_INVALID',
    (failing) => secretDateKeys({ accessKeyId: 'ASIA', secretAccessKey: failing.secret(), sessionToken: ' ' }),
  ],
  ['a careless device', 'ERR_DEVICE_FAILED', (failing) => openKey('careless:', { backends: [careless(failing)] })],
  // Last: a token then wants a person for the next PIN.
  ['a wrong PIN', 'ERR_PIN_INCORRECT', (failing) => failing.open('prod', given(wrongPin))],
]

describe.each([...kinds, 'service' as const])('a failure with a key in a %s', (kind) => {
  const count = leakCount(`L-2 ${kind}: errors of the library`)
  let failing: Failing
  beforeAll(async () => {
    failing = await Failing.make(kind)
  })
  afterAll(() => failing.at.remove())

  it('L-2: an opened key, its sources and signers show no secret in any conversion', async () => {
    await failing.use(async (key) => {
      const keys = deviceDateKeys({ key, accessKeyId: failing.at.key.accessKeyId })
      const signer = sigV4Signer({ keys, region: 'eu-west-1', service: 's3' })
      const signed = await signer.sign({ method: 'GET', url: 'https://s3.eu-west-1.amazonaws.com/' })
      for (const object of [key, key.info, keys, signer, signed]) {
        expect(count.look(failing.scanner, shownOf(object))).toEqual([])
      }
    })
  })

  it.each(failures)('L-2: %s shows no secret in any form of the error', async (_, code, act) => {
    const error = await Promise.resolve()
      .then(() => act(failing))
      .then(
        () => expect.fail('it did not fail'),
        (thrown: unknown) => thrown,
      )
    expect(error instanceof HardkeyError ? error.code : Reflect.get(Object(error), 'name')).toBe(code)
    expect(count.look(failing.scanner, shownOf(error))).toEqual([])
  })
})

describe('a Secret, and a URI that holds one', () => {
  const count = leakCount('L-2: conversions of a Secret and of a URI')
  const bytes = (): Uint8Array => Uint8Array.from(Buffer.from('canary of a secret, 30 bytes!!'))
  const scanner = new Scanner({ secret: bytes() })
  const holders = { Secret: Secret.take(bytes()), KeyUri: KeyUri.of('pkcs11', {}, { 'pin-value': bytes() }) }

  it.each(Object.entries(holders))('L-2: a %s shows nothing, whatever is made of it', (_, holder) => {
    const made = [
      `${holder}`,
      String(holder),
      format('%s %o %O %j', holder, holder, holder, holder),
      { ...holder },
      [holder],
    ]
    for (const one of [...made, Object.getOwnPropertyDescriptors(holder)]) {
      expect(count.look(scanner, shownOf(one))).toEqual([])
    }
  })

  it.each([
    ['in the message', new Error(Buffer.from(bytes()).toString())],
    ['as a cause of a cause', new Error('x', { cause: new Error('y', { cause: bytes() }) })],
    ['among several errors', new AggregateError([new Error(Buffer.from(bytes()).toString('hex'))])],
    [
      'in a hidden field',
      Object.defineProperty(new Error('x'), 'y', { value: Buffer.from(bytes()).toString('base64') }),
    ],
    ['as bytes that are inspected', inspect(bytes())],
  ])('L-2: one that is planted %s is found', (_, planted) => {
    expect(count.control(scanner, shownOf(planted)).length).toBeGreaterThan(0)
    expect(everythingOf(planted)).not.toBe('')
  })
})
