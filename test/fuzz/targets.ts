// Every parser there is, as the fuzzer takes it: inputs in use, and what must hold for any input. In: bytes. Out: nothing,
// or an error that says what the parser did that it must not. Refusing is its work: by its error, on one line, and
// without the secret of the seeds in it. What one parser reads, it reads again as the same after writing.
// More than 250 lines: one table, each parser with its seeds and its words.

import { deepStrictEqual } from 'node:assert'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeFrame, FrameError, FrameReader } from '../../src/backends/pkcs11/frames.ts'
import {
  AnswerError,
  readFailure,
  readKeys,
  readLibrary,
  readPairs,
  readTokens,
} from '../../src/backends/pkcs11/messages.ts'
import { decodeKeyset } from '../../src/backends/tink/keyset.ts'
import { formatKeysetFile, parseKeysetFile } from '../../src/backends/tink/keyset-file.ts'
import { formatApprovals, parseApprovals } from '../../src/backends/tpm2/approvals.ts'
import { formatDuplicationFile, parseDuplicationFile } from '../../src/backends/tpm2/documents/duplication-file.ts'
import { formatKeyFile, type KeyFile, parseKeyDer, parseKeyFile } from '../../src/backends/tpm2/documents/key-file.ts'
import { readKeyPair } from '../../src/backends/tpm2/documents/key-pair.ts'
import { formatPcrList, readPcrList, selectionsOf } from '../../src/backends/tpm2/documents/pcr.ts'
import { policyDigest } from '../../src/backends/tpm2/documents/policy.ts'
import { waysOf } from '../../src/backends/tpm2/documents/policy-ways.ts'
import { policyWords } from '../../src/backends/tpm2/documents/policy-words.ts'
import { answerSize } from '../../src/backends/tpm2/wire/answer-frame.ts'
import { type Reader, readWhole, WireFault } from '../../src/backends/tpm2/wire/codec.ts'
import { nameOf, readPublic2b, writePublicArea } from '../../src/backends/tpm2/wire/public-area.ts'
import * as tpm from '../../src/backends/tpm2/wire/structures.ts'
import { firstDifference, serviceView } from '../../src/cli/request/explain-answer.ts'
import { presignedParts } from '../../src/cli/request/explain-request.ts'
import { readNoProxy } from '../../src/http/no-proxy.ts'
import { readProxySettings } from '../../src/http/proxy.ts'
import { readTarget } from '../../src/http/target.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { readAccessKey } from '../../src/lifecycle/secret-file.ts'
import { readSecretAccessKey } from '../../src/lifecycle/secret-form.ts'
import { iniSettings, iniValue, readIniLines } from '../../src/profiles/ini.ts'
import { removeIniLines, setIniSettings } from '../../src/profiles/ini-edit.ts'
import { credentialProcessLine, hardkeyCall, lineWords } from '../../src/profiles/process-line.ts'
import { formatRecord, parseRecord } from '../../src/profiles/record.ts'
import { readBody } from '../../src/query/answer.ts'
import { clockDifference } from '../../src/query/skew.ts'
import { refuseDistantDate, startOfDate, timeText } from '../../src/sigv4/date-window.ts'
import { headerForm } from '../../src/sigv4/header-form.ts'
import { queryForm } from '../../src/sigv4/query-form.ts'
import { UrlSplitter } from '../../src/sigv4/request.ts'
import { signingRules } from '../../src/sigv4/rules.ts'
import { signingMoment } from '../../src/sigv4/signing-moment.ts'
import { readCallerIdentity, readSession } from '../../src/sts/answer.ts'
import { field, keyEntry, keyId } from '../backends/tink-files.ts'
import { explicit, keyDer, keyPem, octets, policyEntry, policyField, types } from '../backends/tpm2/key-files.ts'
import * as tools from '../backends/tpm2/made-by-tools.ts'
import { assumeRoleInput, assumeRoleXml, errorXml, identityXml, time } from '../sts/answers.ts'
import { assuan, mfaProgram } from './assuan-target.ts'
import { deviceTargets } from './device-targets.ts'
import { endpointTargets } from './endpoint-targets.ts'
import type { FuzzTarget } from './fuzzer.ts'
import { orRefused, secret } from './or-refused.ts'
import { personTargets } from './person-targets.ts'
import { rotationTargets } from './rotation-targets.ts'
import { runtimeTargets } from './runtime-targets.ts'
import { serviceTargets } from './service-targets.ts'
import { vaultTargets } from './vault-targets.ts'
import { wrapTargets } from './wrap-targets.ts'

