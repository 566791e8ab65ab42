// What the local endpoint is sent, and the tables by which it knows who sent it, as the fuzzer takes them. In: bytes. Out:
// nothing, or an error that says what was let through: credentials go to a request with our Host and the token, each once, alone.

import { deepStrictEqual } from 'node:assert'
import { CallerToken } from '../../src/endpoint/caller-token.ts'
import { containerService } from '../../src/endpoint/container-service.ts'
import { Figures } from '../../src/endpoint/figures.ts'
import { metadataService } from '../../src/endpoint/metadata-service.ts'
import { MetadataTokens } from '../../src/endpoint/metadata-token.ts'
import { ownersIn } from '../../src/endpoint/peer-owner.ts'
import { refuseRequest } from '../../src/endpoint/request-guard.ts'
import { Sessions } from '../../src/endpoint/sessions.ts'
import type { FuzzTarget } from './fuzzer.ts'

const host = '127.0.0.1:4711'
const token = 'A'.repeat(43)
const role = 'arn:aws:iam::111122223333:role/deploy'
const now = (): Date => new Date(Date.UTC(2026, 10, 24))

const sessions = new Sessions({
  source: { roleArn: role, credentials: () => Promise.reject(new Error('not asked')), close: async () => undefined },
  otherRoles: [`${role}2`],
  now,
  random: () => 0,
  onFailed: () => undefined,
})
const figures = new Figures(() => sessions.figures())
const metadataTokens = new MetadataTokens((size) => new Uint8Array(size), now)
const metadataToken = metadataTokens.issue(60)
const container = containerService(sessions, new CallerToken(token), figures)
const metadata = metadataService(sessions, metadataTokens, { region: 'eu-west-1', name: 'deploy' }, figures)

const seedOf = (first: string, ...headers: readonly string[]): Buffer =>
  Buffer.from([first, `Host: ${host}`, ...headers].join('\n'))

const requests: FuzzTarget = {
  name: 'requests to the endpoint',
  files: [
    'src/endpoint/request-guard.ts',
    'src/endpoint/container-service.ts',
    'src/endpoint/caller-token.ts',
    'src/endpoint/metadata-service.ts',
    'src/endpoint/metadata-token.ts',
  ],
  seeds: [
    seedOf('GET /', `Authorization: ${token}`),
    seedOf(`GET /role-arn/${encodeURIComponent(role)}`, `Authorization: ${token}`, 'Accept: */*'),
    seedOf('GET /metrics', `Authorization: ${token}`),
    seedOf('PUT /latest/api/token', 'X-aws-ec2-metadata-token-ttl-seconds: 21600', 'Content-Length: 0'),
    seedOf('GET //latest/meta-data/iam/security-credentials/deploy', `X-aws-ec2-metadata-token: ${metadataToken}`),
    seedOf('GET /', 'Origin: https://example.com', 'X-Forwarded-For: 1.2.3.4', 'Sec-Fetch-Site: cross-site'),
  ],
  words: [
    'Host: 127.0.0.1:4711',
    'Authorization: ',
    token,
    'Transfer-Encoding: chunked',
    'Content-Length: 1',
    'Via: ',
    '%2F',
    '%',
    '/role-arn/',
    '../',
    '\n',
    ': ',
    'POST ',
  ],
  run(input) {
    const [first = '', ...lines] = input.toString('latin1').split('\n')
    const [method = '', target = ''] = first.split(' ')
    const headers = lines.map((line) => line.split(/: (.*)/s, 2))
    const rawHeaders = headers.flatMap(([name = '', value = '']) => [name, value])
    const head = { method, target, rawHeaders }
    const valuesOf = (wanted: string) =>
      headers.flatMap(([name, value]) => (name?.toLowerCase() === wanted ? [value] : []))
    const refused = refuseRequest(head, (text) => text === host)
    if (refused === undefined) deepStrictEqual(valuesOf('host'), [host])
    for (const [service, name, needed] of [
      [container, 'authorization', token],
      [metadata, 'x-aws-ec2-metadata-token', metadataToken],
    ] as const) {
      const reply = refused ?? service(head)
      if (typeof reply !== 'function') deepStrictEqual(reply.status >= 400 && reply.session === undefined, true)
      else if (method === 'GET') deepStrictEqual(valuesOf(name), [needed])
      else deepStrictEqual([method, target.replace(/^\/+/, '/')], ['PUT', '/latest/api/token'])
    }
  },
}

const line =
  '   0: 0100007F:1267 0100007F:A0F2 01 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0 20 4 30 10 -1'

const tables: FuzzTarget = {
  name: 'tables of sockets',
  files: ['src/endpoint/peer-owner.ts'],
  seeds: [
    `  sl  local_address rem_address   st\n${line}\n${line.replace('1000', '0')}\n`,
    `head\n${line.replaceAll('0100007F', '0000000000000000FFFF00000100007F')}\n`,
  ].map((text) => Buffer.from(text)),
  words: ['\n', ' ', '0100007F:', 'FFFF0000', '1000', '0x', '-1', '4242'],
  run(input) {
    const text = input.toString('latin1')
    for (const [ends, owner] of ownersIn([text, text])) {
      deepStrictEqual(ends.length <= 27, true)
      // Whatever is no number is nobody: no user has it.
      deepStrictEqual([typeof owner.uid, owner.inode === 0], ['number', false])
    }
  },
}

export const endpointTargets: readonly FuzzTarget[] = [requests, tables]
