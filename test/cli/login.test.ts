// Signing in to the AWS console: what the sign-in endpoint is asked, the link, and how a browser gets it. A script plays
// xdg-open, as it does on a desktop.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { consolePages } from '../../src/cli/session/console-link.ts'
import { asSecondUser } from '../faults/second-user.ts'
import { CheckedIn, region, role } from './checked-in.ts'
import { type FederationEndpoint, startFederationEndpoint } from './federation-endpoint.ts'
import type { Ran } from './hardkey.ts'
import { script } from './programs.ts'

let there: CheckedIn
let endpoint: FederationEndpoint
beforeAll(async () => {
  there = await CheckedIn.make()
  endpoint = await startFederationEndpoint()
})
afterAll(async () => {
  endpoint.close()
  await there.remove()
})

const login = (options: readonly string[], environment: Record<string, string> = {}): Promise<Ran> =>
  there.home.run(['login', 'prod', '--signin-endpoint', endpoint.url, ...options], { environment })
const asRole = ['--role-arn', role]
const atMost = (seconds: number): RegExp => new RegExp(`^hardkey: note: .* lasts ${seconds} s at most: .*\\n$`)

describe('the link', () => {
  it('is printed, from the session of a role', async () => {
    const { stdout, ...rest } = await login([
      ...asRole,
      '--print',
      '--destination',
      's3',
      '--issuer',
      'https://me.example/',
    ])
    expect(rest).toEqual({ status: 0, stderr: '' })
    const link = new URL(stdout.trim())
    expect(`${link.origin}${link.pathname}`).toBe(endpoint.url)
    expect(Object.fromEntries(link.searchParams)).toEqual({
      Action: 'login',
      Issuer: 'https://me.example/',
      Destination: `https://${region}.console.aws.amazon.com/s3?region=${region}`,
      SigninToken: 'VCQgs5qZZt3Q6fn8Tr5EXAMPLE+/=&',
    })
    expect(endpoint.asked.at(-1)).toMatchObject({ method: 'POST', url: '/federation', Action: 'getSigninToken' })
    expect(endpoint.asked.at(-1)).not.toHaveProperty('SessionDuration')
  })

  it('lasts as long as --duration says', async () => {
    expect((await login([...asRole, '--print', '--duration', '8h'])).status).toBe(0)
    expect(endpoint.asked.at(-1)).toMatchObject({ SessionDuration: '28800' })
  })

  it('lasts 12 hours at most, and one hour for a role that another one assumed: both are said', async () => {
    const capped = [...asRole, '--duration', '13h', '--print']
    expect(await login(capped)).toMatchObject({ status: 0, stderr: expect.stringMatching(atMost(43_200)) })
    expect(endpoint.asked.at(-1)).toMatchObject({ SessionDuration: '43200' })
    const hub = `[profile hub]\nrole_arn = ${role}\nsource_profile = own\n`
    const own = '[profile own]\ncredential_process = /usr/bin/hardkey credential-process prod\n'
    there.home.write('.aws/config', `[profile chained]\nrole_arn = ${role}\nsource_profile = hub\n${hub}${own}`)
    const chained = ['login', '--profile', 'chained', '--signin-endpoint', endpoint.url, '--print', '--duration', '8h']
    const ran = await there.home.run(chained)
    expect(ran).toMatchObject({ status: 0, stderr: expect.stringMatching(atMost(3600)) })
    expect(endpoint.asked.at(-1)).toMatchObject({ SessionDuration: '3600' })
  })

  it('is that of a federated user, which has no duration of its own', async () => {
    const arn = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
    const ran = await login(['--federation-name', 'visitor', '--policy-arn', arn, '--duration', '2h', '--print'])
    expect(ran).toMatchObject({ status: 0, stderr: '' })
    expect(endpoint.asked.at(-1)).not.toHaveProperty('SessionDuration')
  })

  it('is in the account of use, with the session by which CloudTrail knows who signed in', async () => {
    const account = join(there.home.folder, 'account')
    expect((await login([...asRole, '--print', '--account', account])).status).toBe(0)
    const handed = JSON.parse(readFileSync(account, 'utf8').trimEnd().split('\n').at(-1) ?? '')
    expect(handed).toMatchObject({ event: 'handed-out', key: 'prod', reason: 'login', role })
    expect(endpoint.asked.at(-1)?.Session).toMatchObject({ sessionId: handed.session })
  })

  it('is refused for a session of the user itself, before a device is opened', async () => {
    const before = there.sts.accepted()
    const ran = await login(['--print'])
    expect(ran.stderr).toContain('hardkey: error: the console takes no session of the user itself\n')
    expect(ran.stderr).toContain('give --role-arn, or --federation-name NAME with --policy or --policy-arn')
    expect([ran.status, ran.stdout, there.sts.accepted()]).toEqual([2, '', before])
  })
})

