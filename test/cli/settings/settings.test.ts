// Where settings come from: option, then AWS_ variable, then record, then AWS profile. Seen by who is asked: each
// source names another region or endpoint, and the error or the scope of a signature tells which was taken.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CheckedIn } from '../checked-in.ts'

// Each run opens an embedded keyset, whose passphrase is slow to try on purpose.
let there: CheckedIn
beforeAll(async () => {
  there = await CheckedIn.make(['--role-arn', 'arn:aws:iam::111122223333:role/of-the-record'])
})
afterAll(() => there.remove())

const notAnEndpoint = (name: string): string => `http://${name}.example/`

async function refusedEndpoint(words: readonly string[], environment: Record<string, string> = {}): Promise<string> {
  const { stderr } = await there.home.run(['whoami', 'prod', ...words], { environment })
  return /endpoint http:\/\/(\S+)\.example/.exec(stderr)?.[1] ?? stderr
}

describe('an endpoint', () => {
  it('of an option comes before every variable', async () => {
    const environment = { AWS_ENDPOINT_URL_STS: notAnEndpoint('sts-variable') }
    expect(await refusedEndpoint(['--endpoint-url', notAnEndpoint('option')], environment)).toBe('option')
  })

  it('of AWS_ENDPOINT_URL_STS comes before AWS_ENDPOINT_URL', async () => {
    const environment = { AWS_ENDPOINT_URL_STS: notAnEndpoint('sts'), AWS_ENDPOINT_URL: notAnEndpoint('all') }
    expect(await refusedEndpoint([], environment)).toBe('sts')
  })

  it('of a variable comes before that of the record', async () => {
    expect(await refusedEndpoint([], { AWS_ENDPOINT_URL: notAnEndpoint('all') })).toBe('all')
  })

  it('of the record is taken where a variable says to ignore configured ones', async () => {
    const environment = { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true', AWS_ENDPOINT_URL: notAnEndpoint('all') }
    expect((await there.home.run(['whoami', 'prod'], { environment })).status).toBe(0)
  })

  it('of an AWS profile is taken last, and named with file and line', async () => {
    const config = there.home.write(
      'config',
      `[profile p]\nregion = eu-west-1\nendpoint_url = ${notAnEndpoint('profile')}\n`,
    )
    const uri = there.keyUri(`${there.home.records}/prod.keyset.json`)
    const words = ['whoami', uri, '--access-key-id', there.accessKeyId, '--profile', 'p']
    const { stderr } = await there.home.run(words, { environment: { AWS_CONFIG_FILE: config } })
    expect(stderr).toContain(`the STS endpoint http://profile.example is not https (from ${config}:3)`)
  })
})

it('names the application to AWS, by AWS_SDK_UA_APP_ID before sdk_ua_app_id of the profile', async () => {
  const agents: unknown[] = []
  const server = createServer((request, answer) => {
    agents.push(request.headers['user-agent'])
    answer.writeHead(403).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  const AWS_CONFIG_FILE = there.home.write('named', '[default]\nsdk_ua_app_id = night ly\n')
  const whoami = ['whoami', 'prod', '--endpoint-url', url]
  await there.home.run(whoami, { environment: { AWS_CONFIG_FILE } })
  await there.home.run(whoami, { environment: { AWS_CONFIG_FILE, AWS_SDK_UA_APP_ID: 'backup' } })
  server.close()
  expect([...new Set(agents)]).toEqual(['hardkey app/night-ly', 'hardkey app/backup'])
})

describe('a region', () => {
  const scopeOf = async (words: readonly string[], environment: Record<string, string> = {}): Promise<string> => {
    const request = ['request', 'prod', 'GET', 'http://127.0.0.1/', '--service', 's3', '--dry-run', ...words]
    const { stdout, stderr } = await there.home.run(request, { environment })
    return /\/\d{8}\/([^/]+)\/s3\//.exec(stdout)?.[1] ?? stderr
  }

  it('of an option comes before AWS_REGION', async () => {
    expect(await scopeOf(['--region', 'us-east-2'], { AWS_REGION: 'us-west-1' })).toBe('us-east-2')
  })

  it('of AWS_REGION comes before AWS_DEFAULT_REGION and the record', async () => {
    expect(await scopeOf([], { AWS_REGION: 'us-west-1', AWS_DEFAULT_REGION: 'us-west-2' })).toBe('us-west-1')
  })

  it('of the record comes before that of the AWS profile', async () => {
    const config = there.home.write('config', '[default]\nregion = ap-south-1\n')
    expect(await scopeOf([], { AWS_CONFIG_FILE: config })).toBe('eu-west-1')
  })
})

describe('a role', () => {
  const identity = async (...words: string[]): Promise<string> => {
    const { stdout } = await there.home.run(['credential-process', 'prod', ...words])
    return String(JSON.parse(stdout).AccountId ?? 'a session of the user')
  }

  it('of the record is assumed', async () => {
    expect(await identity()).toBe('111122223333')
  })

  it('of the record is left alone with --no-role', async () => {
    expect(await identity('--no-role')).toBe('a session of the user')
  })
})

describe('what is not a setting', () => {
  it('names a profile that does not exist', async () => {
    const { stderr, status } = await there.home.run(['whoami', 'prod', '--profile', 'nobody'])
    expect(stderr).toContain('hardkey: error: there is no AWS profile "nobody"')
    expect(status).toBe(2)
  })

  it('names a CA bundle that is missing, and where its name came from', async () => {
    const { stderr, status } = await there.home.run(['whoami', 'prod'], { environment: { AWS_CA_BUNDLE: '/none.pem' } })
    expect(stderr).toMatch(/^hardkey: error: .*none\.pem.*\(the CA bundle from AWS_CA_BUNDLE\)\n/)
    expect(status).toBe(2)
  })

  it('B-104: never signs with a key of the environment', async () => {
    const environment = { AWS_ACCESS_KEY_ID: 'AKIAAAAAAAAAAAAAAAAA', AWS_SECRET_ACCESS_KEY: 'x'.repeat(40) }
    const { stdout } = await there.home.run(['whoami', 'prod', '--json'], { environment })
    expect(JSON.parse(stdout)).toEqual({
      UserId: 'AIDADEMODEMODEMODEMO',
      Account: '111122223333',
      Arn: 'arn:aws:iam::111122223333:user/demo',
    })
  })
})
