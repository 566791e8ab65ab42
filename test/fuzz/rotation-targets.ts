// What a rotation reads, as the fuzzer gives it: its journal, and the answers of IAM. In: bytes. Out: nothing, or an error
// that says what the parser did that it must not.

import { deepStrictEqual } from 'node:assert'
import { HardkeyError } from '../../src/errors.ts'
import { readAccessKeys, readDone, readLastUse } from '../../src/iam/answer.ts'
import { readNewAccessKey } from '../../src/iam/new-access-key.ts'
import { parseRotation } from '../../src/lifecycle/rotation-journal.ts'
import type { FuzzTarget } from './fuzzer.ts'

const secret = 'qV7mE0cPzW3sKf9XnT2bLr8YhJd5GuAo1RiBt/6+'

function taken<Value>(act: () => Value): Value | undefined {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    deepStrictEqual(['ERR_CONFIG_INVALID', 'ERR_STS_RESPONSE_INVALID'].includes(error.code), true, error.code)
    deepStrictEqual(
      `${error.message} ${error.hint}`.includes(secret.slice(0, 12)),
      false,
      'the secret stands in the error',
    )
    return undefined
  }
}

const record = {
  version: 1,
  accessKeyId: 'AKIAQ3EGRZ5UXAMPLE2A',
  uri: 'tink:file=prod.keyset.json?kek=passphrase:',
  protection: 'memory',
  created: '2026-11-24T17:20:00Z',
  check: '0123456789abcdef',
}
const begun = {
  version: 1,
  state: 'wants key',
  began: record.created,
  userName: 'hk',
  overlapSeconds: 0,
  graceSeconds: 60,
}
const made = { newAccessKeyId: 'AKIAQ3EGRZ5UXAMPLE2B', newUri: 'tink:file=prod-AKIA.keyset.json' }

const journal: FuzzTarget = {
  name: 'journals of a rotation',
  files: ['src/lifecycle/rotation-journal.ts'],
  seeds: [
    { ...begun, old: record },
    { ...begun, undoing: true, state: 'has key', old: record, ...made },
    { ...begun, state: 'switched', old: record, ...made, next: record, switched: record.created },
    {
      ...begun,
      state: 'retired',
      old: record,
      ...made,
      next: record,
      switched: record.created,
      retired: record.created,
    },
  ].map((value) => Buffer.from(JSON.stringify(value))),
  words: [
    '{',
    '}',
    '"',
    ',',
    ':',
    'null',
    '"state":',
    '"next":',
    '"old":',
    '"__proto__":',
    '"undoing":true',
    'in device',
  ],
  run(input) {
    const read = taken(() => parseRotation(input, 'journal'))
    if (read === undefined) return
    deepStrictEqual(parseRotation(Buffer.from(JSON.stringify(read)), 'journal'), read)
    deepStrictEqual(read.state === 'wants key' || read.newAccessKeyId !== undefined, true)
    for (const time of [read.began, read.switched, read.retired]) new Date(time ?? 0).toISOString()
    deepStrictEqual(['wants key', 'has key'].includes(read.state) || read.next !== undefined, true)
  },
}

const answer = (action: string, result: string): Buffer =>
  Buffer.from(
    `<${action}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/">${result}<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></${action}Response>`,
  )
const key = `<UserName>hk</UserName><AccessKeyId>${record.accessKeyId}</AccessKeyId><Status>Active</Status>`
const date = '<CreateDate>2026-11-24T17:20:00Z</CreateDate>'

const answers: FuzzTarget = {
  name: 'answers of IAM',
  files: ['src/iam/answer.ts', 'src/iam/new-access-key.ts'],
  seeds: [
    answer(
      'CreateAccessKey',
      `<CreateAccessKeyResult><AccessKey>${key}<SecretAccessKey>${secret}</SecretAccessKey>${date}</AccessKey></CreateAccessKeyResult>`,
    ),
    answer(
      'ListAccessKeys',
      `<ListAccessKeysResult><AccessKeyMetadata><member>${key}${date}</member></AccessKeyMetadata><IsTruncated>false</IsTruncated></ListAccessKeysResult>`,
    ),
    answer(
      'GetAccessKeyLastUsed',
      '<GetAccessKeyLastUsedResult><UserName>hk</UserName><AccessKeyLastUsed><LastUsedDate>2026-11-24T17:20:00Z</LastUsedDate><ServiceName>s3</ServiceName><Region>us-east-1</Region></AccessKeyLastUsed></GetAccessKeyLastUsedResult>',
    ),
    answer('DeleteAccessKey', ''),
  ],
  words: [
    '<SecretAccessKey>',
    '</SecretAccessKey>',
    '<member>',
    '</member>',
    '<AccessKey>',
    '&amp;',
    '&#47;',
    'N/A',
    '*',
  ],
  run(input) {
    const keys = taken(() => readAccessKeys(input, true))
    deepStrictEqual(keys === undefined || keys.every(({ created }) => !Number.isNaN(created.getTime())), true)
    taken(() => readLastUse(input))
    taken(() => readDone(input, 'DeleteAccessKey'))
    const body = Uint8Array.from(input)
    const made = taken(() => readNewAccessKey(body, true))
    deepStrictEqual(
      body.every((byte) => byte === 0),
      true,
      'the body is not wiped',
    )
    made?.secret.wipe()
  },
}

export const rotationTargets: readonly FuzzTarget[] = [journal, answers]
