// B-110 to B-116 through the command: what cannot be signed as it is, is refused. Dates (B-111), streams (B-115) and the
// canonical form of every path (B-114) are the library's alone: test/sigv4/.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CheckedIn, region } from '../cli/checked-in.ts'
import { expectCommandRefuses, type Refusal } from './refused.ts'

let there: CheckedIn
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterAll(() => there.remove())

const invalid = (says?: string, hint?: string): Refusal => ({ code: 'ERR_REQUEST_INVALID', says, hint })
const usage = (says?: string, hint?: string): Refusal => ({ code: 'ERR_USAGE', says, hint })
const link = 'https://s3.eu-west-1.amazonaws.com/bucket/key'
const request = (...words: string[]): string[] => ['request', 'prod', 'GET', link, '--dry-run', ...words]

describe('a request', () => {
  it.each([
    ['a line end in a header', 'x-a:b\r\nx-c: d'],
    ['a character beyond Latin-1', 'x-a:漢'],
    ['a control character', 'x-a:\u0007b'],
    ['a space in a name', 'x a:b'],
    ['a line end in a name', 'x-a\nb:c'],
  ])('B-110: with %s is refused', async (_, header) => {
    await expectCommandRefuses(there.home, request('--header', header), invalid('header'))
  })

  it('B-110: with two Host headers is refused', async () => {
    await expectCommandRefuses(there.home, request('--header', 'Host:a', '--header', 'host:b'), invalid('two Host'))
  })

  it.each([
    ['region', '--region', 'EU-WEST-1'],
    ['region', '--region', 'eu/west'],
    ['region', '--region', 'eu west 1'],
    ['service', '--service', 'S3'],
    ['service', '--service', 's3/'],
    ['service', '--service', 's 3'],
  ])('B-113: for the %s of %s %s is refused', async (part, option, value) => {
    await expectCommandRefuses(there.home, request(option, value), invalid(`the ${part} `))
  })

  it('B-113: for an empty service is refused', async () => {
    await expectCommandRefuses(there.home, request('--service='), usage('--service is empty'))
  })

  it.each([
    ['a bare plus in a key of S3', 'https://s3.eu-west-1.amazonaws.com/bucket/a+b', '"+"'],
    ['a backslash before the path', 'https://s3.eu-west-1.amazonaws.com\\bucket', 'backslash'],
    ['a fragment', `${link}#part`, 'fragment'],
    ['a line end', `${link}\n`, 'control character'],
    ['a user name', 'https://me:password-canary@s3.eu-west-1.amazonaws.com/bucket', 'user name'],
    ['no host', 'https:///bucket', 'absolute'],
  ])('B-114: to a URL with %s is refused', async (_, url, says) => {
    const canaries = { password: Buffer.from('password-canary') }
    const words = ['--service', 's3', '--region', region]
    await expectCommandRefuses(there.home, ['presign', 'prod', url, ...words], { ...invalid(says), canaries })
  })

  it('B-114: keeps dot segments and a lone percent sign of a key of S3 as they are', async () => {
    const url = 'https://s3.eu-west-1.amazonaws.com/bucket/a/../100%'
    const { stdout, status } = await there.home.run(['presign', 'prod', url, '--region', region])
    expect([status, stdout.startsWith(`${url}?X-Amz-Algorithm=`)]).toEqual([0, true])
  })

  it('B-116: replaces an earlier signature in its headers', async () => {
    const earlier = ['--header', 'Authorization: AWS4-HMAC-SHA256 old', '--header', 'X-Amz-Date: 20000101T000000Z']
    const { stdout, status } = await there.home.run(request(...earlier))
    expect([status, /old|20000101/.test(stdout), stdout.match(/^Authorization: /gm)?.length]).toEqual([0, false, 1])
  })

  it.each(['X-Amz-Signature=a', 'x-amz-date=20000101T000000Z', 'X-Amz-Sec%75rity-Token=a'])(
    'B-116: to a URL that is signed already (%s) is refused',
    async (query) => {
      await expectCommandRefuses(there.home, ['presign', 'prod', `${link}?${query}`], invalid())
    },
  )
})

describe('a presigned URL', () => {
  it.each(['0', '604801', '8d', '0s'])('B-112: that lives %s is refused with the range', async (expires) => {
    await expectCommandRefuses(there.home, ['presign', 'prod', link, '--expires', expires], usage('7 days'))
  })

  it.each(['-1', '1.5', 'soon', '1e3'])(
    'B-112: that lives %s is refused with the forms that there are',
    async (expires) => {
      await expectCommandRefuses(there.home, ['presign', 'prod', link, `--expires=${expires}`], usage(undefined, '7d'))
    },
  )
})
