// B-101: a secret among the arguments is refused, and what only looks long is not.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { refuseSecretWords } from '../../../src/cli/ask/secret-words.ts'
import { throwAwayKey } from '../hardkey.ts'

const secret = 'ThrowAwaySecretOfATranscript/0123456789+'

describe('a secret among the arguments', () => {
  it.each([
    ['alone', secret],
    ['in an option', `--secret=${secret}`],
    ['in quotes', `{"SecretAccessKey": "${secret}"}`],
    ['in a header', `x-secret: ${secret}`],
    ['with the prefix of Signature Version 4', `AWS4${secret}`],
    ['in a query', `https://example.com/?key=${secret.replace('/', 'x')}`],
  ])('%s is refused', (_, word) => {
    expect(() => refuseSecretWords(['whoami', word])).toThrow(
      expect.objectContaining({ code: 'ERR_USAGE', message: 'argument 2 looks like a secret access key' }),
    )
  })

  it('is refused wherever it stands, whatever it is', () => {
    const separator = fc.constantFrom(' ', '=', ':', ',', '"', '&', '\n')
    fc.assert(
      fc.property(separator, separator, (before, after) => {
        const { secretAccessKey } = throwAwayKey()
        // One of a thousand has no digit, or no letter of one case; no secret that AWS gave out was ever seen so.
        fc.pre(/[0-9+/]/.test(secretAccessKey) && /[a-z]/.test(secretAccessKey) && /[A-Z]/.test(secretAccessKey))
        // After a colon two slashes make it the path of a URL.
        fc.pre(!secretAccessKey.startsWith('//'))
        expect(() => refuseSecretWords([`x${before}${secretAccessKey}${after}y`])).toThrow('looks like a secret')
      }),
    )
  })

  it('is not repeated', () => {
    try {
      refuseSecretWords([secret])
    } catch (error) {
      expect(JSON.stringify([error, String(error), (error as { hint?: string }).hint])).not.toContain('ThrowAway')
    }
    expect.assertions(1)
  })
})

describe('a long word that is no secret', () => {
  it.each([
    ['a SHA-1 digest', '2fd4e1c67a2d28fced849ee1bb76e7391b93eb12'],
    ['a SHA-1 digest in capitals', '2FD4E1C67A2D28FCED849EE1BB76E7391B93EB12'],
    ['a path of forty characters in a URL', 'https://s3.amazonaws.com/Photos/2024/Summer/Beach/IMG0001/a'],
    ['a role ARN', 'arn:aws:iam::123456789012:role/service-role/AVeryLongRoleNameForTheNightlyJob01'],
    ['a key URI', 'pkcs11:token=prod;object=aws?module-path=/usr/lib/softhsm/libsofthsm2.so'],
    ['a path of forty characters to a JSON file', 'json:/home/Deploy01/Downloads/keys/2026/hardkey1'],
    ['an access key ID', 'AKIAIOSFODNN7EXAMPLE'],
    ['a word of 41 characters', `${secret}x`],
    ['forty small letters', 'abcdefghijklmnopqrstuvwxyzabcdefghijklmn'],
  ])('%s is spared', (_, word) => {
    expect(() => refuseSecretWords([word])).not.toThrow()
  })
})
