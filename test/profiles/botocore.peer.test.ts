// Where STS is and which roles are assumed, against botocore: the same AWS files and variables give the same answer, or
// both refuse.

import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseCommandArguments } from '../../src/cli/args.ts'
import { deviceTerminal } from '../../src/cli/ask/terminal.ts'
import type { CommandContext } from '../../src/cli/command.ts'
import { descriptorOutput } from '../../src/cli/output.ts'
import { descriptorReport } from '../../src/cli/report.ts'
import { readEnvironment } from '../../src/cli/settings/environment.ts'
import { stsSettings } from '../../src/cli/settings/settings.ts'
import { commandNamed } from '../../src/cli/table.ts'
import { HardkeyError } from '../../src/errors.ts'
import type { AwsFiles } from '../../src/profiles/aws-config.ts'
import { credentialProcessLine } from '../../src/profiles/process-line.ts'
import { type ProfileRole, profileChain } from '../../src/profiles/profile-chain.ts'
import { stsEndpoint } from '../../src/sts/endpoints.ts'
import { temporaryFolder } from '../files/temporary-folder.ts'
import { awsFiles } from './aws-files.ts'
import { botocore, type Case, type Variables } from './botocore.ts'

/** Settings of which each may be missing. */
const some = (values: Readonly<Record<string, fc.Arbitrary<string>>>): fc.Arbitrary<Variables> =>
  fc
    .record(values, { requiredKeys: [] })
    .map((found) =>
      Object.fromEntries(
        Object.entries(found).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
      ),
    )

const flag = fc.constantFrom('true', 'false')
const url = (name: string): fc.Arbitrary<string> => fc.constantFrom(`https://${name}.example`, 'http://127.0.0.1:4566')
const attempts = fc.constantFrom('1', '4', '9')

const place = fc.record({
  variables: some({
    AWS_DEFAULT_REGION: fc.constantFrom('us-west-2', 'eu-west-1', 'us-gov-west-1', 'cn-north-1'),
    AWS_ENDPOINT_URL: url('variable'),
    AWS_ENDPOINT_URL_STS: url('variable-sts'),
    AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: flag,
    AWS_USE_FIPS_ENDPOINT: flag,
    AWS_USE_DUALSTACK_ENDPOINT: flag,
    AWS_MAX_ATTEMPTS: attempts,
    AWS_RETRY_MODE: fc.constantFrom('standard', 'adaptive', 'often'),
    AWS_CA_BUNDLE: fc.constant('variable.pem'),
  }),
  profile: some({
    region: fc.constantFrom('ap-south-1', 'us-east-1'),
    endpoint_url: url('profile'),
    services: fc.constantFrom('local', 'empty', 'none'),
    ignore_configured_endpoint_urls: flag,
    use_fips_endpoint: flag,
    max_attempts: attempts,
    retry_mode: fc.constantFrom('standard', 'adaptive'),
    sts_regional_endpoints: fc.constant('regional'),
    ca_bundle: fc.constant('profile.pem'),
  }),
  credentials: some({ region: fc.constantFrom('eu-north-1'), max_attempts: attempts }),
})

const section = (head: string, settings: Readonly<Record<string, string>>): string =>
  `[${head}]\n${Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('')}`

const services =
  '[services local]\nsts =\n  endpoint_url = https://of-the-service.example\ns3 =\n  endpoint_url = https://s3.example\n' +
  '[services empty]\ns3 =\n  endpoint_url = https://s3.example\n'

describe('where STS is', () => {
  it('is what botocore finds, on 200 mixtures of files and variables', async () => {
    const cases = placeCases(200)
    const theirs = await botocore<{ readonly error?: string }>(cases)
    const both = await Promise.all(
      cases.map(async (one, at) => [await ourPlace(one.variables), theirs[at], one] as const),
    )
    for (const [ours, botocores, one] of both) {
      // The rules of the SDK for JavaScript refuse what botocore takes: FIPS or dual stack beside an endpoint.
      if ('error' in ours && String(ours.error).includes('excludes FIPS')) continue
      if (botocores?.error === undefined) expect(ours, JSON.stringify(one)).toEqual(botocores)
      else expect(ours, `${JSON.stringify(one)} ${botocores.error}`).toHaveProperty('error')
    }
    // Neither all nothing nor all refused.
    expect(theirs.filter(({ error }) => error === undefined).length).toBeGreaterThan(50)
  })
})

/** Files and variables on disk. */
function placeCases(count: number): readonly Case[] {
  const folder = temporaryFolder()
  // A bundle holds its own path.
  for (const name of ['variable.pem', 'profile.pem'])
    writeFileSync(join(folder, name), join(folder, name), { mode: 0o600 })
  const placed = (settings: Variables): Variables =>
    Object.fromEntries(
      Object.entries(settings).map(([name, value]) => [name, value.endsWith('.pem') ? join(folder, value) : value]),
    )
  return fc.sample(place, { numRuns: count, seed: 9 }).map(({ variables, profile, credentials }) => {
    const files = awsFiles({
      config:
        section('default', { region: 'sa-east-1', endpoint_url: 'https://default.example' }) +
        section('profile p', placed(profile)) +
        services,
      credentials: section('p', credentials),
    })
    const places = { AWS_CONFIG_FILE: files.config, AWS_SHARED_CREDENTIALS_FILE: files.credentials }
    return { ask: 'place' as const, profile: 'p', variables: { ...placed(variables), ...places } }
  })
}

