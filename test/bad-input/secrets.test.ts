// B-001 to B-016 through the command: what is no secret access key is refused before anything is written, and no part of
// it is shown.

import { createHmac } from 'node:crypto'
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CommandHome, ended, throwAwayKey } from '../cli/hardkey.ts'
import { expectCommandRefuses, expectRefused, type Refusal } from './refused.ts'

// An import that goes through derives a key from a passphrase, which is slow on purpose.
const { accessKeyId, secretAccessKey: secret } = throwAwayKey()
const half = secret.slice(0, 20)
const canaries = { secret: Buffer.from(secret), half: Buffer.from(half) }
const invalid = (says?: string, hint?: string): Refusal => ({ code: 'ERR_SECRET_INVALID', says, hint, canaries })

let home: CommandHome
beforeAll(() => {
  home = new CommandHome()
  home.write('passphrase', 'correct horse')
})
afterAll(() => home.remove())

const importing = (...words: string[]): string[] => ['import', 'two', '--to', 'embedded', '--offline', ...words]
const fromStdin = (...words: string[]): string[] =>
  importing('--access-key-id', accessKeyId, '--from', 'stdin', ...words)

describe('a secret that is piped', () => {
  it.each<[string, string, string | Uint8Array, string]>([
    ['B-001', 'nothing', '', 'no secret'],
    ['B-001', 'white space alone', ' \t\r\n', 'no secret'],
    ['B-002', '39 characters', secret.slice(1), '40 characters, this has 39'],
    ['B-002', '41 characters', `${secret}x`, '40 characters, this has 41'],
    ['B-003', 'a second line ending', `${secret}\n\n`, 'two lines'],
    ['B-004', 'a space before it', ` ${secret}`, 'character 1 is a space'],
    ['B-004', 'a space behind it', `${secret} `, 'character 41 is a space'],
    ['B-004', 'a space inside', `${half} ${secret.slice(21)}`, 'character 21 is a space'],
    ['B-004', 'a no-break space', `${half}\u00a0${secret.slice(21)}`, 'character 21 is a no-break space'],
    ['B-004', 'a zero-width space', `${secret}\u200b`, 'character 41 is a zero-width space'],
    ['B-004', 'a byte order mark', `\ufeff${secret}`, 'character 1 is a byte order mark'],
    ['B-005', 'a line break inside', `${half}\n${secret.slice(20)}`, 'two lines'],
    ['B-005', 'a Windows line break inside', `${half}\r\n${secret.slice(20)}`, 'two lines'],
    ['B-006', 'the prefix before it', `AWS4${secret}`, 'prefix AWS4'],
    ['B-007', 'the access key ID in its place', accessKeyId, 'access key ID, not the secret'],
    ['B-007', 'an ID of temporary credentials in its place', `ASIA${accessKeyId.slice(4)}`, 'access key ID'],
    ['B-009', 'a setting', `aws_secret_access_key = ${secret}`, 'AWS configuration file'],
    ['B-009', 'a profile', `[default]\naws_secret_access_key = ${secret}`, 'AWS configuration file'],
    ['B-009', 'a line of a shell', `export AWS_SECRET_ACCESS_KEY=${secret}`, 'line of a shell'],
    ['B-009', 'a line of PowerShell', `$Env:AWS_SECRET_ACCESS_KEY="${secret}"`, 'line of a shell'],
    ['B-009', 'quotes', `"${secret}"`, 'in quotes'],
    ['B-009', 'JSON', JSON.stringify({ AccessKey: { SecretAccessKey: secret } }), 'JSON'],
    ['B-009', 'CSV', `Access key ID,Secret access key\n${accessKeyId},${secret}\n`, 'CSV'],
    ['B-010', 'a letter that is not ASCII', `${secret.slice(0, 39)}ä`, 'character 40 is not ASCII'],
    ['B-010', 'a NUL byte', `${secret.slice(0, 39)}\0`, 'character 40 is a NUL byte'],
    ['B-010', 'a control character', `\u001b${secret}`, 'character 1 is a control character'],
    ['B-010', 'UTF-16', Buffer.from(`\ufeff${secret}`, 'utf16le'), 'UTF-16'],
    ['B-010', 'UTF-16 without a mark', Buffer.from(secret, 'utf16le'), 'UTF-16'],
    ['B-011', 'a minus', `${secret.slice(0, 39)}-`, 'character 40 is a sign'],
    ['B-011', 'an underscore', `_${secret.slice(1)}`, 'character 1 is a sign'],
    ['B-012', "the documentation's example", 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', 'example secret'],
    ['B-015', '1 MiB', secret.repeat(26_215), 'too long'],
  ])('%s: is refused with %s', async (_id, _what, input, says) => {
    await expectCommandRefuses(home, fromStdin(), invalid(says), { input })
    expect(existsSync(home.records)).toBe(false)
  })

  it('B-015: that never ends is not waited for', async () => {
    const child = home.start(['--verbose', ...fromStdin()])
    const { stdin } = child
    const chunk = Buffer.alloc(65_536, 'x')
    const more = (): void => {
      stdin?.write(chunk, (error) => {
        if (!error) more()
      })
    }
    stdin?.on('error', () => {})
    more()
    expectRefused(await ended(child), invalid('too long'))
  })
})

describe('a secret that is taken', () => {
  it.each([
    ['B-003', 'a line ending', 'line', `${secret}\n`],
    ['B-003', 'a Windows line ending', 'crlf', `${secret}\r\n`],
    ['B-006', 'the first letters AWS4 and 40 characters', 'aws4', `AWS4${secret.slice(4)}`],
  ])('%s: with %s, is the bare secret', async (_id, _what, name, input) => {
    const words = ['import', name, ...fromStdin('--pin-source', `file:${home.folder}/passphrase`, '--json').slice(2)]
    const { stdout, stderr, status } = await home.run(['--verbose', ...words], { input })
    expect(status, stderr).toBe(0)
    const expected = createHmac('sha256', `AWS4${input.trim()}`).update('hardkey check 1').digest('hex').slice(0, 16)
    expect(JSON.parse(stdout)).toMatchObject({ check: expected })
    expect(stderr.includes('line ending')).toBe(input !== input.trim())
  })
})

describe('temporary credentials', () => {
  const temporary = `ASIA${accessKeyId.slice(4)}`
  it('B-008: are refused by their ID', async () => {
    const words = importing('--access-key-id', temporary, '--from', 'stdin')
    await expectCommandRefuses(home, words, invalid('temporary credentials'), { input: secret })
  })

  it.each([
    ['json', JSON.stringify({ AccessKeyId: temporary, SecretAccessKey: secret, SessionToken: 'token' })],
    ['json', JSON.stringify({ AccessKeyId: accessKeyId, SecretAccessKey: secret, SessionToken: 'token' })],
    ['csv', `Access key ID,Secret access key\n${temporary},${secret}\n`],
  ])('B-008: are refused in a file of %s', async (form, text) => {
    const path = home.write('keys', text)
    await expectCommandRefuses(home, importing('--from', `${form}:${path}`), invalid('temporary credentials'))
  })

  it('B-008: are refused in a profile, by file and line', async () => {
    const profile = `[t]\naws_access_key_id = ${temporary}\naws_secret_access_key = ${secret}\naws_session_token = x\n`
    home.write('.aws/credentials', profile)
    const refusal = invalid('temporary credentials', 'credentials:4')
    await expectCommandRefuses(home, importing('--from', 'profile:t'), refusal)
  })
})

describe('a secret in a file of another form', () => {
  it.each([
    ['csv', JSON.stringify({ AccessKeyId: accessKeyId, SecretAccessKey: secret })],
    ['json', `Access key ID,Secret access key\n${accessKeyId},${secret}\n`],
    ['csv', `${accessKeyId},${secret}\n`],
    ['json', JSON.stringify({ AccessKeyId: accessKeyId, SecretAccessKey: secret }).slice(0, -3)],
    ['csv', `Access key ID,Secret access key\n${accessKeyId},"${secret}\n`],
  ])('B-009: is refused as %s, and not shown', async (form, text) => {
    await expectCommandRefuses(home, importing('--from', `${form}:${home.write('keys', text)}`), invalid())
  })

  it('B-009: is refused with no-break spaces in a CSV, by their place', async () => {
    const text = `Access key ID,Secret access key\n${accessKeyId},\u00a0${secret}\n`
    const refusal = invalid('character 1 is a no-break space')
    await expectCommandRefuses(home, importing('--from', `csv:${home.write('keys', text)}`), refusal)
  })
})

describe('a secret on the command line', () => {
  it.each([
    ['as a word', [secret]],
    ['as a source', ['--from', secret]],
    ['in place of the ID', ['--access-key-id', secret]],
    ['in an option that there is not', [`--secret-access-key=${secret}`]],
    ['behind --', ['--', secret]],
    ['with the prefix', [`AWS4${secret}`]],
  ])('B-013: is refused %s, with how it goes in', async (_, words) => {
    const refusal: Refusal = { code: 'ERR_USAGE', says: 'looks like a secret', hint: '--from stdin', canaries }
    await expectCommandRefuses(home, importing(...words), refusal)
  })

  it('B-014: is not taken from a variable that is named', async () => {
    const options = { environment: { AWS_SECRET_ACCESS_KEY: secret } }
    const refusal = invalid('variable', '--from stdin')
    await expectCommandRefuses(home, importing('--from', 'env:AWS_SECRET_ACCESS_KEY'), refusal, options)
  })

  it('B-014: is not found in the environment where none is named', async () => {
    const environment = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secret }
    const refusal: Refusal = { code: 'ERR_USAGE', says: 'no terminal', canaries }
    await expectCommandRefuses(home, importing('--access-key-id', accessKeyId), refusal, { environment })
  })

  it('B-016: without a terminal to ask at is refused with the ways that there are', async () => {
    const refusal: Refusal = { code: 'ERR_USAGE', says: 'no terminal', hint: '--from' }
    await expectCommandRefuses(home, importing('--access-key-id', accessKeyId), refusal)
  })
})
