// Requests that must get nothing, byte by byte, against the running command: tokens, hosts, headers of browsers and proxies,
// methods, paths, framing, sizes. None gets credentials or a CORS header, or causes a use of the device or a call to STS. The
// clock is two hours on and nobody looks after the session: whatever asked for one would have a new one got.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CheckedIn, role } from '../cli/checked-in.ts'
import { MovedClock } from '../cli/moved-clock.ts'
import { Serving } from '../cli/serving.ts'
import { rawRequest, requestText } from './raw-request.ts'

const other = 'arn:aws:iam::111122223333:role/other'

const clock = new MovedClock()
let there: CheckedIn
let serving: Serving
let before: number
const calls = (): number => there.sts.accepted() + there.sts.refused()
beforeAll(async () => {
  there = await CheckedIn.make([], clock.now)
  const words = ['serve', 'prod', '--role-arn', role, '--also-role', other]
  serving = await Serving.start(there.home, words, { environment: clock.environment(false) })
  clock.set(120)
  before = calls()
})
afterAll(async () => {
  await serving.stop()
  await there.remove()
  clock.remove()
})

const right = (): (readonly [string, string])[] => [
  ['Host', `127.0.0.1:${serving.port}`],
  ['Authorization', serving.token],
]
const host = (value: string): string => requestText('GET / HTTP/1.1', [['Host', value], ...right().slice(1)])
const token = (...values: string[]): string =>
  requestText('GET / HTTP/1.1', [
    ...right().slice(0, 1),
    ...values.map((value): [string, string] => ['Authorization', value]),
  ])
const added = (name: string, value: string): string => requestText('GET / HTTP/1.1', [...right(), [name, value]])
const line = (head: string): string => requestText(head, right())
const path = (target: string): string => line(`GET ${target} HTTP/1.1`)

type Attack = readonly [what: string, bytes: () => string, statuses: readonly number[]]