const texts = (...all: readonly string[]): readonly Buffer[] => all.map((text) => Buffer.from(text))

const uri: FuzzTarget = {
  name: 'key URIs',
  files: ['src/key/uri.ts', 'src/key/uri-text.ts'],
  seeds: texts(
    'pkcs11:token=prod;object=aws;type=secret-key?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/run/pin',
    'pkcs11:token=My%20token;id=%01%02;serial=00ff;slot-id=7?pin-value=1234',
    'tink:file=/home/me/prod.keyset.json?kek=passphrase:',
    'memory:object=a?pin-source=env:NAME',
  ),
  words: ['pkcs11:', 'tink:', 'object=', 'id=%', 'pin-value=', '?', '&', ';', '%2F', '%00', '%C3%A9', '%ff', 'x-'],
  run(input) {
    const parsed = orRefused(() => KeyUri.parse(input.toString('utf8')))
    if (parsed === undefined) return
    const plain = parsed.withoutSecrets()
    deepStrictEqual(plain.has('pin-value'), false)
    deepStrictEqual(KeyUri.parse(plain.toString()).toString(), plain.toString())
    for (const name of parsed.names()) if (name !== 'pin-value') deepStrictEqual(parsed.has(name), true)
    for (const name of plain.names()) deepStrictEqual(plain.bytes(name) !== undefined, true)
    parsed.pinValue()?.wipe()
  },
}

const ini: FuzzTarget = {
  name: 'AWS configuration files',
  files: ['src/profiles/ini.ts', 'src/profiles/ini-edit.ts'],
  seeds: texts(
    `[default]\nregion = eu-west-1\n\n[profile prod]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = ${secret}\n`,
    '# ours\r\n[profile prod]\r\ncredential_process = hardkey credential-process prod\r\ns3 =\r\n  max_queue = 5\r\n',
    '[sso-session x]\nsso_region = us-east-1 ; said\n[services local]\nsts =\n  endpoint_url = http://localhost:1\n',
  ),
  words: ['[profile prod]', '[', ']', ' = ', ' #', ' ;', '\n  ', '\r\n', '\u00a0', '\ufeff', 'region', 'prod'],
  run(input) {
    const lines = orRefused(() => readIniLines(input, 'config'))
    if (lines === undefined) return
    deepStrictEqual(Buffer.concat(lines.map(({ start, next }) => input.subarray(start, next))), input)
    for (const line of lines) iniValue(input, line)
    // An edit reads the file three times more, so that the longest take over a second with all that is counted here.
    if (input.length > 16_384) return
    const change = { section: 'profile.prod', header: '[profile prod]', settings: [['region', 'eu-west-3']] as const }
    const edited = orRefused(() => setIniSettings(input, lines, change, 'config'))
    if (edited === undefined) return
    const again = readIniLines(edited, 'config')
    deepStrictEqual(iniSettings(edited, again, 'profile.prod').get('region'), 'eu-west-3')
    orRefused(() => removeIniLines(input, lines, lines.slice(0, 1), 'config'))
  },
}

const processLine: FuzzTarget = {
  name: 'credential_process lines',
  files: ['src/profiles/process-line.ts'],
  seeds: texts(
    '/usr/bin/hardkey credential-process prod',
    `"/opt/my tools/node" /x/hardkey.cjs credential-process prod --role-session-name 'a b' --no-cache`,
    'C:\\Tools\\hardkey.exe credential-process prod2',
  ),
  words: ['"', "'", ' ', '\t', 'hardkey', 'credential-process', '--', '\\', '$', '\u00a0'],
  run(input) {
    const line = input.toString('utf8')
    const words = lineWords(line)
    // A word that may stand in our own line is read back as it was.
    for (const word of words ?? []) {
      const written = orRefused(() => credentialProcessLine([word], 'prod'))
      if (written !== undefined) deepStrictEqual(lineWords(written), [word, 'credential-process', 'prod'])
    }
    const asked = hardkeyCall(line)?.words
    deepStrictEqual(asked === undefined || words?.join(' ').endsWith(asked.join(' ')), true)
  },
}

