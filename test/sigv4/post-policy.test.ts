import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import type { PostPolicyInput } from '../../src/sigv4/post-policy.ts'
import { sigV4Signer } from '../../src/sigv4/signer.ts'

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const noon = new Date('2026-11-24T12:00:00Z')
const signer = sigV4Signer({ keys: secretDateKeys(credentials), region: 'eu-west-1', service: 's3', now: () => noon })
const input: PostPolicyInput = { url: 'https://b.s3.eu-west-1.amazonaws.com/', bucket: 'b', key: 'in/${filename}' }

function policyOf(fields: Readonly<Record<string, string>>): unknown {
  return JSON.parse(Buffer.from(fields.Policy ?? '', 'base64').toString())
}

describe('a POST policy', () => {
  it('fixes bucket, key, signer and every field of the form', async () => {
    const form = await signer.postPolicy(
      { ...input, fields: { acl: 'private' }, conditions: [['content-length-range', 1, 1024]] },
      { expiresIn: 3600 },
    )
    const credential = 'AKIDEXAMPLE/20261124/eu-west-1/s3/aws4_request'
    expect(policyOf(form.fields)).toEqual({
      expiration: '2026-11-24T13:00:00Z',
      conditions: [
        ['content-length-range', 1, 1024],
        { acl: 'private' },
        { bucket: 'b' },
        { 'X-Amz-Algorithm': 'AWS4-HMAC-SHA256' },
        { 'X-Amz-Credential': credential },
        { 'X-Amz-Date': '20261124T120000Z' },
        ['starts-with', '$key', 'in/'],
      ],
    })
    expect(form.url).toBe(input.url)
    expect(form.fields).toMatchObject({ key: 'in/${filename}', acl: 'private', 'X-Amz-Credential': credential })
  })

  it.each([0, 20_000])('signs the policy itself, with %d bytes more in it', async (more) => {
    const fields = more === 0 ? {} : { 'x-amz-meta-long': 'x'.repeat(more) }
    const { fields: form } = await signer.postPolicy({ ...input, fields }, { expiresIn: 60 })
    const chain = ['20261124', 'eu-west-1', 's3', 'aws4_request', form.Policy ?? '']
    const start: string | Buffer = `AWS4${credentials.secretAccessKey}`
    const signature = chain.reduce<string | Buffer>(
      (key, part) => createHmac('sha256', key).update(part).digest(),
      start,
    )
    expect(form['X-Amz-Signature']).toBe(Buffer.from(signature).toString('hex'))
  })

  it('fixes a session token', async () => {
    const keys = secretDateKeys({ ...credentials, sessionToken: 'token' })
    const ofSession = sigV4Signer({ keys, region: 'eu-west-1', service: 's3', now: () => noon })
    const { fields } = await ofSession.postPolicy({ ...input, key: 'one' }, { expiresIn: 60 })
    expect(policyOf(fields)).toMatchObject({
      conditions: expect.arrayContaining([{ 'X-Amz-Security-Token': 'token' }, { key: 'one' }]),
    })
  })

  // A caller without types may pass anything.
  it.each([
    ['a condition that is none', { ...input, conditions: [['smaller-than', '$key', 'a']] }],
    ['bounds in the wrong order', { ...input, conditions: [['content-length-range', 2, 1]] }],
    ['a condition on a name without its sign', { ...input, conditions: [['eq', 'key', 'a']] }],
    ['a field of the signature', { ...input, fields: { 'x-amz-date': 'a' } }],
    ['an empty key', { ...input, key: '' }],
    ['a URL that is none', { ...input, url: 'b.s3.amazonaws.com' }],
  ])('refuses %s', async (_, given) => {
    const form = signer.postPolicy(given as PostPolicyInput, { expiresIn: 60 })
    await expect(form).rejects.toMatchObject({ code: 'ERR_REQUEST_INVALID' })
  })

  it.each([0, 604_801])('refuses to live %d seconds', async (expiresIn) => {
    await expect(signer.postPolicy(input, { expiresIn })).rejects.toMatchObject({ code: 'ERR_REQUEST_INVALID' })
  })
})