const attacks: Readonly<Record<string, readonly Attack[]>> = {
  'B-090': [
    ['no token', () => token(), [401]],
    ['an empty token', () => token(''), [401]],
    ['a wrong token', () => token('A'.repeat(43)), [401]],
    ['a token that was cut', () => token(serving.token.slice(0, -1)), [401]],
    ['a longer token', () => token(`${serving.token}A`), [401]],
    ['the token in other letters', () => token(swapped(serving.token)), [401]],
    ['the token in the query', () => requestText(`GET /?token=${serving.token} HTTP/1.1`, right().slice(0, 1)), [404]],
    ['Bearer before it', () => token(`Bearer ${serving.token}`), [401]],
    ['two tokens', () => token(serving.token, serving.token), [401]],
    ['a right and a wrong token', () => token(serving.token, 'x'), [401]],
    ['a quote around it', () => token(`"${serving.token}"`), [401]],
    ['a newline in it', () => token(`${serving.token.slice(0, 20)}\n${serving.token.slice(20)}`), [400]],
    ['a zero byte in it', () => token(`${serving.token}\0`), [400]],
    ['the token in another header', () => added('X-Authorization', serving.token).replace(/^Auth.*\r\n/m, ''), [401]],
  ],
  'B-091': [
    ['no Host', () => requestText('GET / HTTP/1.1', right().slice(1)), [403]],
    ['no Host in HTTP/1.0', () => requestText('GET / HTTP/1.0', right().slice(1)), [403]],
    ['an empty Host', () => host(''), [403]],
    ['another name', () => host('attacker.example'), [403]],
    ['another name with the port', () => host(`attacker.example:${serving.port}`), [403]],
    ['localhost', () => host(`localhost:${serving.port}`), [403]],
    ['localhost with a dot', () => host(`localhost.:${serving.port}`), [403]],
    ['another port', () => host(`127.0.0.1:${serving.port + 1}`), [403]],
    ['no port', () => host('127.0.0.1'), [403]],
    ['127.1', () => host(`127.1:${serving.port}`), [403]],
    ['0', () => host(`0:${serving.port}`), [403]],
    ['a decimal address', () => host(`2130706433:${serving.port}`), [403]],
    ['a hexadecimal address', () => host(`0x7f.0.0.1:${serving.port}`), [403]],
    ['an address of IPv6', () => host(`[::1]:${serving.port}`), [403]],
    ['a mapped address', () => host(`[::ffff:127.0.0.1]:${serving.port}`), [403]],
    ['a user before it', () => host(`user@127.0.0.1:${serving.port}`), [403]],
    ['a path behind it', () => host(`127.0.0.1:${serving.port}/`), [403]],
    ['two Host headers, the first right', () => added('Host', 'attacker.example'), [400, 403]],
    ['two right Host headers', () => added('host', `127.0.0.1:${serving.port}`), [400, 403]],
  ],
  'B-092': [
    ['Origin', () => added('Origin', 'https://attacker.example'), [403]],
    ['Origin of its own', () => added('Origin', serving.url.slice(0, -1)), [403]],
    ['Origin null', () => added('origin', 'null'), [403]],
    ['Sec-Fetch-Site', () => added('Sec-Fetch-Site', 'same-origin'), [403]],
    ['X-Forwarded-For', () => added('X-Forwarded-For', '127.0.0.1'), [403]],
    ['X-Forwarded-Host', () => added('X-Forwarded-Host', 'attacker.example'), [403]],
    ['X-Forwarded-Proto', () => added('x-forwarded-proto', 'https'), [403]],
    ['Forwarded', () => added('Forwarded', 'for=127.0.0.1'), [403]],
    ['Via', () => added('Via', '1.1 proxy'), [403]],
    ['Referer', () => added('Referer', 'https://attacker.example/'), [403]],
  ],
  'B-093': [
    ['POST', () => line('POST / HTTP/1.1'), [405]],
    ['PUT', () => line('PUT / HTTP/1.1'), [405]],
    ['DELETE', () => line('DELETE / HTTP/1.1'), [405]],
    ['HEAD', () => line('HEAD / HTTP/1.1'), [405]],
    ['OPTIONS of a page that asks for leave', () => line('OPTIONS / HTTP/1.1'), [405]],
    ['OPTIONS *', () => line('OPTIONS * HTTP/1.1'), [400]],
    ['TRACE', () => line('TRACE / HTTP/1.1'), [405]],
    ['CONNECT', () => line(`CONNECT 127.0.0.1:${serving.port} HTTP/1.1`), [405]],
    ['get in small letters', () => line('get / HTTP/1.1'), [400]],
    ['a method that is none', () => line('CREDENTIALS / HTTP/1.1'), [400]],
    ['an absolute target', () => line(`GET ${serving.url} HTTP/1.1`), [400]],
    ['an absolute target elsewhere', () => line('GET http://attacker.example/ HTTP/1.1'), [400]],
  ],
  'B-094': [
    ['//', () => path('//'), [404]],
    ['/../', () => path('/../'), [404]],
    ['dots that are encoded', () => path('/%2e%2e/'), [404]],
    ['a zero byte that is encoded', () => path('/%00'), [404]],
    ['half an escape', () => path('/role-arn/%4'), [404]],
    ['a semicolon', () => path('/;x'), [404]],
    ['a query', () => path('/?x=1'), [404]],
    ['a query behind a role', () => path(`/role-arn/${role}?x=1`), [404]],
    ['a fragment', () => path('/#x'), [404]],
    ['a role that climbs', () => path(`/role-arn/${role}/../other`), [404]],
    ['a role with a slash more', () => path(`/role-arn//${role}`), [404]],
    ['a role with a blank', () => path(`/role-arn/${role}%20`), [404]],
    ['no role', () => path('/role-arn/'), [404]],
    ['a path of 16 KiB', () => path(`/${'a'.repeat(16_384)}`), [431]],
    ['a path of 6 KiB', () => path(`/${'a'.repeat(6000)}`), [404]],
    ['bytes beyond ASCII', () => path('/\u00e4'), [400]],
  ],
  'B-095': [
    ['a body', () => requestText('GET / HTTP/1.1', [...right(), ['Content-Length', '2']], '{}'), [400]],
    ['a chunked body', () => requestText('GET / HTTP/1.1', [...right(), chunked], '0\r\n\r\n'), [400]],
    [
      'both kinds of length',
      () => requestText('GET / HTTP/1.1', [...right(), ['Content-Length', '5'], chunked]),
      [400],
    ],
    [
      'two lengths',
      () => requestText('GET / HTTP/1.1', [...right(), ['Content-Length', '0'], ['Content-Length', '5']]),
      [400],
    ],
    ['a length that is none', () => added('Content-Length', '-1'), [400]],
    ['an odd encoding', () => added('Transfer-Encoding', 'gzip'), [400]],
    ['a chunk extension', () => requestText('GET / HTTP/1.1', [...right(), chunked], '0;a=b\r\n\r\n'), [400]],
    ['lines that end with LF alone', () => line('GET / HTTP/1.1').replaceAll('\r\n', '\n'), [400]],
    ['a blank before the colon', () => line('GET / HTTP/1.1').replace('Host:', 'Host :'), [400]],
    ['a folded header', () => added('X-Folded', 'a\r\n b'), [400]],
    ['a header without a colon', () => line('GET / HTTP/1.1').replace('Host:', 'Nothing\r\nHost:'), [400]],
  ],
  'B-096': [
    ['a header of 9 KiB', () => added('X-Long', 'a'.repeat(9216)), [431]],
    ['101 headers', () => many(101), [431]],
    ['HTTP/0.9', () => 'GET /\r\n\r\n', [400, 403]],
    ['HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400]],
    ['a TLS hello', () => '\x16\x03\x01\x00\xf8\x01\x00\x00\xf4\x03\x03', [400]],
    ['HTTP/3.7', () => line('GET / HTTP/3.7'), [400]],
  ],
  'F-E09': [
    ['Expect: 100-continue', () => added('Expect', '100-continue'), [400]],
    ['another expectation', () => added('Expect', 'miracles'), [400]],
    ['an Upgrade to WebSocket', () => upgrade('websocket'), [400]],
    ['an Upgrade to HTTP/2', () => upgrade('h2c'), [400]],
    ['no bytes at all', () => '', [408]],
    ['half a line', () => 'GET / HT', [408]],
    ['half the headers', () => line('GET / HTTP/1.1').slice(0, -2), [408]],
    ['headers of 1 MiB', () => added('X-Long', 'a'.repeat(1_048_576)), [431]],
    ['zeros', () => '\0'.repeat(100), [400]],
  ],
  'B-097': [
    [
      'a PUT for a metadata token',
      () => added('X-aws-ec2-metadata-token-ttl-seconds', '60').replace(/^GET \//, 'PUT /latest/api/token'),
      [404],
    ],
    ['metadata', () => path('/latest/meta-data/'), [404]],
    ['metadata credentials', () => path('/latest/meta-data/iam/security-credentials/'), [404]],
    ['extended metadata credentials', () => path('/latest/meta-data/iam/security-credentials-extended/deploy'), [404]],
    ['an identity document', () => path('/latest/dynamic/instance-identity/document'), [404]],
  ],
  'B-099': [
    ['a role that is not listed', () => path('/role-arn/arn:aws:iam::111122223333:role/admin'), [403]],
    ['the same, encoded', () => path(`/role-arn/${encodeURIComponent('arn:aws:iam::111122223333:role/admin')}`), [403]],
    ['a role in other letters', () => path(`/role-arn/${role.toUpperCase().replace('ARN', 'arn')}`), [403]],
    ['another account', () => path('/role-arn/arn:aws:iam::999999999999:role/deploy'), [403]],
    ['a role whose name begins alike', () => path(`/role-arn/${role}2`), [403]],
  ],
}

const chunked = ['Transfer-Encoding', 'chunked'] as const

function upgrade(protocol: string): string {
  return requestText('GET / HTTP/1.1', [...right(), ['Connection', 'Upgrade'], ['Upgrade', protocol]])
}

function many(count: number): string {
  const more = Array.from({ length: count - 2 }, (_, index): [string, string] => [`X-${index}`, '1'])
  return requestText('GET / HTTP/1.1', [...right(), ...more])
}

function swapped(text: string): string {
  return text.replace(/[A-Za-z]/g, (letter) => (letter < 'a' ? letter.toLowerCase() : letter.toUpperCase()))
}

for (const [id, list] of Object.entries(attacks)) {
  describe(id, () => {
    it.each(list)('%s gets nothing', async (_, bytes, statuses) => {
      const { status, text } = await rawRequest({ port: serving.port, host: '127.0.0.1' }, bytes())
      expect(statuses).toContain(status)
      expect(text).not.toMatch(/ASIA|SecretAccessKey|access-control|set-cookie/i)
      expect(text).not.toContain(serving.token)
      expect(calls()).toBe(before)
    })
  })
}

it('T-10: goes on as before, and had more than sixty attacks', async () => {
  expect(Object.values(attacks).flat().length).toBeGreaterThan(60)
  expect(calls()).toBe(before)
  expect((await serving.get()).status).toBe(200)
  expect([serving.stderr, calls()]).toEqual(['', before + 1])
})

it('T-10: answers with what keeps an answer out of caches and pages', async () => {
  const { headers } = await serving.get()
  expect(headers.get('cache-control')).toBe('no-store')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('content-type')).toBe('application/json')
  expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
})

it('takes as many headers as it says', async () => {
  const close = requestText('', [['Connection', 'close']]).trim()
  const text = many(99).replace('\r\n\r\n', `\r\n${close}\r\n\r\n`)
  expect((await rawRequest({ port: serving.port, host: '127.0.0.1' }, text)).status).toBe(200)
})
