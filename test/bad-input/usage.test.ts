// B-100 to B-109 through the command: words and variables that it does not have or must not follow. The single forms of
// B-100 stand in test/cli/transcripts/usage.txt.

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CheckedIn, region, role } from '../cli/checked-in.ts'
import { throwAwayKey } from '../cli/hardkey.ts'
import { expectCommandRefuses, expectRefused, type Refusal } from './refused.ts'

const { secretAccessKey: secret } = throwAwayKey()
const password = 'canary-proxy-4711'
const canaries = { secret: Buffer.from(secret), password: Buffer.from(password) }
const usage = (says?: string, hint?: string | RegExp): Refusal => ({ code: 'ERR_USAGE', says, hint, canaries })
const config = (says?: string, hint?: string): Refusal => ({ code: 'ERR_CONFIG_INVALID', says, hint, canaries })

let there: CheckedIn
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterAll(() => there.remove())

describe('words of the command line', () => {
  it.each([
    ['a command that there is not', ['inspct', 'prod'], '"inspct"', 'did you mean hardkey inspect'],
    ['an option that there is not', ['whoami', 'prod', '--regin', 'x'], '"--regin"', /^did you mean --region; usage: /],
    [
      'a value that is missing',
      ['whoami', 'prod', '--region', '--json'],
      '--region needs a value',
      /usage: hardkey whoami NAME/,
    ],
    ['an option twice', ['whoami', 'prod', '--region=a', '--region=b'], 'twice', /^usage: hardkey whoami NAME/],
    ['an empty value', ['whoami', 'prod', '--region='], '--region is empty', /^usage: hardkey whoami NAME/],
    ['a value for a switch', ['list', '--json=yes'], 'takes no value', /^usage: hardkey list/],
    ['an option behind --', ['whoami', '--', '--region'], '"--region"', undefined],
    ['a word too many behind --', ['whoami', 'prod', '--', 'x'], 'one word too many', /^usage: hardkey whoami NAME/],
    ['a word that is missing', ['presign', 'prod'], 'URL is missing', /^usage: hardkey presign NAME URL/],
  ])('B-100: with %s are refused, with the usage of that command only', async (_, words, says, hint) => {
    await expectCommandRefuses(there.home, words, usage(says, hint))
  })

  it.each([
    ['a name', ['whoami', secret]],
    ['a header', ['request', 'prod', 'GET', 'http://127.0.0.1/', '--header', `x-key: ${secret}`]],
    ['a body', ['request', 'prod', 'PUT', 'http://127.0.0.1/', '--body', `{"secret":"${secret}"}`]],
    ['a command', [secret]],
    ['an option', ['list', `--region=${secret}`]],
    ['what follows --', ['list', '--', secret]],
    ['a PIN source', ['inspect', 'prod', '--pin-source', secret]],
  ])('B-101: with a secret as %s are refused, and it is not repeated', async (_, words) => {
    await expectCommandRefuses(there.home, words, usage('looks like a secret access key', 'in your shell history'))
  })
})

it('B-115: S3 is told the length of a pipe, or gets no request', async () => {
  const words = ['request', 'prod', 'PUT', 's3://bucket/key', '--body', '@-', '--unsigned-payload', '--dry-run']
  await expectCommandRefuses(there.home, words, usage('length of the body', "--header 'Content-Length: BYTES'"))
  const { status, stdout } = await there.home.run([...words, '--header', 'content-length: 0'])
  expect([status, /^content-length: 0$/im.test(stdout)]).toEqual([0, true])
})

