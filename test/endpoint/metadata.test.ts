// `hardkey serve --imds` as AWS SDKs use it, and what it refuses. Amazon EC2 User Guide, "Use the Instance Metadata Service".

import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MetadataTokens } from '../../src/endpoint/metadata-token.ts'
import { CheckedIn, region, role } from '../cli/checked-in.ts'
import { commandFile, ended } from '../cli/hardkey.ts'
import { Serving } from '../cli/serving.ts'
import { rawRequest } from './raw-request.ts'

const ttl = 'x-aws-ec2-metadata-token-ttl-seconds'
const credentialsPath = 'latest/meta-data/iam/security-credentials'

const systemPath = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }

/** This machine gives us no mounts of our own: counts as "not run" in the report of `npm test`. */
class NoMountsOfItsOwn extends Error {
  override readonly name = 'PeerMissing'
}

let there: CheckedIn
let serving: Serving
let url: string
let token: string
beforeAll(async () => {
  there = await CheckedIn.make()
  serving = await Serving.start(there.home, ['serve', 'prod', '--imds', '--role-arn', role])
  url = serving.variable('AWS_EC2_METADATA_SERVICE_ENDPOINT')
  token = await (await put({ [ttl]: '21600' })).text()
})
afterAll(async () => {
  await serving.stop()
  await there.remove()
})

const put = (headers: Readonly<Record<string, string>>): Promise<Response> =>
  fetch(`${url}latest/api/token`, { method: 'PUT', headers })
const get = (path: string, given = token): Promise<Response> =>
  fetch(`${url}${path}`, { headers: { 'x-aws-ec2-metadata-token': given } })
const text = async (path: string): Promise<string> => (await get(path)).text()

it('gives a token for as long as asked, and says so', async () => {
  const answer = await put({ [ttl]: '60' })
  expect(answer.status).toBe(200)
  expect(answer.headers.get(ttl)).toBe('60')
  expect(answer.headers.get('content-type')).toBe('text/plain')
})

it('lists one name, with a slash behind the path and without', async () => {
  expect(await text(`${credentialsPath}/`)).toBe('deploy')
  expect(await text(credentialsPath)).toBe('deploy')
  expect(await text(`${credentialsPath}-extended/`)).toBe('deploy')
})

it('takes two slashes before the path, as the SDK for Java has them behind an address that ends with one', async () => {
  expect(await text(`/${credentialsPath}/`)).toBe('deploy')
})

it('gives credentials as an instance has them', async () => {
  const plain = JSON.parse(await text(`${credentialsPath}/deploy`)) as Record<string, string>
  expect(plain).toEqual({
    Code: 'Success',
    LastUpdated: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    Type: 'AWS-HMAC',
    AccessKeyId: expect.stringMatching(/^ASIA/),
    SecretAccessKey: expect.any(String),
    Token: expect.any(String),
    Expiration: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
  })
  const extended = JSON.parse(await text(`${credentialsPath}-extended/deploy`)) as Record<string, string>
  expect(extended).toEqual({ ...plain, AccountId: '111122223333' })
})

it('tells the region in the three places where SDKs look', async () => {
  expect(await text('latest/meta-data/placement/region')).toBe(region)
  expect(await text('latest/meta-data/placement/availability-zone/')).toBe(`${region}a`)
  expect(JSON.parse(await text('latest/dynamic/instance-identity/document'))).toMatchObject({ region })
})