describe('a browser', () => {
  /** Fetches what it is given, as a browser would, and writes down what it was told. */
  const browser = () =>
    script(there.home, 'bin/xdg-open', [
      'echo "$@" > "$0.told"',
      `exec node -e 'fetch(process.argv[1], { redirect: "manual" }).then(async (first) => {
        const again = await fetch(process.argv[1], { redirect: "manual" }).then((a) => a.status, () => "gone")
        require("fs").writeFileSync(process.argv[2], JSON.stringify({ to: first.headers.get("location"), status: first.status, again }))
      })' "$1" "$0.got"`,
    ])
  const path = () => ({ PATH: `${there.home.folder}/bin:${process.env.PATH}` })

  it('gets the link once, and not by its words, which other users can read', async () => {
    browser()
    const ran = await login(asRole, path())
    expect(ran).toEqual({ status: 0, stdout: '', stderr: '' })
    const told = there.home.read('bin/xdg-open.told')
    expect(told).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{43}\n$/)
    const written = () => there.home.read('bin/xdg-open.got')
    const got = await vi.waitFor(() => JSON.parse(written()) as Record<string, unknown>, { timeout: 30_000 })
    expect(got.status).toBe(303)
    expect(got.to).toContain('SigninToken=')
    expect([404, 'gone']).toContain(got.again)
  })

  it('that another address of the machine is asked for gets nothing', async () => {
    script(there.home, 'bin/xdg-open', [
      `node -e 'const url = new URL(process.argv[1]); const ask = (path, method) => fetch(url.origin + path, { method, redirect: "manual" }).then((a) => a.status)
      Promise.all([ask("/"), ask(url.pathname + "x"), ask(url.pathname, "HEAD"), ask(url.pathname, "POST"), ask("/favicon.ico")])
        .then((all) => { require("fs").writeFileSync(process.argv[2], all.join()); return ask(url.pathname) })' "$1" "$0.statuses"`,
    ])
    expect((await login(asRole, path())).status).toBe(0)
    expect(there.home.read('bin/xdg-open.statuses')).toBe('404,404,404,404,404')
  })

  it('of another user, who was quicker, gets nothing', async () => {
    const fetched = `fetch(process.argv[1], { redirect: 'manual' }).then((a) => console.log(a.status, a.headers.get('location')))`
    const opener = script(there.home, 'bin/xdg-open', [
      'echo "$1" > "$0.url"',
      'while [ ! -e "$0.go" ]; do sleep 0.1; done',
      `node -e "${fetched}" "$1" > "$0.ours"`,
    ])
    const running = login(asRole, path())
    const url = await vi.waitFor(() => readFileSync(`${opener}.url`, 'utf8').trim(), { timeout: 30_000 })
    const other = await asSecondUser(`node -e "${fetched}" "$1"`, [url]).finally(() =>
      writeFileSync(`${opener}.go`, ''),
    )
    expect(other).toMatchObject({ stdout: '404 null\n' })
    const warning = 'hardkey: warning: another user of this machine asked for the link, and did not get it\n'
    expect(await running).toEqual({ status: 0, stdout: '', stderr: warning })
    await vi.waitFor(() => expect(there.home.read('bin/xdg-open.ours')).toMatch(/^303 http/), { timeout: 30_000 })
  })

  it('that cannot be opened is an error that names --print', async () => {
    script(there.home, 'bin/xdg-open', ['exit 3'])
    const ran = await login(asRole, path())
    expect(ran.stderr).toBe(
      'hardkey: error: no browser can be opened by xdg-open\n' +
        'hardkey: hint: give --print, and open the link yourself\n',
    )
    expect(ran.status).toBe(1)
  })
})

