// `hardkey exec` with programs that are run for real: what they find in their environment, and which identity
// they have. The STS of the demo checks every signature.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { stsClient } from '../../src/sts/client.ts'
import { CheckedIn, region, role } from './checked-in.ts'
import { commandFile, ended, type Ran, type RunOptions } from './hardkey.ts'

// Each run opens an embedded keyset, whose passphrase is slow to try on purpose.
let there: CheckedIn
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterAll(() => there.remove())

const exec = (words: readonly string[], options?: RunOptions): Promise<Ran> =>
  there.home.run(['exec', 'prod', ...words], options)

/** Words that run this program of Node. */
const node = (program: string): readonly string[] => ['--', process.execPath, '-e', program]

const environmentOf = async (words: readonly string[], options?: RunOptions): Promise<Record<string, string>> => {
  const { stdout, stderr } = await exec([...words, ...node('console.log(JSON.stringify(process.env))')], options)
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as Record<string, string>
}

/** Asks the endpoint of the environment at this path and prints the answer. */
const ask = (path = ''): readonly string[] =>
  node(`const { AWS_CONTAINER_CREDENTIALS_FULL_URI: uri, AWS_CONTAINER_AUTHORIZATION_TOKEN: authorization } = process.env
    fetch(new URL(${JSON.stringify(path)}, uri), { headers: { authorization } }).then(async (answer) => {
      console.log(JSON.stringify({ status: answer.status, ...(await answer.json()) }))
    })`)

async function identityOf(accessKeyId = '', secretAccessKey = '', sessionToken = ''): Promise<string> {
  const keys = secretDateKeys({ accessKeyId, secretAccessKey, sessionToken })
  const sts = stsClient({ keys, region, endpoint: there.sts.url })
  const { arn } = await sts.getCallerIdentity()
  sts.close()
  return arn
}

