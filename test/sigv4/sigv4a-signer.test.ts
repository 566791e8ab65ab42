import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/key/secret.ts'
import { deviceDateKeys } from '../../src/sigv4/date-key.ts'
import { type SigV4aSignerOptions, sigV4aSigner } from '../../src/sigv4/sigv4a-signer.ts'
import { countedKey } from './counted-key.ts'

const accessKeyId = 'AKIDEXAMPLE'
const options = { accessKeyId, secretAccessKey: 'secret', regionSet: ['us-east-1', 'eu-west-*'], service: 's3' }
const get = { method: 'GET', url: 'https://example.accesspoint.s3-global.amazonaws.com/k' }

describe('B-117: a key in a device', () => {
  it('is no option of SigV4a', async () => {
    const { key } = await countedKey()
    // @ts-expect-error: no member of the options takes a key
    expect(() => sigV4aSigner({ ...options, key })).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }))
    // @ts-expect-error: nor DateKeys
    const withKeys: SigV4aSignerOptions = { ...options, keys: deviceDateKeys({ key, accessKeyId }) }
    expect(() => sigV4aSigner(withKeys)).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }))
  })

  it('is refused in place of the secret, and is not asked', async () => {
    const { key, asked } = await countedKey()
    // @ts-expect-error: a key is no secret
    const given: SigV4aSignerOptions = { ...options, secretAccessKey: key }
    expect(() => sigV4aSigner(given)).toThrow(
      expect.objectContaining({ code: 'ERR_USAGE', hint: expect.stringContaining('temporary credentials') }),
    )
    expect(asked).toEqual([])
  })
})

it('signs for every region that is given', async () => {
  const { headers } = await sigV4aSigner(options).sign(get)
  expect(headers['X-Amz-Region-Set']).toBe('us-east-1,eu-west-*')
  const url = await sigV4aSigner(options).presign(get, { expiresIn: 60 })
  expect(new URL(url).searchParams.get('X-Amz-Region-Set')).toBe('us-east-1,eu-west-*')
})

it('takes the place of an earlier signature', async () => {
  const once = await sigV4aSigner({ ...options, regionSet: ['*'] }).sign(get)
  const { headers } = await sigV4aSigner(options).sign({ ...get, headers: once.headers })
  expect(headers['X-Amz-Region-Set']).toBe('us-east-1,eu-west-*')
})

it('leaves a secret that it was given to its owner', () => {
  const secret = Secret.take(Buffer.from('secret'))
  sigV4aSigner({ ...options, secretAccessKey: secret })
  expect(secret.length).toBe(6)
  secret.wipe()
})

it.each([[[]], [['EU']], [['eu-*-1']], [['a,b']], [['']]])('refuses the set of regions %j', (regionSet) => {
  expect(() => sigV4aSigner({ ...options, regionSet })).toThrow(
    expect.objectContaining({ code: 'ERR_REQUEST_INVALID' }),
  )
})

it('refuses an empty secret', () => {
  const empty = { ...options, secretAccessKey: '' }
  expect(() => sigV4aSigner(empty)).toThrow(expect.objectContaining({ code: 'ERR_SECRET_INVALID' }))
})