function secretFile(
  form: 'csv' | 'json',
  name: string,
  file: string,
  seeds: readonly Buffer[],
  words: string[],
): FuzzTarget {
  return {
    name,
    files: [file],
    seeds,
    words: [...words, 'AKIAIOSFODNN7EXAMPLE', secret],
    run(input) {
      const found = orRefused(() => readAccessKey(input, { form, path: 'keys' }))
      if (found === undefined) return
      deepStrictEqual(found.secret.length <= input.length, true)
      found.secret.wipe()
    },
  }
}

const csv = secretFile(
  'csv',
  'CSV of the console',
  'src/lifecycle/csv-text.ts',
  texts(
    `Access key ID,Secret access key\nAKIAIOSFODNN7EXAMPLE,${secret}\n`,
    `\ufeff"User name","Access key ID","Secret access key"\r\n"a ""b""",AKIAIOSFODNN7EXAMPLE,"${secret}"\r\n`,
  ),
  ['"', '""', ',', '\r\n', 'Access key ID', 'Secret access key'],
)

const json = secretFile(
  'json',
  'JSON of CreateAccessKey',
  'src/key/json-text.ts',
  texts(
    `{"AccessKey":{"UserName":"a","AccessKeyId":"AKIAIOSFODNN7EXAMPLE","Status":"Active","SecretAccessKey":"${secret}","CreateDate":"2026-11-24T17:20:00+00:00"}}`,
    `{ "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "n": [1, -2.5e3, true, null, {}], "SecretAccessKey": "\\u0077J\\/${secret}" }`,
  ),
  ['{', '}', '[', ']', ':', ',', '"', '\\u00', '\\"', 'true', 'null', '1e5', '"SecretAccessKey":', '"SessionToken":'],
)

const secretForm: FuzzTarget = {
  name: 'a secret access key',
  files: ['src/lifecycle/secret-form.ts'],
  seeds: texts(
    `${secret}\n`,
    secret,
    `AWS4${secret}`,
    `aws_secret_access_key = ${secret}`,
    `{"SecretAccessKey":"${secret}"}`,
  ),
  words: ['AWS4', 'AKIA', 'ASIA', ' = ', 'export ', '"', '\r\n', '\ufeff', '\u200b', '\u00a0', ','],
  run(input) {
    const isOurs = input.toString('latin1').replace(/\r?\n$/, '') === secret
    const found = orRefused(() => readSecretAccessKey(input, { otherStore: input.length % 2 === 0 }))
    deepStrictEqual(
      input.every((byte) => byte === 0),
      true,
      'the bytes that were handed in are not wiped',
    )
    if (isOurs) deepStrictEqual(found?.length, secret.length)
    found?.wipe()
  },
}

const xml: FuzzTarget = {
  name: 'answers of STS',
  files: ['src/query/xml.ts', 'src/query/answer.ts', 'src/sts/answer.ts', 'src/query/json.ts'],
  seeds: texts(
    assumeRoleXml(),
    identityXml(),
    errorXml('AccessDenied', '&lt;a&gt; &amp; &#65;&#x42;'),
    `<?xml version="1.0" encoding="UTF-8"?>${assumeRoleXml()}`,
    '{"AssumeRoleResponse":{"AssumeRoleResult":{"Credentials":{"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"a","SessionToken":"b","Expiration":1795521600},"AssumedRoleUser":{"Arn":"arn:aws:sts::123456789012:assumed-role/reader/session","AssumedRoleId":"A:session"}}}}',
  ),
  words: [
    '<Credentials>',
    '</Credentials>',
    '<a/>',
    '<!--',
    '<![CDATA[',
    '<!DOCTYPE a [',
    '&#x',
    '&lt;',
    ' xmlns="',
    '<?xml ?>',
  ],
  run(input) {
    readBody(input)
    const session = orRefused(() => readSession(input, { input: assumeRoleInput, isAws: input.length % 2 === 0, time }))
    orRefused(() =>
      readCallerIdentity(input, { input: { ...assumeRoleInput, action: 'GetCallerIdentity' }, isAws: true, time }),
    )
    if (session === undefined) return
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = session.credentials
    const isWhole = [accessKeyId, secretAccessKey, sessionToken].every((text) => text.length > 0)
    deepStrictEqual(isWhole && expiration > time, true, 'credentials that are not whole')
  },
}

const encrypted = Buffer.alloc(60, 7).toString('base64')
const info =
  '{"primaryKeyId":305419896,"keyInfo":[{"typeUrl":"type.googleapis.com/google.crypto.tink.HmacKey","status":"ENABLED","keyId":305419896,"outputPrefixType":"RAW"}]}'