async function ourPlace(variables: Variables): Promise<object> {
  try {
    const { region, endpoint, maxAttempts, ca, ...more } = await stsSettings(contextOf(variables), {})
    const { url } = stsEndpoint({ ...more, region: region?.value, endpoint: endpoint?.value })
    const found = ca === undefined || !(typeof ca === 'object' && 'pem' in ca) ? null : Buffer.from(ca.pem).toString()
    return { url: url.replace(/\/$/, ''), attempts: maxAttempts ?? null, ca: found }
  } catch (error) {
    if (error instanceof HardkeyError) return { error: error.message }
    throw error
  }
}

function contextOf(variables: Variables): CommandContext {
  const whoami = commandNamed('whoami')
  if (whoami === undefined) throw new Error('there is such a command')
  const { signal } = new AbortController()
  return {
    args: parseCommandArguments(whoami, ['--profile', 'p']),
    environment: readEnvironment(variables, 'linux', () => '/nowhere'),
    output: descriptorOutput(1, () => {}),
    report: descriptorReport(2, false, () => false),
    terminal: deviceTerminal(signal, () => {}),
    now: () => new Date(),
    signal,
  }
}

const profileNames = ['a', 'b', 'c', 'd'] as const

/** A profile that assumes a role, one that asks hardkey, and one that does both. */
const oneProfile = fc.record({
  assumes: fc.constantFrom(true, true, false),
  runs: fc.boolean(),
  source: fc.constantFrom(...profileNames, 'c', 'd', 'd', 'none'),
  more: some({
    role_session_name: fc.constantFrom('nightly', 'me@home'),
    external_id: fc.constantFrom('x-1', 'y/2'),
    duration_seconds: fc.constantFrom('900', '1800'),
  }),
})

/** A program called hardkey that prints credentials. */
function hardkeyLine(): string {
  const path = join(temporaryFolder(), 'hardkey')
  writeFileSync(path, `#!/bin/sh\necho '{"Version":1,"AccessKeyId":"'"$2"'","SecretAccessKey":"s"}'\n`)
  chmodSync(path, 0o755)
  return credentialProcessLine([path], 'prod')
}

describe('the roles of a profile', () => {
  it('are assumed in the order of botocore, by the same keys and with the same words, on 300 files', async () => {
    const files = chainFiles(300)
    const theirs = await botocore<readonly object[] | { readonly error: string }>(
      files.map(({ config, credentials }) => ({
        ask: 'roles' as const,
        profile: 'a',
        variables: { AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: credentials },
      })),
    )
    for (const [at, pair] of files.entries()) {
      const ours = await profileChain(pair, 'a').catch((error: HardkeyError) => ({ error: error.message }))
      const expected = theirs[at]
      if (expected === undefined || 'error' in expected) expect(ours, JSON.stringify(expected)).toHaveProperty('error')
      else expect('roles' in ours ? ours.roles.map(asked) : ours).toEqual(expected.map(withoutSessionNames))
    }
    expect(theirs.filter((one) => Array.isArray(one) && one.length > 1).length).toBeGreaterThan(10)
  })
})

/** Files with four profiles each. */
function chainFiles(count: number): readonly AwsFiles[] {
  const line = hardkeyLine()
  const chain = fc.tuple(...profileNames.map(() => oneProfile))
  return fc.sample(chain, { numRuns: count, seed: 10 }).map((profiles) =>
    awsFiles({
      config: profiles
        .map(({ assumes, runs, source, more }, at) => {
          const role = {
            role_arn: `arn:aws:iam::111122223333:role/${profileNames[at]}`,
            source_profile: source,
            ...more,
          }
          const settings = { ...(assumes ? role : {}), ...(runs ? { credential_process: line } : {}) }
          return section(`profile ${profileNames[at]}`, settings)
        })
        .join(''),
    }),
  )
}

/** A role as botocore asks for it. */
function asked(role: ProfileRole, at: number): object {
  return {
    by: at === 0 ? 'prod' : `session ${at}`,
    RoleArn: role.roleArn,
    ...(role.roleSessionName === undefined ? {} : { RoleSessionName: role.roleSessionName }),
    ...(role.externalId === undefined ? {} : { ExternalId: role.externalId }),
    ...(role.durationSeconds === undefined ? {} : { DurationSeconds: role.durationSeconds }),
  }
}

/** botocore makes up a name where none is given. */
function withoutSessionNames({ RoleSessionName, ...others }: { readonly RoleSessionName?: string }): object {
  return RoleSessionName?.startsWith('botocore-session-') ? others : { ...others, RoleSessionName }
}