describe('B-098', () => {
  it.each([
    ['no time', {}, 400],
    ['no time at all', { [ttl]: '' }, 400],
    ['time 0', { [ttl]: '0' }, 400],
    ['six hours and a second', { [ttl]: '21601' }, 400],
    ['a text for a time', { [ttl]: 'long' }, 400],
    ['a negative time', { [ttl]: '-1' }, 400],
    ['half a second', { [ttl]: '1.5' }, 400],
    ['a request through a proxy', { [ttl]: '60', 'x-forwarded-for': '10.0.0.1' }, 403],
    ['a page of a browser', { [ttl]: '60', origin: 'http://attacker.example' }, 403],
  ] as const)('a PUT with %s gets no token', async (_, headers, status) => {
    expect((await put({ ...headers })).status).toBe(status)
  })

  it.each([
    ['a GET for a token', 'GET', 'latest/api/token', 405],
    ['a POST for a token', 'POST', 'latest/api/token', 405],
    ['a PUT of credentials', 'PUT', `${credentialsPath}/deploy`, 405],
    ['a name that is not listed', 'GET', `${credentialsPath}/other`, 404],
    ['the paths of the other mode', 'GET', '', 404],
    ['a role of the other mode', 'GET', `role-arn/${role}`, 404],
    ['user data', 'GET', 'latest/user-data', 404],
    ['an older version', 'GET', '2009-04-04/meta-data/', 404],
  ])('%s gets nothing', async (_, method, path, status) => {
    const answer = await fetch(`${url}${path}`, { method, headers: { 'x-aws-ec2-metadata-token': token } })
    expect(answer.status).toBe(status)
  })

  it.each([
    ['no token', undefined],
    ['an empty token', ''],
    ['a made-up token', `9999999999.${'A'.repeat(22)}.${'A'.repeat(43)}`],
    ['a token that was cut', 'cut'],
    ['a token that ends later', 'later'],
    ['two tokens', 'two'],
  ])('%s gets nothing', async (what, given) => {
    const [ends = '', ...rest] = token.split('.')
    const changed = { cut: token.slice(0, -1), later: [Number(ends) + 1, ...rest].join('.'), two: `${token}, ${token}` }
    const value = given !== undefined && given in changed ? changed[given as keyof typeof changed] : given
    const headers = value === undefined ? {} : { 'x-aws-ec2-metadata-token': value }
    const answer = await fetch(`${url}${credentialsPath}/deploy`, { headers })
    expect([what, answer.status]).toEqual([what, 401])
    expect(await answer.text()).not.toMatch(/ASIA/)
  })

  it('another Host gets nothing', async () => {
    const to = { port: Number(new URL(url).port), host: '127.0.0.1' }
    const ask = `PUT /latest/api/token HTTP/1.1\r\nHost: 169.254.169.254\r\n${ttl}: 60\r\nContent-Length: 0\r\n\r\n`
    expect((await rawRequest(to, ask)).status).toBe(403)
  })

  it('a token is worth nothing after its time', () => {
    let now = 0
    const tokens = new MetadataTokens(randomBytes, () => new Date(now))
    const issued = tokens.issue(60)
    now = 59_999
    expect(tokens.accepts(issued)).toBe(true)
    now = 60_000
    expect(tokens.accepts(issued)).toBe(false)
    expect(new MetadataTokens(randomBytes, () => new Date(0)).accepts(issued)).toBe(false)
  })
})

describe('the command', () => {
  it('prints what SDKs need, and takes away what would win', () => {
    const { port } = new URL(url)
    expect(serving.lines.split('\n')).toEqual([
      `export AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:${port}/`,
      'export AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv4',
      'export AWS_EC2_METADATA_V1_DISABLED=true',
      'export AWS_REGION=eu-west-1',
      'export AWS_DEFAULT_REGION=eu-west-1',
      'export NO_PROXY="${NO_PROXY-${no_proxy-}}" no_proxy="${no_proxy-${NO_PROXY-}}"',
      '[ "$NO_PROXY" = "*" ] || NO_PROXY="127.0.0.1,localhost${NO_PROXY:+,$NO_PROXY}"',
      '[ "$no_proxy" = "*" ] || no_proxy="127.0.0.1,localhost${no_proxy:+,$no_proxy}"',
      expect.stringMatching(
        /^unset AWS_ACCESS_KEY_ID .* AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_EC2_METADATA_DISABLED$/,
      ),
      '',
    ])
  })

  it.each([
    ['--duration 30m', ['--duration', '30m']],
    ['--socket', ['--socket', '/tmp/x/y']],
    ['--also-role', ['--also-role', role]],
    ['--token-file', ['--token-file', '/tmp/x']],
  ])('refuses %s', async (_, words) => {
    const ran = await there.home.run(['serve', 'prod', '--imds', ...words])
    expect(ran).toMatchObject({ status: 2, stdout: '' })
    expect(ran.stderr).toMatch(/^hardkey: error: --imds /)
  })
})

describe('where the kernel does not tell whose a connection is', () => {
  /** Without /proc, as on other systems. */
  const start = (...words: string[]): ChildProcess => {
    const program = 'mount -t tmpfs none /proc && exec "$@"'
    const all = [process.execPath, commandFile, 'serve', 'prod', '--imds', '--role-arn', role, ...words]
    return spawn('unshare', ['-m', 'sh', '-c', program, 'sh', ...all], { env: there.home.environment(systemPath) })
  }

  it('T-1: is refused, and says what to do', async () => {
    const ran = await ended(start())
    if (/^(unshare|mount): /m.test(ran.stderr)) throw new NoMountsOfItsOwn(ran.stderr)
    expect(ran).toMatchObject({ status: 2, stdout: '' })
    expect(ran.stderr).toMatch(
      /^hardkey: error: this system does not tell whose a connection is.*\nhardkey: hint: .*any-user/,
    )
  })

  it('gives to everybody with --any-user, and says so', async () => {
    const child = start('--any-user')
    const end = ended(child)
    await Promise.race([once(child.stdout ?? child, 'end'), end])
    child.kill()
    const ran = await end
    if (/^(unshare|mount): /m.test(ran.stderr)) throw new NoMountsOfItsOwn(ran.stderr)
    expect(ran.stdout).toContain('AWS_EC2_METADATA_SERVICE_ENDPOINT=')
    expect(ran.stderr).toBe('hardkey: warning: every user of this machine gets these credentials\n')
  })
})