const keyset = `{"encryptedKeyset":"${encrypted}","keysetInfo":${info}}`

const keysetFile: FuzzTarget = {
  name: 'keyset files',
  files: ['src/backends/tink/keyset-file.ts'],
  seeds: texts(
    keyset,
    `{"version":1,"kdf":{"name":"scrypt","N":131072,"r":8,"p":1,"salt":"AAAAAAAAAAAAAAAAAAAAAA=="},"keyset":${keyset}}`,
    `{"primaryKeyId":1,"key":[{"keyData":{"value":"${Buffer.from(secret).toString('base64')}"}}]}`,
  ),
  words: ['{', '}', '[', ']', '"', '\\"', ':', ',', '"kdf":', '"version":1', '"__proto__":', '4294967296', '""', '=='],
  run(input) {
    const file = orRefused(() => parseKeysetFile(input))
    if (file === undefined) return
    deepStrictEqual(parseKeysetFile(Buffer.from(formatKeysetFile(file))), file)
  },
}

const keysetBytes: FuzzTarget = {
  name: 'keysets (protobuf)',
  files: ['src/backends/tink/keyset.ts', 'src/backends/tink/protobuf.ts'],
  seeds: [
    Buffer.concat([field(1, keyId), keyEntry()]),
    Buffer.concat([field(1, 2), keyEntry({ id: 1, status: 2 }), keyEntry({ id: 2 }), field(99, 5)]),
  ],
  words: [
    '\x08\x01',
    '\x12\x00',
    '\x0b',
    '\x0d\x00\x00\x00\x00',
    '\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01',
    '\xff\xff\xff\xff\x0f',
  ],
  run(input) {
    const decoded = orRefused(() => decodeKeyset(input))
    if (decoded === undefined) return
    const { length } = decoded.key
    deepStrictEqual(length >= 16 && length <= 64, true, 'a key of a length that no HMAC key of ours has')
    deepStrictEqual(
      decoded.info.keyInfo.some(({ keyId: id }) => id === decoded.info.primaryKeyId),
      true,
    )
  },
}

const record: FuzzTarget = {
  name: 'key records',
  files: ['src/profiles/record.ts'],
  seeds: texts(
    JSON.stringify({
      version: 1,
      accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
      uri: 'pkcs11:token=prod;object=aws?module-path=/usr/lib/softhsm/libsofthsm2.so',
      protection: 'hardware',
      created: '2026-11-24T17:20:00Z',
      check: '0123456789abcdef',
      region: 'eu-west-1',
      endpointUrl: 'https://sts.example.com',
      roleArn: 'arn:aws:iam::123456789012:role/reader',
      roleSessionName: 'me@here',
      externalId: 'a:b/c',
      durationSeconds: 3600,
      mfaSerial: 'arn:aws:iam::123456789012:mfa/me',
    }),
  ),
  words: ['{', '}', '"', ':', ',', '"__proto__":{}', '"constructor":1', '"pin-value=1"', 'null', '129601', '\\u0000'],
  run(input) {
    const read = orRefused(() => parseRecord(input, 'record'))
    if (read !== undefined) deepStrictEqual(parseRecord(formatRecord(read), 'record'), read)
  },
}

const frames: FuzzTarget = {
  name: 'frames and answers of the PKCS#11 child',
  files: ['src/backends/pkcs11/frames.ts', 'src/backends/pkcs11/messages.ts'],
  seeds: [
    encodeFrame({ id: 1, failure: { kind: 'refused', function: 'C_Login', status: 160 } }),
    encodeFrame({ id: 2, keys: [{ CKA_LABEL: '61', CKA_SIGN: true }] }, Buffer.alloc(32, 5)),
    Buffer.concat([
      encodeFrame({ library: { manufacturer: 'a', description: 'b', version: '1.0' } }),
      encodeFrame({ tokens: [] }),
    ]),
  ],
  words: [
    '\x00\x00\x00\x04',
    '\x00\x04\x00\x00',
    '\xff\xff\xff\xff',
    '{"failure":{',
    '"kind":"fault"',
    '"tokens":[',
    '"keys":[{',
    '"__proto__":',
  ],
  run(input) {
    const whole = readFrames([Buffer.from(input)])
    const middle = (input[0] ?? 0) % (input.length + 1)
    const parts = readFrames([Buffer.from(input.subarray(0, middle)), Buffer.from(input.subarray(middle))])
    deepStrictEqual(parts, whole, 'the same bytes in other pieces give other frames')
    for (const { head } of whole.frames) {
      for (const read of [readFailure, readLibrary, readTokens, readKeys, readPairs]) {
        try {
          read(head)
        } catch (error) {
          if (!(error instanceof AnswerError)) throw error
        }
      }
    }
  },
}