describe('variables that contradict or come back', () => {
  it('B-103: --profile comes before AWS_PROFILE', async () => {
    const endpoint = (name: string): string => `[profile ${name}]\nca_bundle = /of-${name}.pem\n`
    there.home.write('.aws/config', endpoint('option') + endpoint('variable'))
    const environment = { AWS_PROFILE: 'variable' }
    const words = ['whoami', 'prod']
    await expectCommandRefuses(there.home, words, config('/of-variable.pem'), { environment })
    await expectCommandRefuses(there.home, [...words, '--profile', 'option'], config('/of-option.pem'), { environment })
    there.home.write('.aws/config', '')
  })

  it('B-103: a credential endpoint of the environment, our own or not, is never asked', async () => {
    let asked = 0
    const server = await listening((_request, response) => {
      asked += 1
      response.end('{}')
    })
    const environment = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: urlOf(server),
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'token',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: urlOf(server),
    }
    const ran = await there.home.run(['credential-process', 'prod'], { environment })
    server.close()
    expect([ran.status, asked]).toEqual([0, 0])
  })

  it.each([
    ['an ID without a secret', { AWS_ACCESS_KEY_ID: 'AKIAAAAAAAAAAAAAAAAA' }],
    ['a secret with a line break', { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: `${secret}\r` }],
    ['a session token alone', { AWS_SESSION_TOKEN: 'token\n' }],
  ])('B-104: with %s change nothing', async (_, environment) => {
    const ran = await there.home.run(['whoami', 'prod', '--json'], { environment })
    expect([ran.status, ran.stderr, JSON.parse(ran.stdout).Arn]).toEqual([0, '', 'arn:aws:iam::111122223333:user/demo'])
  })

  it('B-104: are no fall-back where our own key cannot be had', async () => {
    const environment = { AWS_ACCESS_KEY_ID: there.accessKeyId, AWS_SECRET_ACCESS_KEY: there.secretAccessKey }
    const words = ['credential-process', 'prod', '--pin-source', `file:${there.home.write('wrong', 'wrong')}`]
    await expectCommandRefuses(there.home, words, { code: 'ERR_PIN_INCORRECT' }, { environment })
  })
})

describe('a variable', () => {
  it.each([
    ['AWS_ENDPOINT_URL_STS', 'http://sts.example/', 'not https (from AWS_ENDPOINT_URL_STS)'],
    ['AWS_ENDPOINT_URL', 'http://sts.example/', 'not https (from AWS_ENDPOINT_URL)'],
    ['AWS_ENDPOINT_URL_STS', 'http://169.254.169.254/', 'link-local'],
    ['AWS_ENDPOINT_URL_STS', 'sts', 'not a URL (from AWS_ENDPOINT_URL_STS)'],
  ])('B-105: %s=%s is refused with its origin', async (name, value, says) => {
    await expectCommandRefuses(there.home, ['whoami', 'prod'], config(says), { environment: { [name]: value } })
  })

  it.each([
    ['HTTPS_PROXY', `socks5://me:${password}@proxy.example:1080`],
    ['HTTPS_PROXY', `http://me:${password}@:3128`],
    ['https_proxy', `http://me:${password}@proxy.example:port`],
    ['http_proxy', `ftp://me:${password}@proxy.example`],
    ['HTTPS_PROXY', `http://me:%${password}@proxy.example`],
    ['NO_PROXY', '10.0.0.0/33'],
  ])('B-106: %s=%s is refused by its name, and its password not shown', async (name, value) => {
    const refusal = config(name === 'NO_PROXY' ? 'NO_PROXY' : name.toUpperCase())
    await expectCommandRefuses(there.home, ['whoami', 'prod'], refusal, { environment: { [name]: value } })
  })

  it('B-106: NO_PROXY=* sends every request directly', async () => {
    const environment = { HTTPS_PROXY: 'http://127.0.0.1:9', NO_PROXY: '*', AWS_MAX_ATTEMPTS: '1' }
    const words = ['whoami', 'prod', '--endpoint-url', 'https://sts.invalid/']
    // The name cannot be resolved here: so no proxy was asked to.
    const refusal: Refusal = { code: 'ERR_STS_UNREACHABLE', says: 'sts.invalid' }
    await expectCommandRefuses(there.home, words, refusal, { environment })
  })

  it.each([
    ['softhsm2.so', 'not absolute'],
    ['/no/such/module.so', '/no/such/module.so'],
  ])('B-107: PKCS11_MODULE_PATH=%s is refused, with its origin', async (value, says) => {
    const words = ['whoami', 'pkcs11:object=aws', '--access-key-id', there.accessKeyId, '--region', region]
    const ran = await there.home.run(['--verbose', ...words], { environment: { PKCS11_MODULE_PATH: value } })
    expect(ran.stderr).toContain('PKCS11_MODULE_PATH')
    expectRefused(ran, { code: 'ERR_URI_INVALID', says })
  })
})

