// What is taken for a secret access key and what is refused, row by row of B-001 to B-012, B-015 and B-052.

import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HardkeyError } from '../../src/errors.ts'
import {
  checkAccessKeyId,
  checkSecretAccessKey,
  maxSecretBytes,
  readSecretAccessKey,
} from '../../src/lifecycle/secret-form.ts'
import { expectNoCanary } from '../contract/canary.ts'

const secret = 'qV7mE0cPzW3sKf9XnT2bLr8YhJd5GuAo1RiBt/6+'

function read(input: string | Uint8Array, otherStore = false): string {
  const bytes = typeof input === 'string' ? Uint8Array.from(Buffer.from(input)) : input
  return readSecretAccessKey(bytes, { otherStore }).lend((bare) => Buffer.from(bare).toString())
}

function refusal(input: string | Uint8Array, otherStore = false): HardkeyError {
  try {
    read(input, otherStore)
  } catch (error) {
    if (error instanceof HardkeyError && error.code === 'ERR_SECRET_INVALID') return error
    throw error
  }
  throw new Error('it was taken')
}

const utf16 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'utf16le'))

describe('a secret access key', () => {
  it.each([
    ['B-003', 'bare', secret],
    ['B-003', 'with a line end', `${secret}\n`],
    ['B-003', 'with a line end of Windows', `${secret}\r\n`],
    ['B-006', 'beginning with AWS4', `AWS4${secret.slice(4)}`],
  ])('%s: is taken %s', (_, __, input) => {
    expect(read(input)).toBe(input.trim())
  })

  const refused = [
    ['B-001', '', 'no secret was given'],
    ['B-001', ' \t\r\n', 'no secret was given'],
    ['B-002', secret.slice(1), 'a secret access key of AWS has 40 characters, this has 39'],
    ['B-002', `${secret}x`, 'a secret access key of AWS has 40 characters, this has 41'],
    ['B-003', `${secret}\n\n`, 'two lines were given'],
    ['B-004', ` ${secret}`, 'character 1 is a space'],
    ['B-004', `${secret} `, 'character 41 is a space'],
    ['B-004', `${secret.slice(0, 20)}\t${secret.slice(20)}`, 'character 21 is a tab'],
    ['B-004', `${secret.slice(0, 20)}\u00a0${secret.slice(21)}`, 'character 21 is a no-break space'],
    ['B-004', `${secret}\u200b`, 'character 41 is a zero-width space'],
    ['B-004', `\ufeff${secret}`, 'character 1 is a byte order mark'],
    ['B-005', `${secret.slice(0, 20)}\n${secret.slice(20)}`, 'two lines were given'],
    ['B-006', `AWS4${secret}`, 'this already has the prefix AWS4'],
    ['B-007', 'AKIAQ3EGRZ5UXAMPLE2A', 'this is the access key ID, not the secret'],
    ['B-007', 'ASIAQ3EGRZ5UXAMPLE2A\n', 'this is the access key ID, not the secret'],
    ['B-009', `aws_secret_access_key = ${secret}`, 'this is a part of an AWS configuration file, not a bare secret'],
    ['B-009', `export AWS_SECRET_ACCESS_KEY=${secret}`, 'this is a line of a shell, not a bare secret'],
    ['B-009', `$Env:AWS_SECRET_ACCESS_KEY="${secret}"`, 'this is a line of a shell, not a bare secret'],
    ['B-009', `"${secret}"`, 'the secret is in quotes'],
    ['B-009', `{"AccessKey":{"SecretAccessKey":"${secret}"}}`, 'this is JSON, not a bare secret'],
    ['B-009', `\ufeffAccess key ID,Secret access key\nAKIA,${secret}`, "this is the console's CSV, not a bare secret"],
    ['B-010', `${secret.slice(0, 39)}ä`, 'character 40 is not ASCII'],
    ['B-010', `${secret.slice(0, 39)}\0`, 'character 40 is a NUL byte'],
    ['B-010', `\u001b${secret}`, 'character 1 is a control character'],
    ['B-011', `${secret.slice(0, 39)}-`, 'character 40 is a sign that no secret access key of AWS has'],
    ['B-012', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', "this is the example secret of AWS's documentation"],
    ['B-015', 'x'.repeat(maxSecretBytes + 1), 'what was given is too long'],
  ] as const
  // A name never holds the input: names are kept.
  it.each(refused.map(([id, input, message]) => [id, message, input] as const))(
    '%s: is refused: %s',
    (_, message, input) => {
      const error = refusal(input)
      expect(error.message).toBe(message)
      expectNoCanary(error, { secret: Buffer.from(secret), part: Buffer.from(secret.slice(0, 20)) })
    },
  )

  it.each([utf16(secret), utf16(`\ufeff${secret}`), utf16(`\ufeff${secret}`).toReversed()])(
    'B-010: is refused as UTF-16',
    (input) => {
      expect(refusal(input).message).toBe('this is text in UTF-16')
    },
  )

  it.each(['a', 'minio123', `AWS4${secret}`, '0'.repeat(64), 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', 'x-_.!~'])(
    'of another store is taken in its own form: %s',
    (input) => {
      expect(read(`${input}\n`, true)).toBe(input)
    },
  )

  it.each(['', 'a b', 'a\nb', '"minio123"', 'ä'])(
    'of another store is refused too where it cannot be one: %j',
    (input) => {
      expect(refusal(input, true).code).toBe('ERR_SECRET_INVALID')
    },
  )

  it('is taken, or refused with a code, for any bytes, and these are wiped', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (input, otherStore) => {
        const bytes = Uint8Array.from(input)
        try {
          readSecretAccessKey(bytes, { otherStore }).wipe()
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_SECRET_INVALID' })
        }
        expect(bytes.every((byte) => byte === 0)).toBe(true)
      }),
      { numRuns: 5000 },
    )
  })

  it('is taken whatever 30 random bytes AWS makes it of', () => {
    const inputs = Array.from({ length: 1000 }, () => randomBytes(30).toString('base64'))
    expect(inputs.map((input) => read(input))).toEqual(inputs)
  })

  it('stays with its owner when it is only checked', () => {
    const owned = readSecretAccessKey(Buffer.from(secret))
    checkSecretAccessKey(owned)
    expect(owned.length).toBe(40)
  })
})