function readFrames(pieces: readonly Buffer[]): { frames: { head: unknown; bytes: Uint8Array }[]; broken: boolean } {
  const reader = new FrameReader()
  const frames: { head: unknown; bytes: Uint8Array }[] = []
  try {
    for (const piece of pieces) frames.push(...reader.push(piece))
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
    // Frames before the broken one came with another piece, or are lost with it.
    return { frames: [], broken: true }
  }
  return { frames, broken: false }
}

const now = Date.UTC(2026, 10, 24, 12)

const dates: FuzzTarget = {
  name: 'dates',
  files: ['src/sigv4/date-window.ts'],
  seeds: texts('20261124', '20261125', '20240229', '11111111', 'Tue, 24 Nov 2026 12:00:00 GMT', '1795521600000'),
  words: ['2026', '1124', '0229', '99991231', '-', 'GMT', 'e9', '20261123'],
  run(input) {
    const text = input.toString('utf8')
    const start = orRefused(() => startOfDate(text))
    if (start !== undefined) deepStrictEqual(timeText(start), `${text}T000000Z`)
    const allowed = orRefused(() => refuseDistantDate(text, now) ?? text)
    if (allowed !== undefined) deepStrictEqual(['20261123', '20261124', '20261125'].includes(allowed), true)
    const time = orRefused(() => timeText(Number(text)))
    if (time !== undefined) deepStrictEqual(/^\d{8}T\d{6}Z$/.test(time), true)
    clockDifference({ date: text }, { sent: new Date(now), received: new Date(now) })
  },
}

const keys = {
  accessKeyId: 'AKIDEXAMPLE',
  sessionToken: 'token',
  dateKey: () => Promise.reject(new Error('not asked')),
}
const rules = ['service', 's3'].map((service) => signingRules({ keys, region: 'us-east-1', service }))

const requests: FuzzTarget = {
  name: 'requests to sign',
  files: [
    'src/sigv4/canonical-headers.ts',
    'src/sigv4/canonical-uri.ts',
    'src/sigv4/canonical-query.ts',
    'src/sigv4/request.ts',
    'src/sigv4/header-form.ts',
    'src/sigv4/query-form.ts',
    'src/sigv4/encoding.ts',
  ],
  seeds: officialRequests(),
  words: [
    '../',
    '/./',
    '//',
    '%2F',
    '%',
    '%zz',
    '?',
    '&',
    '=',
    '+',
    '\ufffd',
    '\u1234',
    'X-Amz-Date:',
    'Host:',
    'X-Amz-Signature=',
    '\t',
    '\r',
  ],
  run(input) {
    const [first = '', ...lines] = input.toString('utf8').split('\n')
    const space = first.indexOf(' ')
    const headers = lines.map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, Math.max(colon, 0)), line.slice(colon + 1)]
    })
    const request = {
      method: first.slice(0, space),
      url: `https://example.com${first.slice(space + 1)}`,
      headers,
      body: '',
    }
    for (const rule of rules) {
      const url = orRefused(() => new UrlSplitter().split(request.url))
      if (url === undefined) return
      const moment = signingMoment(now, rule)
      const form = orRefused(() => headerForm(request, url, moment, {}, rule))
      if (form !== undefined) checkCanonical(form.canonicalRequest)
      const query = orRefused(() => queryForm(request, url, moment, { expiresIn: 60 }, rule))
      if (query !== undefined) checkCanonical(query.canonicalRequest)
    }
  },
}

/** Nothing in a request can add a line: method, path, query, one line for each signed header, none, names, hash. */
function checkCanonical(text: string): void {
  const lines = text.split('\n')
  const names = lines.at(-2)?.split(';') ?? []
  deepStrictEqual(lines.length, 6 + names.length)
  deepStrictEqual(
    lines.slice(3, 3 + names.length).map((line) => line.slice(0, line.indexOf(':'))),
    names,
  )
  deepStrictEqual([...names].sort(), names)
}