describe('a word of a variable that is none', () => {
  it.each([
    ['tabrmd:', 'ERR_URI_INVALID', 'tabrmd'],
    ['nonsense', 'ERR_URI_INVALID', '"nonsense" is not the address of a TPM'],
    ['swtpm:host=127.0.0.1,port=abc', 'ERR_URI_INVALID', '"abc" is not a port'],
    ['/no/such', 'ERR_DEVICE_UNAVAILABLE', '/no/such'],
  ] as const)('B-107: TPM2TOOLS_TCTI=%s is refused, with its origin', async (value, code, says) => {
    const words = ['whoami', 'tpm2:handle=0x81010100', '--access-key-id', there.accessKeyId, '--region', region]
    const ran = await there.home.run(['--verbose', ...words], { environment: { TPM2TOOLS_TCTI: value } })
    expect(ran.stderr).toContain('from TPM2TOOLS_TCTI')
    expectRefused(ran, { code, says })
  })

  it.each([
    ['AWS_RETRY_MODE', 'often'],
    ['AWS_STS_REGIONAL_ENDPOINTS', 'global'],
  ])('B-107: %s=%s is refused by its name', async (name, value) => {
    await expectCommandRefuses(there.home, ['whoami', 'prod'], config(name), { environment: { [name]: value } })
  })
})

describe('an old Node', () => {
  it.each(['18.20.8', '20.18.3', '8.17.0'])('B-108: %s is refused in one line', async (version) => {
    const older = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`
    const environment = { NODE_OPTIONS: `--require ${there.home.write('older.cjs', older)}` }
    const refusal: Refusal = { code: 'ERR_BACKEND_UNSUPPORTED', says: `Node ${version}` }
    await expectCommandRefuses(there.home, ['list'], refusal, { environment })
  })
})

describe('foreign text', () => {
  const escapes = '\u001b[2J\u009b31m\u202egnp.exe\u0007'
  it.each([
    ['a command', [escapes]],
    ['an option', ['list', `--${escapes}`]],
    ['a name', ['whoami', escapes]],
    ['a region', ['whoami', 'prod', '--region', escapes, '--endpoint-url', 'https://store.example']],
    ['a role', ['credential-process', 'prod', '--role-arn', `${role}${escapes}`]],
    ['a profile', ['whoami', 'prod', '--profile', escapes]],
    ['a key URI', ['whoami', `tink:file=${escapes}`]],
    ['a file', ['whoami', 'prod', '--ca-bundle', `/${escapes}`]],
  ])('B-109: in %s cannot move the cursor', async (_, words) => {
    const ran = await there.home.run(words)
    expect(ran.stderr).not.toMatch(/[^\P{Cc}\n]|[\u202a-\u202e]/u)
    expect([ran.stdout, ran.status]).toEqual(['', 2])
  })

  it('B-109: in an error of the server cannot move the cursor', async () => {
    const message = `&#x9b;31m\u202egnp.exe${'\u0085'}`
    const body = `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>${message}</Message></Error><RequestId>r&#x9b;1</RequestId></ErrorResponse>`
    const server = await listening((_request, response) => response.writeHead(403).end(body))
    const ran = await there.home.run(['--verbose', 'whoami', 'prod', '--endpoint-url', urlOf(server)])
    server.close()
    expect(ran.stderr).not.toMatch(/[^\P{Cc}\n]|[\u202a-\u202e]/u)
    expectRefused(ran, { code: 'ERR_STS_REFUSED' })
  })
})

async function listening(answer: Parameters<typeof createServer>[1]): Promise<Server> {
  const server = createServer(answer)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return server
}

function urlOf(server: Server): string {
  // A server that listens on a port has an address of this kind.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}