describe('an access key ID', () => {
  it('is taken in the form of AWS', () => {
    expect(() => checkAccessKeyId('AKIAQ3EGRZ5UXAMPLE2A')).not.toThrow()
  })

  it.each([
    '',
    'AKIA',
    'AKIAQ3EGRZ5UXAMPLE2',
    'AKIAQ3EGRZ5UXAMPLE2A1',
    'AKIAQ3EGRZ5UXAMPLE18',
    'akiaq3egrz5uxample2a',
    'minio',
  ])('B-052: is refused in another form, with the flag for other stores: %j', (id) => {
    const check = () => checkAccessKeyId(id)
    expect(check).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', hint: expect.stringContaining('--other-store') }),
    )
  })

  it('B-008: of temporary credentials is refused, also for other stores', () => {
    const check = () => checkAccessKeyId('ASIAQ3EGRZ5UXAMPLE2A', { otherStore: true })
    expect(check).toThrow(expect.objectContaining({ code: 'ERR_SECRET_INVALID' }))
  })

  it('is told apart from a secret, which is not shown', () => {
    const check = () => checkAccessKeyId(secret)
    expect(check).toThrow('this looks like a secret access key, not like the access key ID')
  })

  it.each(['minioadmin', 'GK31c2f218a2e44f485b94239e', 'x'])('of another store is taken: %s', (id) => {
    expect(() => checkAccessKeyId(id, { otherStore: true })).not.toThrow()
  })

  it.each(['', 'a b', 'a/b', 'a,b', 'ä', 'x'.repeat(129)])('of another store cannot be %j', (id) => {
    expect(() => checkAccessKeyId(id, { otherStore: true })).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }),
    )
  })
})