/** `METHOD path` and the headers of each official case. */
function officialRequests(): readonly Buffer[] {
  const folder = join('test', 'vectors', 'aws-signing-test-suite', 'v4')
  return readdirSync(folder).map((name) => {
    const text = readFileSync(join(folder, name, 'request.txt'), 'utf8').replaceAll('\r', '')
    return Buffer.from((text.split('\n\n')[0] ?? '').replace(/ HTTP\/1\.1$/m, ''))
  })
}

const addresses: FuzzTarget = {
  name: 'addresses and proxies',
  files: ['src/http/target.ts', 'src/http/proxy.ts', 'src/http/no-proxy.ts'],
  seeds: texts(
    'https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity',
    'http://user:pass@proxy.example.com:3128',
    'localhost,.example.com,10.0.0.0/8,[::1]:8080,*',
    'http://[fd00::1]:80/a%20b',
  ),
  words: ['http://', 'https://', '@', ':', '[::1]', ',', '.', '/8', '*', '%40', '127.1', '\\', '#'],
  run(input) {
    const text = input.toString('utf8')
    orRefused(() => readTarget(text))
    orRefused(() => readNoProxy(text))
    orRefused(() => readProxySettings({ https: text, http: text, noProxy: text }))
  },
}

const hex = (digits: string): Buffer => Buffer.from(digits, 'hex')

const secretField = explicit(2, octets(hex('0003010203')))
const listedPolicy = policyField(
  policyEntry('017f', hex(`0020${'e2'.repeat(32)}00000001000b03000080`)),
  policyEntry('0188', hex(`00000022${tools.h2Name}00`)),
  policyEntry('0171', hex(`000000020020${'01'.repeat(32)}0020${'02'.repeat(32)}`)),
  policyEntry('0151', hex('4000000b00044000000b0000')),
  policyEntry('0160', hex(`${tools.officePublic2b}0000`)),
  policyEntry('016b', hex('')),
)
const importable = keyDer({ type: types.importable, fields: [listedPolicy, secretField], parent: '40000140' })

const keyFile: FuzzTarget = {
  name: 'TPM key files',
  files: [
    'src/backends/tpm2/documents/pem.ts',
    'src/backends/tpm2/documents/der.ts',
    'src/backends/tpm2/documents/key-file.ts',
    'src/backends/tpm2/documents/key-pair.ts',
    'src/backends/tpm2/documents/policy-list.ts',
    'src/backends/tpm2/documents/policy-ways.ts',
  ],
  seeds: [
    ...texts(tools.pemWithoutAuth, tools.pemWithAuth, keyPem(importable)),
    keyDer({ fields: [explicit(0, hex('0101ff'))], parent: '0080000000' }),
    importable,
    hex(tools.hmacPublic2b),
    hex(tools.rsaEkPublic2b),
  ],
  words: [
    '-----BEGIN TSS2 PRIVATE KEY-----',
    '-----END TSS2 PRIVATE KEY-----',
    '\r\n',
    '=',
    '\x30\x82',
    '\x30\x80',
    '\xa1\x84',
  ],
  run(input) {
    orRefused(() => readKeyPair(input, input))
    for (const parse of [parseKeyFile, parseKeyDer]) {
      const file = orRefused(() => parse(input))
      if (file === undefined) continue
      checkPolicy(file)
      // Whether false or left out, emptyAuth and rsaParent mean the same and are written alike.
      const { object, ...content } = {
        ...file,
        emptyAuth: file.emptyAuth || undefined,
        rsaParent: file.rsaParent || undefined,
      }
      deepStrictEqual(
        { emptyAuth: undefined, rsaParent: undefined, ...parseKeyFile(Buffer.from(formatKeyFile(content))) },
        { ...content, object },
      )
    }
  },
}

/** Each way that a list gives leads to the digest of the key, and can be told. */
function checkPolicy({ policy, object }: KeyFile): void {
  for (const way of waysOf(policy, object.authPolicy)) {
    deepStrictEqual(policyWords(way).length, way.length)
    deepStrictEqual(policyDigest(way) ?? object.authPolicy, object.authPolicy)
  }
  policyWords(policy)
}