describe('the endpoint', () => {
  const askedFor = async (path: string, ...words: string[]): Promise<Record<string, string>> =>
    JSON.parse((await exec([...words, ...ask(path)])).stdout) as Record<string, string>

  it('gives the program a session that works', async () => {
    const answer = await askedFor('', '--role-arn', role, '--role-session-name', 'nightly')
    const arn = await identityOf(answer.AccessKeyId, answer.SecretAccessKey, answer.Token)
    expect(arn).toBe('arn:aws:sts::111122223333:assumed-role/deploy/nightly')
  })

  it('gives a further role that --also-role names, and no other', async () => {
    const further = 'arn:aws:iam::111122223333:role/auditor'
    const words = ['--role-arn', role, '--also-role', further, '--role-session-name', 'nightly']
    const answer = await askedFor(`/role-arn/${further}`, ...words)
    const arn = await identityOf(answer.AccessKeyId, answer.SecretAccessKey, answer.Token)
    expect(arn).toBe('arn:aws:sts::111122223333:assumed-role/auditor/nightly')
    expect((await askedFor(`/role-arn/${further}x`, ...words)).AccessKeyId).toBeUndefined()
  })

  it('stands on 127.0.0.1 with a token of 256 bits, and the instance metadata service is off', async () => {
    const found = await environmentOf([])
    expect(found.AWS_CONTAINER_CREDENTIALS_FULL_URI).toMatch(/^http:\/\/127\.0\.0\.1:\d+\//)
    expect(Buffer.from(found.AWS_CONTAINER_AUTHORIZATION_TOKEN ?? '', 'base64url')).toHaveLength(32)
    expect(found.AWS_EC2_METADATA_DISABLED).toBe('true')
    expect(found.AWS_ACCESS_KEY_ID).toBeUndefined()
  })
})

describe('--env', () => {
  it('gives the session itself, and no endpoint', async () => {
    const found = await environmentOf(['--env', '--duration', '1h'])
    const arn = await identityOf(found.AWS_ACCESS_KEY_ID, found.AWS_SECRET_ACCESS_KEY, found.AWS_SESSION_TOKEN)
    expect(arn).toBe('arn:aws:iam::111122223333:user/demo')
    expect(found.AWS_CREDENTIAL_EXPIRATION).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(Object.keys(found).filter((name) => name.startsWith('AWS_CONTAINER'))).toEqual([])
  })

  it('refuses a further role that is none by the name of its option, before a session is asked for', async () => {
    const { stderr, status } = await exec(['--also-role', 'nonsense', ...ask()])
    expect(stderr).toMatch(/^hardkey: error: --also-role has 8 characters/m)
    expect(status).toBe(2)
  })

  it('contradicts --also-role', async () => {
    const { stderr, status } = await exec(['--env', '--also-role', role, ...ask()])
    expect(stderr).toContain('hardkey: error: --env gives one session, so there is no --also-role\n')
    expect(status).toBe(2)
  })
})

describe('the environment of the program', () => {
  it('has region, name and the proxies with this machine left out', async () => {
    expect(
      await environmentOf([], { environment: { HTTP_PROXY: 'http://127.0.0.1:1', NO_PROXY: 'x.example' } }),
    ).toMatchObject({
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      HARDKEY_NAME: 'prod',
      HTTP_PROXY: 'http://127.0.0.1:1',
      NO_PROXY: 'x.example,127.0.0.1,localhost',
      no_proxy: 'x.example,127.0.0.1,localhost',
    })
  })

  it('has no other identity, and not what unlocks the device', async () => {
    const pin = 'correct horse'
    const uri = there
      .keyUri(join(there.home.records, 'prod.keyset.json'))
      .replace(/pin-source=.*/, 'pin-source=env:PHRASE')
    const words = [
      'exec',
      uri,
      '--access-key-id',
      there.accessKeyId,
      '--region',
      region,
      '--endpoint-url',
      there.sts.url,
    ]
    const given = { PHRASE: pin, VAULT_TOKEN: 'hvs.x', AWS_PROFILE: '', AWS_SESSION_TOKEN: 'x', AWS_ROLE_ARN: 'x' }
    const program = node('console.log(JSON.stringify(process.env))')
    const { stdout } = await there.home.run([...words, ...program], { environment: given })
    const found = JSON.parse(stdout) as Record<string, string>
    expect(Object.keys(given).filter((name) => name in found)).toEqual([])
    expect(stdout).not.toContain(pin)
    expect(stdout).not.toContain(there.secretAccessKey)
    expect(found.HARDKEY_NAME).toBe(there.accessKeyId)
  })

  it('comes without the descriptor of a PIN, which was read once for every role', async () => {
    const program = `for (const fd of require('fs').readdirSync('/proc/self/fd')) {
      try { console.log(require('fs').readlinkSync('/proc/self/fd/' + fd)) } catch {}
    }`
    const words = [
      'exec',
      'prod',
      '--pin-source',
      'fd:63',
      '--role-arn',
      role,
      '--also-role',
      `${role}r`,
      ...node(program),
    ]
    const phrase = join(there.home.folder, 'passphrase')
    const options = { env: there.home.environment(), detached: true }
    const shell = ['-c', '"$@" 63<"$0"', phrase, process.execPath, commandFile, ...words]
    const { stdout, stderr } = await ended(spawn('/bin/bash', shell, options))
    expect(stderr).toBe('')
    expect(stdout).toContain('pipe:')
    expect(stdout).not.toContain(phrase)
  })

  it('has its endpoint where a pipe gave the PIN, whose number the endpoint may have by then', async () => {
    const phrase = join(there.home.folder, 'passphrase')
    const options = { env: there.home.environment(), detached: true }
    const words = [process.execPath, commandFile, 'exec', 'prod', '--pin-source', 'fd:3', ...ask()]
    const shell = ['-c', '"$@" 3< <(cat "$0")', phrase, ...words]
    const { stdout, stderr } = await ended(spawn('/bin/bash', shell, options))
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({ status: 200 })
  })

  it('names the records that hardkey itself has', async () => {
    const { stdout } = await exec(node('console.log(process.env.HARDKEY_HOME)'))
    expect(stdout).toBe(`${join(there.home.folder, 'hardkey')}\n`)
  })
})

describe('the default profile', () => {
  const withConfig = (text: string): RunOptions => ({
    environment: { AWS_CONFIG_FILE: there.home.write('aws-config', text) },
  })

  it.each([
    'aws_access_key_id = AKIAIOSFODNN7EXAMPLE',
    'credential_process = /bin/false',
    'role_arn = arn:aws:iam::111122223333:role/other',
    'sso_session = work',
    'login_session = me',
  ])('that has %s is refused, since it would win', async (line) => {
    const { stdout, stderr, status } = await exec(ask(), withConfig(`[default]\n${line}\n`))
    const setting = line.split(' ', 1)[0]
    expect(stderr).toContain(`hardkey: error: the AWS profile "default" signs in by ${setting}, which would win`)
    expect(stderr).toContain('aws-config:2: give the program AWS files of its own (--isolate-config)')
    expect({ stdout, status }).toEqual({ stdout: '', status: 2 })
  })

  it('that says nothing of credentials is left to the program', async () => {
    const options = withConfig('[default]\nregion = us-east-2\n[profile other]\ncredential_process = /bin/false\n')
    expect((await environmentOf([], options)).AWS_CONFIG_FILE).toBe(options.environment?.AWS_CONFIG_FILE)
  })

  it('does not win over --env', async () => {
    const options = withConfig('[default]\ncredential_process = /bin/false\n')
    expect((await environmentOf(['--env'], options)).AWS_ACCESS_KEY_ID).toMatch(/^ASIA/)
  })

  it('is not seen with --isolate-config, whose files are gone at the end', async () => {
    const program = `const { statSync, readFileSync } = require('fs')
      const { AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: credentials } = process.env
      const mode = (statSync(require('path').dirname(config)).mode & 0o777).toString(8)
      console.log(JSON.stringify({ config, mode, boto: process.env.BOTO_CONFIG, texts: [config, credentials].map((file) => readFileSync(file, 'utf8')) }))`
    const options = withConfig('[default]\ncredential_process = /bin/false\n')
    const ran = JSON.parse((await exec(['--isolate-config', ...node(program)], options)).stdout) as Record<
      string,
      string
    >
    expect(ran).toMatchObject({ mode: '700', boto: '/dev/null', texts: [`[default]\nregion = ${region}\n`, ''] })
    expect(existsSync(ran.config ?? '')).toBe(false)
  })

  it('is found where the variable begins with ~/ or has $HOME in it', async () => {
    there.home.write('own/config', '[default]\ncredential_process = /bin/false\n')
    for (const path of ['~/own/config', '$HOME/own/config', '${HOME}/own/config']) {
      const { stderr } = await exec(ask(), { environment: { AWS_CONFIG_FILE: path } })
      expect(stderr, path).toContain('own/config:2: give the program')
    }
  })

  it('is none where a variable names /dev/null', async () => {
    const environment = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' }
    expect((await environmentOf([], { environment })).AWS_CONFIG_FILE).toBe('/dev/null')
  })
})
