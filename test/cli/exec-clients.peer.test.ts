// AWS tools run by `hardkey exec`, each with nothing but what exec gives it. moto checks the signatures. Each trap is set: an
// identity that the tool would take instead stands in its way.

import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { shellFormats, shellLines } from '../../src/cli/texts/shell-lines.ts'
import { type Moto, startMoto } from '../peers/moto.ts'
import { peer } from '../peers/peer.ts'
import { CommandHome, type Ran } from './hardkey.ts'

const sessionArn = 'arn:aws:sts::123456789012:assumed-role/reader/nightly'
const home = new CommandHome()
let moto: Moto

beforeAll(async () => {
  moto = await startMoto()
  const to = `tink:file=prod.keyset.json?kek=passphrase:&pin-source=file:${home.write('passphrase', 'correct horse\n')}`
  const source = ['--from', 'stdin', '--access-key-id', moto.accessKeyId, '--other-store']
  const settings = ['--region', 'us-east-1', '--endpoint-url', moto.url]
  const roles = ['--role-arn', moto.roleArn, '--role-session-name', 'nightly']
  const ran = await home.run(['import', 'prod', '--to', to, ...source, ...settings, ...roles], {
    input: moto.secretAccessKey,
  })
  if (ran.status !== 0) throw new Error(ran.stderr)
})
afterAll(async () => {
  await moto?.stop()
  home.remove()
})

/** Words of a program that prints its ARN. */
const clients: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  'AWS CLI': async () => {
    const question = ['sts', 'get-caller-identity', '--endpoint-url', moto.url, '--query', 'Arn', '--output', 'text']
    return [(await peer('awscli')).command, ...question]
  },
  boto3: async () => {
    const client = `boto3.client('sts', endpoint_url='${moto.url}')`
    return [(await peer('python')).command, '-c', `import boto3\nprint(${client}.get_caller_identity()['Arn'])`]
  },
  'SDK for JavaScript': async () => {
    const module = JSON.stringify(createRequire(import.meta.url).resolve('@aws-sdk/client-sts'))
    const program = `const { STS } = require(${module})
      new STS({ endpoint: '${moto.url}' }).getCallerIdentity({}).then(({ Arn }) => console.log(Arn))`
    return [process.execPath, '-e', program]
  },
}

const told = async (
  options: readonly string[],
  client: string,
  environment: Record<string, string> = {},
): Promise<Ran> => home.run(['exec', 'prod', ...options, '--', ...((await clients[client]?.()) ?? [])], { environment })

describe.each(Object.keys(clients))('%s', (client) => {
  it.each([[[]], [['--env']]])('has the session with %j', async (options) => {
    expect(await told(options, client)).toMatchObject({ status: 0, stdout: `${sessionArn}\n` })
  })

  it('has it though the environment names other identities, endpoints and a proxy that is not there', async () => {
    const { stdout, stderr } = await told([], client, {
      AWS_ACCESS_KEY_ID: 'AKIAABCDEFGHIJKLMNOP',
      AWS_SECRET_ACCESS_KEY: 'x',
      AWS_WEB_IDENTITY_TOKEN_FILE: '/nonexistent',
      AWS_ROLE_ARN: 'arn:aws:iam::111122223333:role/x',
      AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/nonexistent',
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/nonexistent',
      HTTP_PROXY: 'http://127.0.0.1:1',
      http_proxy: 'http://127.0.0.1:1',
    })
    expect(stdout, stderr).toBe(`${sessionArn}\n`)
  })

  it('has it with --isolate-config though the default profile and a file of boto 2 keep a key', async () => {
    const key = 'aws_access_key_id = AKIAABCDEFGHIJKLMNOP\naws_secret_access_key = x'
    for (const text of [`[default]\n${key}\n`, `[DEFAULT]\n${key}\n[default]\nregion = us-east-1\n`]) {
      const environment = {
        AWS_SHARED_CREDENTIALS_FILE: home.write('credentials', text),
        BOTO_CONFIG: home.write('boto', `[Credentials]\n${key}\n`),
      }
      expect((await told([], client, environment)).stderr).toContain('the AWS profile "default" signs in by')
      const { stdout, stderr } = await told(['--isolate-config'], client, environment)
      expect(stdout, stderr).toBe(`${sessionArn}\n`)
    }
  })
})

describe('the formats of export', () => {
  // The CLI of Debian does not know fish yet.
  it.each(shellFormats.filter((format) => format !== 'fish'))('%s is what the AWS CLI prints', async (format) => {
    const { command } = await peer('awscli')
    const names = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_CREDENTIAL_EXPIRATION']
    const program = `printenv ${names.join(' ')}; ${command} configure export-credentials --format ${format}`
    const { stdout, stderr } = await home.run(['exec', 'prod', '--env', '--', 'sh', '-c', program])
    const lines = stdout.trimEnd().split('\n')
    const variables = Object.fromEntries(names.map((name, index) => [name, lines[index] ?? '']))
    // The CLI writes UTC as +00:00.
    expect(
      lines.slice(4).map((line) => line.replace('+00:00', 'Z')),
      stderr,
    ).toEqual(shellLines(format, variables))
  })
})