const duplicationFile: FuzzTarget = {
  name: 'duplication files of TPM keys',
  files: ['src/backends/tpm2/documents/duplication-file.ts'],
  seeds: texts(
    JSON.stringify({
      name: 'a',
      version: 1,
      type: 'HMAC',
      parentKeyType: 'H2',
      key: keyPem(importable),
      parentName: tools.h2Name,
    }),
    `{ "version": "1", "type": 2, "pcrs": [], "key": ${JSON.stringify(keyPem(importable))}, "parentName": "${tools.rsaEkName}" }`,
  ),
  words: [
    '{',
    '}',
    '"',
    '\\n',
    ':',
    ',',
    'null',
    '"__proto__":',
    '"type":',
    '"HMAC"',
    '"EndorsementRSA"',
    '"parentKeyType":4',
    '1e9',
  ],
  run(input) {
    const file = orRefused(() => parseDuplicationFile(input))
    if (file === undefined) return
    const { emptyAuth: _, rsaParent: __, ...content } = file
    const {
      emptyAuth: ___,
      rsaParent: ____,
      ...back
    } = parseDuplicationFile(Buffer.from(formatDuplicationFile(content)))
    deepStrictEqual(back, content)
  },
}

const approvalsText = (officeKey: string, ...inputs: string[]): string =>
  JSON.stringify({
    version: 1,
    keyName: tools.h2Name,
    officeKey,
    approvals: inputs.map((input) => ({ input, signature: Buffer.alloc(64, 7).toString('base64') })),
  })
/** SubjectPublicKeyInfo of the base point of P-256: SEC 2, 2.4.2. */
const basePoint = hex(
  '3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296' +
    '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
)

const approvals: FuzzTarget = {
  name: 'approvals of a date rule',
  files: ['src/backends/tpm2/approvals.ts'],
  seeds: texts(
    approvalsText(basePoint.toString('base64'), 'hardkey check 1', '20261124'),
    approvalsText(basePoint.toString('base64')),
  ),
  words: [
    '{',
    '}',
    '[',
    ']',
    '"',
    ',',
    ':',
    'null',
    '"__proto__":',
    '"input":',
    '"signature":',
    '20261124',
    'AAAA',
    '==',
  ],
  run(input) {
    const read = orRefused(() => parseApprovals(input, 'a.json'))
    if (read === undefined) return
    const { officeKey, ...rest } = parseApprovals(formatApprovals(read), 'a.json')
    deepStrictEqual({ ...rest, officeKey: officeKey.publicArea }, { ...read, officeKey: read.officeKey.publicArea })
  },
}

const pcrList: FuzzTarget = {
  name: 'PCR lists',
  files: ['src/backends/tpm2/documents/pcr.ts'],
  seeds: texts('sha256:7,23', 'sha1:0,1+sha256:23', `sha256:23=${'f5'.repeat(32)},0+sha3_512:5`),
  words: ['sha1:', 'sha256:', 'sha384:', 'sha512:', '+', ',', '=', '0x', '23', '24', '-1', '00'],
  run(input) {
    const entries = orRefused(() => readPcrList(input.toString('utf8')))
    if (entries === undefined) return
    deepStrictEqual(readPcrList(formatPcrList(entries)), entries)
    deepStrictEqual(
      selectionsOf(entries).every(({ select }) => select.length === 3),
      true,
    )
  },
}

/** What the answers of commands hold, each as its command reads it. */
const answerReaders: readonly ((reader: Reader) => unknown)[] = [
  (reader) => {
    const { bytes, area } = readPublic2b(reader)
    deepStrictEqual(writePublicArea(area), bytes)
    nameOf(bytes)
    return [reader.tpm2b(), reader.tpm2b()]
  },
  (reader) => [reader.u32(), tpm.readPcrSelections(reader), tpm.readDigests(reader)],
  (reader) => [reader.u8(), reader.u32(), tpm.readHandles(reader)],
  (reader) => [reader.u8(), reader.u32(), tpm.readCommandCodes(reader)],
  (reader) => [reader.u8(), reader.u32(), tpm.readProperties(reader)],
  (reader) => [reader.tpm2b(), tpm.readTicket(reader)],
  (reader) => [reader.u32(), reader.tpm2b(32)],
]

/** A header, its size, and these bytes. The response code tells which of the readers takes it. */
const answerOf = (content: Buffer, reader: number): Buffer => {
  const header = hex('80010000000000000000')
  header.writeUInt32BE(10 + content.length, 2)
  header.writeUInt32BE(reader, 6)
  return Buffer.concat([header, content])
}

