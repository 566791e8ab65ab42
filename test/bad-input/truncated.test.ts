// Whatever was cut off at any byte: an answer of STS, a keyset, a record, the file of an access key. Each cut is refused
// with its own code; none gives a part of credentials, opens a key or crashes.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openKey } from '../../src/backends/open.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { readAccessKey } from '../../src/lifecycle/secret-file.ts'
import { checkSecretAccessKey } from '../../src/lifecycle/secret-form.ts'
import { formatRecord, type KeyRecord, parseRecord } from '../../src/profiles/record.ts'
import { readCallerIdentity, readSession } from '../../src/sts/answer.ts'
import type { CheckedInput } from '../../src/sts/inputs.ts'
import { inFolder, keyBytes, keyset, keysetFile, keysetUri, passphrase, wrapped } from '../backends/tink-files.ts'
import { CommandHome, throwAwayKey } from '../cli/hardkey.ts'
import * as sts from '../sts/answers.ts'
import { expectCommandRefuses, expectLibraryRefuses } from './refused.ts'

// Each keyset that still is JSON costs a derivation of its key.
const { accessKeyId, secretAccessKey } = throwAwayKey()
const canaries = {
  key: keyBytes,
  passphrase,
  secret: Buffer.from(secretAccessKey),
  answer: Buffer.from('bPxRfiCYzEXAMPLEKEY'),
}

/** Reads every beginning of the text; a line ending alone may be missing at the end of a whole one. */
async function cutEverywhere(whole: Uint8Array, code: ErrorCode, read: (cut: Uint8Array) => unknown): Promise<void> {
  const end = Buffer.from(whole).toString('latin1').trimEnd().length
  for (let length = 0; length < end; length += 1) {
    // A copy: some readers take the bytes over and wipe them.
    await expectLibraryRefuses(() => read(whole.slice(0, length)), { code, canaries })
  }
}

describe('an answer of STS that is cut at any byte', () => {
  const input = (action: CheckedInput['action']): CheckedInput => ({ action, parameters: [], durationSeconds: 3600 })
  const federated: CheckedInput = { ...input('GetFederationToken'), federatedName: 'bob' }
  const expiration = sts.time.getTime() / 1000 + 900
  const Credentials = {
    AccessKeyId: 'ASIAIOSFODNN7EXAMPLE',
    SecretAccessKey: 's',
    SessionToken: 't',
    Expiration: expiration,
  }
  const json = { GetSessionTokenResponse: { GetSessionTokenResult: { Credentials }, ResponseMetadata: {} } }

  it.each<[string, string, CheckedInput]>([
    ['AssumeRole', sts.assumeRoleXml(), sts.assumeRoleInput],
    ['GetSessionToken', sts.sessionTokenXml(), input('GetSessionToken')],
    ['GetFederationToken', sts.federationTokenXml(), federated],
    ['GetSessionToken in JSON', JSON.stringify(json), input('GetSessionToken')],
  ])('F-H08: gives no part of the credentials of %s', async (_, text, asked) => {
    const bytes = sts.bytes(text)
    for (const isAws of [true, false]) {
      const expected = { input: asked, isAws, time: sts.time }
      expect(readSession(bytes, expected).credentials.accessKeyId).toBe('ASIAIOSFODNN7EXAMPLE')
      await cutEverywhere(bytes, 'ERR_STS_RESPONSE_INVALID', (cut) => readSession(cut, expected))
    }
  })

  it('F-H08: gives no part of an identity', async () => {
    const expected = { input: input('GetCallerIdentity'), isAws: true, time: sts.time }
    const read = (cut: Uint8Array): unknown => readCallerIdentity(cut, expected)
    await cutEverywhere(sts.bytes(sts.identityXml()), 'ERR_STS_RESPONSE_INVALID', read)
  })
})

