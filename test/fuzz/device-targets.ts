// What names devices and comes from them, as the fuzzer takes it: URIs as each backend reads them, backups, public keys and
// certificates, structures that a module fills. In: bytes. Out: nothing, or an error that says what the reader did that it must not.

import { deepStrictEqual } from 'node:assert'
import { rootCertificates } from 'node:tls'
import * as pkcs11 from '../../src/backends/pkcs11/address.ts'
import { decodeValue } from '../../src/backends/pkcs11/attribute-values.ts'
import { attributeMembers, layoutOf, place, readTemplateLengths, readText } from '../../src/backends/pkcs11/layout.ts'
import { readSpki } from '../../src/backends/pkcs11/wrapping-pair.ts'
import { keysetAddress } from '../../src/backends/tink/keyset-uri.ts'
import { isEncryptedPem, officeKeyOf } from '../../src/backends/tpm2/date-rule.ts'
import { checkEkCertificate } from '../../src/backends/tpm2/ek-certificate.ts'
import * as tpm2 from '../../src/backends/tpm2/key-uri.ts'
import { readWhole } from '../../src/backends/tpm2/wire/codec.ts'
import { readPublic2b } from '../../src/backends/tpm2/wire/public-area.ts'
import { parseTpmAddress } from '../../src/backends/tpm2/wire/tcti.ts'
import { vaultKeyAddress } from '../../src/backends/vault/key-uri.ts'
import { checkedWrappingKey } from '../../src/backends/vault/wrapped.ts'
import { readCertificates } from '../../src/http/trust.ts'
import { pinSourceOf } from '../../src/key/pin-source.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { secretIn } from '../../src/lifecycle/vault-backup.ts'
import * as tools from '../backends/tpm2/made-by-tools.ts'
import type { FuzzTarget } from './fuzzer.ts'
import { orRefused, secret } from './or-refused.ts'

const texts = (...all: readonly string[]): readonly Buffer[] => all.map((text) => Buffer.from(text))

const readers: Readonly<Record<string, (uri: KeyUri) => unknown>> = {
  pkcs11: (uri) => [pkcs11.tokenAddress(uri), pkcs11.keyAddress(uri)],
  tpm2: tpm2.keyAddress,
  vault: vaultKeyAddress,
  tink: keysetAddress,
}

const uris: FuzzTarget = {
  name: 'key URIs, as each device reads them',
  files: [
    'src/backends/pkcs11/address.ts',
    'src/backends/tpm2/key-uri.ts',
    'src/backends/tpm2/wire/tcti.ts',
    'src/backends/vault/key-uri.ts',
    'src/backends/tink/keyset-uri.ts',
    'src/backends/tink/kek-uri.ts',
  ],
  seeds: texts(
    'pkcs11:token=prod;object=aws;type=secret-key;id=0a0b;slot-id=7;slot=1?module-path=/x.so&pin-source=file:/run/pin',
    'tpm2:handle=0x81010100?device=swtpm:host=127.0.0.1,port=2321&salt=0x81000001&salt-name=000b00&auth=yes&pcrs=sha256:7',
    'tpm2:file=prod.tss2.pem?device=/dev/tpmrm0&owner-auth-source=file:/run/owner',
    'vault:key=aws;mount=team/transit?address=https://a:8200,https://b:8200&namespace=n&login=approle&role-id=r&secret-source=fd:3',
    'vault:key=aws?address=unix:///run/bao.sock&login=none&key-version=2',
    'tink:file=prod.keyset.json?kek=aws-kms://arn:aws:kms:eu-west-1:111122223333:key/1&kek-endpoint=http://127.0.0.1:1',
    'tink:file=a?kek=gcp-kms://projects/p/locations/l/keyRings/r/cryptoKeys/k&token-source=file:/t',
    'tink:file=a?kek=hcvault://h:8200/transit/keys/k&namespace=a/b&ca=file:/c',
  ),
  words: [
    '?',
    '&',
    ';',
    '%2F',
    '%00',
    '0x81',
    'login=',
    'mount=',
    '..',
    'unix:',
    'swtpm:path=',
    ',port=',
    'fd:',
    '[::1]',
  ],
  run(input) {
    const text = input.toString('utf8')
    orRefused(() => parseTpmAddress(text))
    const uri = orRefused(() => KeyUri.parse(text))
    const read = readers[uri?.scheme ?? '']
    if (uri === undefined || read === undefined) return
    orRefused(() => pinSourceOf(uri))
    const address = orRefused(() => read(uri))
    const plain = uri.withoutSecrets()
    if (address !== undefined && !uri.has('pin-value')) deepStrictEqual(read(KeyUri.parse(plain.toString())), address)
  },
}

const keyBytes = Buffer.from(`AWS4${secret}`).toString('base64')
const backup = (type: number, more = ''): string =>
  `{"policy":{"name":"aws","keys":{"1":{"hmac_key":"${keyBytes}"${more}}},"type":${type},"latest_version":1,"exportable":false}}`

