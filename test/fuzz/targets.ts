// Every parser there is, as the fuzzer takes it: inputs in use, and what must hold for any input. In: bytes. Out: nothing,
// or an error that says what the parser did that it must not. Refusing is its work: by its error, on one line, and
// without the secret of the seeds in it. What one parser reads, it reads again as the same after writing.
// More than 250 lines: one table, each parser with its seeds and its words.

import { deepStrictEqual } from 'node:assert'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeFrame, FrameError, FrameReader } from '../../src/backends/pkcs11/frames.ts'
import { AnswerError, readFailure, readKeys, readLibrary, readTokens } from '../../src/backends/pkcs11/messages.ts'
import { decodeKeyset } from '../../src/backends/tink/keyset.ts'
import { formatKeysetFile, parseKeysetFile } from '../../src/backends/tink/keyset-file.ts'
import { firstDifference, serviceView } from '../../src/cli/explain-answer.ts'
import { presignedParts } from '../../src/cli/explain-request.ts'
import { HardkeyError } from '../../src/errors.ts'
import { readNoProxy } from '../../src/http/no-proxy.ts'
import { readProxySettings } from '../../src/http/proxy.ts'
import { readTarget } from '../../src/http/target.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { readAccessKey } from '../../src/lifecycle/secret-file.ts'
import { readSecretAccessKey } from '../../src/lifecycle/secret-form.ts'
import { iniSettings, iniValue, readIniLines } from '../../src/profiles/ini.ts'
import { removeIniLines, setIniSettings } from '../../src/profiles/ini-edit.ts'
import { formatRecord, parseRecord } from '../../src/profiles/record.ts'
import { refuseDistantDate, startOfDate, timeText } from '../../src/sigv4/date-window.ts'
import { headerForm } from '../../src/sigv4/header-form.ts'
import { queryForm } from '../../src/sigv4/query-form.ts'
import { UrlSplitter } from '../../src/sigv4/request.ts'
import { signingRules } from '../../src/sigv4/rules.ts'
import { signingMoment } from '../../src/sigv4/signing-moment.ts'
import { readBody, readCallerIdentity, readSession } from '../../src/sts/answer.ts'
import { clockDifference } from '../../src/sts/skew.ts'
import { field, keyEntry, keyId } from '../backends/tink-files.ts'
import { assumeRoleInput, assumeRoleXml, errorXml, identityXml, time } from '../sts/answers.ts'
import type { FuzzTarget } from './fuzzer.ts'

/** Stands in the seeds where a secret access key would. */
const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKE'

const texts = (...all: readonly string[]): readonly Buffer[] => all.map((text) => Buffer.from(text))

/** What the act gives, or undefined where it refused as it should. */
function orRefused<Value>(act: () => Value): Value | undefined {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof HardkeyError) || error.code === 'ERR_INTERNAL') throw error
    const said = `${error.message} ${error.hint ?? ''}`
    if (/[\u0000-\u001f\u007f]/.test(said)) throw new Error(`refused on more than one line: ${JSON.stringify(said)}`)
    if (error.message.length > 2001) throw new Error('refused with a message of over 2000 characters')
    for (let at = 0; at + 12 <= secret.length; at++) {
      if (said.includes(secret.slice(at, at + 12))) throw new Error(`the secret stands in: ${said}`)
    }
    return undefined
  }
}

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
  'src/lifecycle/json-text.ts',
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
  files: ['src/sts/xml.ts', 'src/sts/answer.ts', 'src/sts/json.ts'],
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
      for (const read of [readFailure, readLibrary, readTokens, readKeys]) {
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

const refusedSignatures: FuzzTarget = {
  name: 'answers that refuse a signature, and presigned URLs',
  files: ['src/cli/explain-answer.ts', 'src/cli/explain-request.ts'],
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
  refusedSignatures,
]
