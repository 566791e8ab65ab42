// Access keys in files: the console's CSV and the JSON of CreateAccessKey, read as bytes and removed at the end.

import { chmodSync, existsSync, linkSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  readAccessKey,
  readSecretFile,
  removeSecretFile,
  type SecretFileForm,
} from '../../src/lifecycle/secret-file.ts'
import { expectNoCanary } from '../contract/canary.ts'
import { temporaryFolder } from '../files/temporary-folder.ts'

const id = 'AKIAQ3EGRZ5UXAMPLE2A'
const secret = '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'
const csv = `Access key ID,Secret access key\n${id},${secret}\n`
const json = JSON.stringify({
  AccessKey: { UserName: 'u', AccessKeyId: id, Status: 'Active', SecretAccessKey: secret, CreateDate: '2026-11-24' },
})

function read(form: SecretFileForm, text: string | Uint8Array, accessKeyId?: string): [id: string, secret: string] {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  const key = readAccessKey(bytes, { form, path: 'keys', accessKeyId })
  return [key.accessKeyId, key.secret.lend((bare) => Buffer.from(bare).toString())]
}

function file(text: string): string {
  const path = join(temporaryFolder(), 'keys')
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

describe('an access key in a file', () => {
  it.each<[string, SecretFileForm, string]>([
    ['the CSV of the console', 'csv', csv],
    ['a CSV with a byte order mark and CRLF', 'csv', `\ufeff${csv.replaceAll('\n', '\r\n')}`],
    [
      'a CSV with quotes and without a last line end',
      'csv',
      `"Access key ID","Secret access key"\n"${id}","${secret}"`,
    ],
    ['the older CSV of a user', 'csv', `User Name,Access Key Id,Secret Access Key\n"a, ""b""",${id},${secret}\n\n`],
    ['the JSON of CreateAccessKey', 'json', json],
    ['that JSON indented, after --query AccessKey', 'json', JSON.stringify(JSON.parse(json).AccessKey, null, 4)],
    ['a JSON with every slash escaped', 'json', json.replaceAll('/', '\\/').replaceAll('+', '\\u002B')],
    ['a JSON with a byte order mark', 'json', `\ufeff${json}\r\n`],
  ])('B-009: is read from %s', (_, form, text) => {
    expect(read(form, text)).toEqual([id, secret])
  })

  it('is the one that is asked for where a CSV has several', () => {
    const two = `${csv}AKIAOTHER,other\n`
    expect(read('csv', two, id)).toEqual([id, secret])
    expect(() => read('csv', two)).toThrow(
      expect.objectContaining({ message: 'keys holds 2 access keys', hint: 'say which one by --access-key-id' }),
    )
  })

  it.each<[string, SecretFileForm, string]>([
    ['no header', 'csv', `${id},${secret}\n`],
    ['only a header', 'csv', 'Access key ID,Secret access key\n'],
    ['a field that does not end', 'csv', `Access key ID,Secret access key\n${id},"${secret}\n`],
    ['something behind a quote', 'csv', `Access key ID,Secret access key\n"${id}"x,${secret}\n`],
    ['JSON instead', 'csv', json],
    ['CSV instead', 'json', csv],
    ['the end cut off', 'json', json.slice(0, -20)],
    ['more behind the end', 'json', `${json}{}`],
    ['a secret without quotes', 'json', json.replace(`"${secret}"`, secret)],
    ['a member twice', 'json', json.replace('"Status"', `"SecretAccessKey":"x","Status"`)],
    ['no secret', 'json', json.replace('"SecretAccessKey"', '"Other"')],
    ['a nesting without end', 'json', '['.repeat(50_000)],
    ['another key', 'json', json.replace(id, 'AKIAOTHER')],
    ['temporary credentials (B-008)', 'json', json.replace('"Status":"Active"', '"SessionToken":"t"')],
  ])('B-009: is refused, and not shown, in a file with %s', (_, form, text) => {
    const reading = () => read(form, text, id)
    const message = expect.stringMatching(/^"?keys\b/)
    expect(reading).toThrow(expect.objectContaining({ code: 'ERR_SECRET_INVALID', message, hint: expect.any(String) }))
    try {
      reading()
    } catch (error) {
      expectNoCanary(error, { secret: Buffer.from(secret) })
    }
  })

  it('is read or refused with a code from any bytes', () => {
    const near = fc.array(fc.constantFrom(...'{}[]":,\\/un0\n\r', csv, json, id), { maxLength: 12 })
    const text = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      near.map((parts) => Buffer.from(parts.join(''))),
    )
    fc.assert(
      fc.property(text, fc.constantFrom<SecretFileForm>('csv', 'json'), (bytes, form) => {
        try {
          readAccessKey(bytes, { form, path: 'keys' }).secret.wipe()
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_SECRET_INVALID' })
        }
      }),
      { numRuns: 5000 },
    )
  })

  it('agrees with JSON.parse on every JSON with such members', () => {
    const value = fc.jsonValue({ maxDepth: 3 })
    const text = fc.stringMatching(/^[\x20-\x7e]{1,40}$/)
    fc.assert(
      fc.property(text, text, value, (accessKeyId, secretAccessKey, more) => {
        const answer = { More: more, AccessKey: { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } }
        expect(read('json', JSON.stringify(answer))).toEqual([accessKeyId, secretAccessKey])
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a file with an access key', () => {
  it('is read from the disk, and refused where others could have changed it', async () => {
    const path = file(csv)
    expect((await readSecretFile({ form: 'csv', path })).accessKeyId).toBe(id)
    chmodSync(path, 0o666)
    await expect(readSecretFile({ form: 'csv', path })).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' })
  })

  it('is overwritten and deleted, under every name that it has', async () => {
    const path = file(csv)
    const second = `${path}-2`
    const link = `${path}-3`
    linkSync(path, second)
    symlinkSync(path, link)
    await removeSecretFile({ form: 'csv', path: link, accessKeyId: id })
    expect([existsSync(path), existsSync(link), readFileSync(second).every((byte) => byte === 0)]).toEqual([
      false,
      false,
      true,
    ])
  })

  it.each<[string, SecretFileForm, string]>([
    ['another line', 'csv', `${csv}AKIAOTHER,other\n`],
    ['the password of the console', 'csv', `Access key ID,Secret access key,Password\n${id},${secret},hunter2\n`],
    ['a field without a column', 'csv', csv.replace(secret, `${secret},x`)],
    ['other members', 'json', json.replace('"Status"', '"Note":"x","Status"')],
    ['another key by now', 'json', json.replace(id, 'AKIAOTHER')],
  ])('is left as it is where it holds %s', async (_, form, text) => {
    const path = file(text)
    await expect(removeSecretFile({ form, path, accessKeyId: id })).rejects.toMatchObject({ name: 'HardkeyError' })
    expect(readFileSync(path, 'utf8')).toBe(text)
  })
})