describe('an endpoint that', () => {
  it.each([
    ['refuses', { status: 400, body: 'no' }, 'the sign-in endpoint refused the session (status 400)'],
    ['redirects', { status: 302, body: '' }, 'the sign-in endpoint refused the session (status 302)'],
    ['gives no token', { status: 200, body: '{}' }, 'the sign-in endpoint gave no sign-in token'],
    ['gives a page', { status: 200, body: '<html>' }, 'the sign-in endpoint gave no sign-in token'],
    ['gives an odd token', { status: 200, body: '{"SigninToken":"a b"}' }, 'gave no sign-in token'],
  ])('%s is an error without a session in it', async (_, answer, message) => {
    const faulty = await startFederationEndpoint(answer)
    try {
      const words = ['login', 'prod', '--print', '--signin-endpoint', faulty.url, ...asRole, '--verbose']
      const ran = await there.home.run(words)
      expect(ran.stderr).toContain(message)
      expect([ran.status, ran.stdout]).toEqual([1, ''])
      const [first] = faulty.asked
      const { sessionKey = '', sessionToken = '' } = (first?.Session ?? {}) as Record<string, string>
      expect(sessionKey).toHaveLength(40)
      expect(ran.stderr).not.toContain(sessionKey)
      expect(ran.stderr).not.toContain(sessionToken.slice(0, 20))
    } finally {
      faulty.close()
    }
  })
})

describe('the pages of a partition', () => {
  const pages = (place: string, at: string, destination?: string) =>
    consolePages({ partition: place, region: at, destination })

  it.each([
    ['aws', 'eu-west-1', 'https://signin.aws.amazon.com/federation', 'eu-west-1.console.aws.amazon.com'],
    ['aws-cn', 'cn-north-1', 'https://signin.amazonaws.cn/federation', 'cn-north-1.console.amazonaws.cn'],
    [
      'aws-us-gov',
      'us-gov-west-1',
      'https://signin.amazonaws-us-gov.com/federation',
      'us-gov-west-1.console.amazonaws-us-gov.com',
    ],
  ])('%s are its own', (partition, at, signIn, host) => {
    expect(pages(partition, at)).toEqual({ signIn, destination: `https://${host}/console/home?region=${at}` })
  })

  it('of a partition that nobody knows are refused', () => {
    expect(() => pages('aws-iso', 'us-iso-east-1')).toThrow('the console of the partition aws-iso is not known')
    expect(() => pages('constructor', 'us-iso-east-1')).toThrow('is not known')
  })

  it.each([
    ['ec2/home#Instances:', 'https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#Instances:'],
    ['/s3/buckets?region=us-east-1', 'https://eu-west-1.console.aws.amazon.com/s3/buckets?region=us-east-1'],
    ['https://health.console.aws.amazon.com/x', 'https://health.console.aws.amazon.com/x'],
  ])('take the destination %s', (destination, url) => {
    expect(pages('aws', 'eu-west-1', destination).destination).toBe(url)
  })

  it.each([
    'http://console.aws.amazon.com/',
    '///evil.example/x',
    'javascript:alert(1)',
    '/\\\\evil.example',
    'https://a@b/',
  ])('refuse the destination %s', (destination) => {
    expect(() => pages('aws', 'eu-west-1', destination)).toThrow('--destination is not what it should be')
  })
})