const tpmAnswers: FuzzTarget = {
  name: 'answers of a TPM',
  files: [
    'src/backends/tpm2/wire/answer-frame.ts',
    'src/backends/tpm2/wire/codec.ts',
    'src/backends/tpm2/wire/public-area.ts',
    'src/backends/tpm2/wire/structures.ts',
  ],
  seeds: [
    ...[tools.hmacPublic2b, tools.h2Public2b, tools.rsaEkPublic2b].map(
      (area) => [`${area}0022${tools.h2Name}0000`, 0] as const,
    ),
    [`0000001500000001000b03000080000000010020${'f5'.repeat(32)}`, 1] as const,
    ['0000000001000000028100000181010100', 2] as const,
    ['0000000002000000020200015500000165', 3] as const,
    ['0000000006000000010000020f00000003', 4] as const,
    [`0020${'68'.repeat(32)}8024400000070000`, 5] as const,
    [`030000000020${'01'.repeat(32)}`, 6] as const,
  ].map(([content, reader]) => answerOf(hex(content), reader)),
  words: [
    '\x80\x01',
    '\x80\x02',
    '\x00\xc4',
    '\x00\x00\x10\x00',
    '\xff\xff\xff\xff',
    '\x00\x10',
    '\x00\x08',
    '\x00\x23',
    '\x00\x0b',
  ],
  runs: 100_000,
  run(input) {
    const size = orRefused(() => answerSize(input, '/dev/tpmrm0'))
    deepStrictEqual(size === undefined || (size >= 10 && size <= 4096), true)
    const read = answerReaders[(input[9] ?? 0) % answerReaders.length]
    try {
      if (read !== undefined) readWhole(input.subarray(10), read)
    } catch (error) {
      if (!(error instanceof WireFault)) throw error
      deepStrictEqual(error.offset >= 0 && error.offset <= input.length, true)
    }
  },
}

const refusedSignatures: FuzzTarget = {
  name: 'answers that refuse a signature, and presigned URLs',
  files: ['src/cli/request/explain-answer.ts', 'src/cli/request/explain-request.ts'],
  seeds: texts(
    '<Error><Code>SignatureDoesNotMatch</Code><StringToSign>AWS4-HMAC-SHA256&#10;20261124T120000Z&#10;20261124/eu-west-1/s3/aws4_request&#10;00</StringToSign><CanonicalRequest>GET&#10;/k&#10;&#10;host:a&#xA;</CanonicalRequest></Error>',
    "The Canonical String for this request should have been\n'GET\n/\n\nhost:a\n'\n\nThe String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20261124T120000Z\n'",
    'https://b.example.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20261124%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20261124T120000Z&X-Amz-SignedHeaders=host&X-Amz-Expires=60&X-Amz-Security-Token=FwoG&X-Amz-Signature=00',
  ),
  words: [
    '<StringToSign>',
    '</CanonicalRequest>',
    '&#x1b;',
    '&#1114112;',
    '&amp;',
    '&#10;',
    '%FF',
    '&X-Amz-Signature=',
    '[secret]',
  ],
  run(input) {
    const text = input.toString('utf8')
    const ours = { canonicalRequest: 'GET\n/k\n\nhost:a', stringToSign: 'AWS4-HMAC-SHA256\n0', scope: '' }
    const view = serviceView(text)
    const difference = view === undefined ? undefined : firstDifference(ours, view)
    deepStrictEqual(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(difference ?? ''), false, 'moves the cursor')
    const explained = orRefused(() => presignedParts({ method: 'GET', url: text, headers: {} }))
    deepStrictEqual(
      /[\u0000-\u0009\u000b-\u001f\u007f]/.test(JSON.stringify(explained) ?? ''),
      false,
      'moves the cursor',
    )
  },
}

export const fuzzTargets: readonly FuzzTarget[] = [
  uri,
  ini,
  processLine,
  csv,
  json,
  secretForm,
  xml,
  keysetFile,
  keysetBytes,
  record,
  frames,
  dates,
  requests,
  addresses,
  keyFile,
  duplicationFile,
  pcrList,
  approvals,
  tpmAnswers,
  ...vaultTargets,
  ...wrapTargets,
  ...rotationTargets,
  refusedSignatures,
  assuan,
  mfaProgram,
  ...runtimeTargets,
  ...serviceTargets,
  ...endpointTargets,
  ...deviceTargets,
  ...personTargets,
]