describe('a keyset that is cut at any byte', () => {
  const pin = async (): Promise<Uint8Array> => Uint8Array.from(passphrase)

  it('B-071: is refused as a file', () =>
    inFolder(async (folder) => {
      const whole = Buffer.from(`${JSON.stringify(wrapped(keyset()), null, 2)}\n`)
      const path = await keysetFile(folder, whole.toString())
      await (await openKey(keysetUri(path), { pin })).close()
      await cutEverywhere(whole, 'ERR_KEY_FILE_INVALID', (cut) => {
        writeFileSync(path, cut)
        return openKey(keysetUri(path), { pin })
      })
    }))

  it('B-074: is refused where its encrypted part is cut', () =>
    inFolder(async (folder) => {
      const right = Object(wrapped(keyset()))
      const whole = Buffer.from(right.keyset.encryptedKeyset, 'base64')
      for (let length = 0; length < whole.length; length += 1) {
        const encryptedKeyset = whole.subarray(0, length).toString('base64')
        const path = await keysetFile(folder, { ...right, keyset: { ...right.keyset, encryptedKeyset } })
        // From nonce and tag on it could be a keyset: the passphrase does not open it.
        const code = length <= 28 ? 'ERR_KEY_FILE_INVALID' : 'ERR_PIN_INCORRECT'
        await expectLibraryRefuses(() => openKey(keysetUri(path), { pin }), { code, canaries })
      }
    }))

  it('B-073: is refused where what was encrypted is cut', () =>
    inFolder(async (folder) => {
      const whole = keyset()
      // The decoder alone is tried at every byte in test/backends/tink-keysets.test.ts; a file costs a derivation each.
      const step = process.env.TEST_LONG === '1' ? 1 : 8
      for (let length = 0; length < whole.length; length += step) {
        const path = await keysetFile(folder, wrapped(whole.subarray(0, length)))
        await expectLibraryRefuses(() => openKey(keysetUri(path), { pin }), { code: 'ERR_KEY_FILE_INVALID', canaries })
      }
    }))
})

describe('a record that is cut at any byte', () => {
  const record: KeyRecord = {
    version: 1,
    accessKeyId,
    uri: 'tink:file=prod.keyset.json?kek=passphrase:',
    protection: 'memory',
    created: '2026-11-24T17:20:00Z',
    check: '0123456789abcdef',
    region: 'eu-west-1',
    roleArn: 'arn:aws:iam::111122223333:role/deploy',
    durationSeconds: 3600,
  }

  it('B-041: is refused', async () => {
    const whole = formatRecord(record)
    expect(parseRecord(whole, 'prod.json')).toEqual(record)
    await cutEverywhere(whole, 'ERR_CONFIG_INVALID', (cut) => parseRecord(cut, 'prod.json'))
  })

  let home: CommandHome
  beforeAll(() => {
    home = new CommandHome()
  })
  afterAll(() => home.remove())

  it('B-041: is refused by the command at some of them', async () => {
    const whole = formatRecord(record)
    for (let length = 0; length < whole.length - 1; length += 40) {
      home.write('hardkey/keys/prod.json', whole.subarray(0, length))
      await expectCommandRefuses(home, ['credential-process', 'prod'], {
        code: 'ERR_CONFIG_INVALID',
        says: join(home.records, 'prod.json'),
      })
    }
  })
})

describe('the file of an access key that is cut at any byte', () => {
  it.each<['json' | 'csv', string]>([
    ['json', JSON.stringify({ AccessKey: { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } })],
    ['csv', `"Access key ID","Secret access key"\n"${accessKeyId}","${secretAccessKey}"`],
  ])('B-009: is refused as %s', async (form, text) => {
    const read = (cut: Uint8Array): void => {
      // A row may end before its secret, which is then none.
      checkSecretAccessKey(readAccessKey(cut, { form, path: 'keys' }).secret)
    }
    await cutEverywhere(Buffer.from(text), 'ERR_SECRET_INVALID', read)
  })

  it('B-002: is refused by the length of the secret where a CSV has no quotes', async () => {
    const whole = Buffer.from(`Access key ID,Secret access key\n${accessKeyId},${secretAccessKey}`)
    const home = new CommandHome()
    for (let length = whole.length - 40; length < whole.length; length += 13) {
      const words = ['--to', 'embedded', '--offline', '--from', `csv:${home.write('keys', whole.subarray(0, length))}`]
      await expectCommandRefuses(home, ['import', 'two', ...words], { code: 'ERR_SECRET_INVALID', canaries })
    }
    home.remove()
  })
})