const backups: FuzzTarget = {
  name: 'backups of Vault keys',
  files: ['src/lifecycle/vault-backup.ts', 'src/key/json-text.ts', 'src/key/base64.ts'],
  seeds: texts(
    backup(10),
    backup(11, `,"key":"${keyBytes}"`),
    Buffer.from(backup(0)).toString('base64'),
    `${Buffer.from(backup(10)).toString('base64')}\n`,
    // A name and a number that are objects, an escape that JSON does not have, the key as the name of its version.
    backup(10).replace('"aws"', '{"toString":1}').replace('10', '{"valueOf":1}'),
    backup(10).replace('aws', 'a\\s'),
    backup(10).replace('"1"', JSON.stringify(keyBytes)),
  ),
  words: [
    '{',
    '}',
    '"',
    ':',
    ',',
    '"key":',
    '"derived":true',
    '{"toString":1}',
    '{"valueOf":1}',
    '\\u0041',
    '==',
    'null',
  ],
  run(input) {
    // The name in a backup is shown where it is another: by itself, for a changed one may be a piece of the key.
    orRefused(() => secretIn(Buffer.from(input), { path: 'backup', name: 'aws' }))?.wipe()
    const found = orRefused(() => secretIn(input, { path: 'backup' }), keyBytes)
    deepStrictEqual(found === undefined || found.length > 0, true)
    found?.wipe()
  },
}

const area = readWhole(Buffer.from(tools.rsaEkPublic2b, 'hex'), readPublic2b).area
const [pem = '', other = ''] = rootCertificates
const der = Buffer.from(pem.replaceAll(/-.*-|\s/g, ''), 'base64')
/** Of a certificate whose key is of a kind that nobody knows: rsaEncryption (RFC 8017, A.1) with another last number. */
const unknownKind = Buffer.from(
  der.toString('hex').replaceAll('06092a864886f70d010101', '06092a864886f70d01017f'),
  'hex',
)
const spki = Buffer.from(
  '3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296' +
    '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
  'hex',
)

const publicKeys: FuzzTarget = {
  name: 'public keys and certificates',
  files: [
    'src/backends/pkcs11/wrapping-pair.ts',
    'src/backends/tpm2/ek-certificate.ts',
    'src/backends/tpm2/date-rule.ts',
    'src/backends/vault/wrapped.ts',
    'src/http/trust.ts',
  ],
  seeds: [
    ...texts(
      pem,
      `${pem}\n${other}`,
      `-----BEGIN PUBLIC KEY-----\n${spki.toString('base64')}\n-----END PUBLIC KEY-----\n`,
    ),
    der,
    unknownKind,
    spki,
  ],
  words: ['-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----', '-----BEGIN PUBLIC KEY-----', '\n', '0\x82', '='],
  runs: 2000,
  run(input) {
    const text = input.toString('latin1')
    orRefused(() => readSpki(input))
    orRefused(() => checkedWrappingKey(text, 'bao'))
    orRefused(() => officeKeyOf({ key: input, format: 'pem' }))
    orRefused(() => officeKeyOf({ key: input, format: 'der', type: 'spki' }))
    const known = orRefused(() => readCertificates([input])) ?? []
    deepStrictEqual(
      known.every((one) => text.includes(one)),
      true,
    )
    deepStrictEqual(typeof isEncryptedPem(input), 'boolean')
    // No certificate of the seeds is of this key, so that none is ever right.
    const isRight = orRefused(() => checkEkCertificate(input, area, Buffer.from(pem), new Date(0)) ?? true)
    deepStrictEqual(isRight, undefined)
  },
}

const layouts = ['linux x64', 'linux arm', 'win32 x64', 'win32 ia32'].map((system) => {
  const [platform = '', architecture = ''] = system.split(' ')
  return layoutOf(platform, architecture)
})

const structures: FuzzTarget = {
  name: 'structures of a PKCS#11 module',
  files: ['src/backends/pkcs11/layout.ts', 'src/backends/pkcs11/attribute-values.ts'],
  seeds: [Buffer.alloc(48, 255), Buffer.from('SoftHSM slot ID 0x1'.padEnd(64)), Buffer.from('0100000000000000', 'hex')],
  words: ['\xff\xff\xff\xff', '\x00\x00\x00\x00', ' ', '\xc3\xa9'],
  run(input) {
    for (const layout of layouts) {
      const { size } = place(layout, attributeMembers)
      const template = input.subarray(0, input.length - (input.length % size))
      deepStrictEqual(readTemplateLengths(layout, template).length, template.length / size)
      for (const kind of ['bytes', 'boolean', 'number', 'mechanisms'] as const) decodeValue(layout, kind, input)
    }
    const text = readText(input, 0, 32)
    deepStrictEqual(text.length <= 32 && !text.includes('\0'), true)
  },
}

export const deviceTargets: readonly FuzzTarget[] = [uris, backups, publicKeys, structures]
