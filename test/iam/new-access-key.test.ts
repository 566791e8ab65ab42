// The one answer with a permanent secret in it: taken whole or refused, and wiped either way.

import { describe, expect, it } from 'vitest'
import { HardkeyError } from '../../src/errors.ts'
import { readNewAccessKey } from '../../src/iam/new-access-key.ts'

const secret = 'qV7mE0cPzW3sKf9XnT2bLr8YhJd5GuAo1RiBt/6+'
const id = 'AKIAQ3EGRZ5UXAMPLE2A'
const good =
  '<CreateAccessKeyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><CreateAccessKeyResult><AccessKey>' +
  `<UserName>hk</UserName><AccessKeyId>${id}</AccessKeyId><Status>Active</Status>` +
  `<SecretAccessKey>${secret}</SecretAccessKey><CreateDate>2026-11-24T17:20:00Z</CreateDate></AccessKey>` +
  '</CreateAccessKeyResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></CreateAccessKeyResponse>'

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text))

describe('the answer of CreateAccessKey', () => {
  it('gives the ID and the secret, and is wiped', () => {
    const body = bytesOf(good)
    const made = readNewAccessKey(body, true)
    expect([made.accessKeyId, made.userName, String(made.secret)]).toEqual([id, 'hk', '[secret]'])
    expect(made.secret.lend((bytes) => Buffer.from(bytes).toString())).toBe(secret)
    expect(body.every((byte) => byte === 0)).toBe(true)
  })

  it.each([
    ['without a secret', good.replace(/<SecretAccessKey>.*<\/SecretAccessKey>/, '')],
    ['with two', good.replace('<CreateDate>', `<SecretAccessKey>${secret}</SecretAccessKey><CreateDate>`)],
    ['with an empty one', good.replace(secret, '')],
    ['with an entity in it', good.replace('/6+', '&#47;6+')],
    ['with a tag in it', good.replace('/6+', '<b>6</b>')],
    ['that is cut', good.slice(0, -30)],
    ['of another action', good.replaceAll('CreateAccessKey', 'CreateUser')],
    ['of another API', good.replace('iam.amazonaws.com', 'sts.amazonaws.com')],
    ['with an ID that AWS does not give', good.replace(id, 'my-key')],
    ['with the secret in another place', good.replace(/<CreateDate>.*<\/AccessKey>/, '</AccessKey>')],
  ])('%s is refused, shows nothing of it and is wiped', (_, text) => {
    const body = bytesOf(text)
    let failure: unknown
    try {
      readNewAccessKey(body, true)
    } catch (error) {
      failure = error
    }
    expect(failure).toBeInstanceOf(HardkeyError)
    expect(failure).toMatchObject({ code: 'ERR_STS_RESPONSE_INVALID' })
    expect(String(failure)).not.toContain(secret.slice(0, 8))
    expect(body.every((byte) => byte === 0)).toBe(true)
  })
})
