// The command with a keyset that a service decrypts: checked in, asked who it is, sessions by AssumeRole (moto), inspected.
// Credentials for the service come from the environment, from an AWS profile, or from what Vault's own command has.

import { chmodSync, copyFileSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGoogleKms } from '../backends/tink-services/google-kms.ts'
import { Scanner } from '../leaks/scanner.ts'
import { type Moto, startMoto } from '../peers/moto.ts'
import { type KmsUser, kmsKey, kmsOnlyUser } from '../peers/moto-kms.ts'
import { type OpenBao, startOpenBao } from '../peers/openbao.ts'
import { CommandHome, type Ran } from './hardkey.ts'

const home = new CommandHome()
const google = await startGoogleKms()
let moto: Moto
let opener: KmsUser
let bao: OpenBao
let token: string
let arn: string

beforeAll(async () => {
  moto = await startMoto(3)
  opener = await kmsOnlyUser(moto)
  arn = await kmsKey(moto)
  bao = await startOpenBao()
  await bao.done('POST', 'transit/keys/kek', {})
  const update = '{ capabilities = ["update"] }'
  token = await bao.tokenFor(['encrypt', 'decrypt'].map((act) => `path "transit/${act}/kek" ${update}`).join('\n'))
})
afterAll(async () => {
  await moto?.stop()
  await bao?.stop()
  await google.close()
  home.remove()
})

type Environment = Readonly<Record<string, string>>
const awsEnvironment = (): Environment => ({
  AWS_ACCESS_KEY_ID: opener.accessKeyId,
  AWS_SECRET_ACCESS_KEY: opener.secretAccessKey,
  AWS_ENDPOINT_URL_KMS: moto.url,
})
const baoEnvironment = (): Environment => ({ BAO_ADDR: bao.url, BAO_TOKEN: token, BAO_CACERT: bao.caFile })

async function checkIn(name: string, kek: string, environment: Environment): Promise<Ran> {
  const key = ['--access-key-id', moto.accessKeyId, '--from', 'stdin', '--other-store']
  const place = ['--region', 'us-east-1', '--endpoint-url', moto.url, '--role-arn', moto.roleArn]
  const to = `tink:file=${name}.keyset.json?kek=${kek}`
  return await home.run(['import', name, '--to', to, ...key, ...place], { input: moto.secretAccessKey, environment })
}

const ways: readonly (readonly [string, () => string, () => Environment])[] = [
  ['aws', () => `aws-kms://${arn}`, awsEnvironment],
  ['transit', () => `hcvault://127.0.0.1:${bao.port}/transit/keys/kek`, baoEnvironment],
  ['google', () => googleKek(), () => ({})],
]
const googleKek = (): string =>
  `gcp-kms://${google.name}&kek-endpoint=${google.url}&token-source=file:${home.write('google-token', google.token)}`

describe.each(ways)('a keyset under %s', (name, kek, environment) => {
  it('is checked in, and moto says who it is', async () => {
    const ran = await checkIn(name, kek(), environment())
    expect(ran.stderr).not.toContain('hardkey: error')
    expect(ran.stdout).toContain(`identity    ${moto.userArn}`)
    expect(ran.status).toBe(0)
    const record = JSON.parse(home.read(`hardkey/keys/${name}.json`))
    expect(record).toMatchObject({ protection: 'memory', accessKeyId: moto.accessKeyId })
    expect(record.uri).toContain(`tink:file=${name}.keyset.json?kek=`)
  })

  it('whoami is signed by it', async () => {
    const ran = await home.run(['whoami', name], { environment: environment() })
    expect([ran.status, ran.stderr.includes('error'), ran.stdout.includes(moto.userArn)]).toEqual([0, false, true])
  })

  it('credential-process gives a session by AssumeRole', async () => {
    const ran = await home.run(['credential-process', name], { environment: environment() })
    expect(ran.status).toBe(0)
    expect(JSON.parse(ran.stdout)).toMatchObject({ Version: 1, AccessKeyId: expect.stringMatching(/^ASIA/) })
  })

  it('inspect says that the secret is in memory, and what decrypts it', async () => {
    const ran = await home.run(['inspect', name, '--json'], { environment: environment() })
    expect(ran.stderr).toContain('the secret is in the memory of every process')
    const [, text = ''] = kek().match(/^([^&]+)/) ?? []
    expect(JSON.parse(ran.stdout)).toMatchObject({ device: { protection: 'memory', attributes: { kek: text } } })
  })

  it('leaves no secret in what lies on the disk', () => {
    const scanner = new Scanner({ secret: Buffer.from(moto.secretAccessKey), token: Buffer.from(token) })
    const files = [`${name}.json`, `${name}.keyset.json`].map((file) => readFileSync(join(home.records, file)))
    expect(files.flatMap((bytes) => [...scanner.search(bytes)])).toEqual([])
  })

  it('is forgotten, keyset and all', async () => {
    const ran = await home.run(['forget', name, '--from-device', '--yes'], { environment: environment() })
    expect([ran.status, ran.stderr.includes('error')]).toEqual([0, false])
    expect(() => readFileSync(join(home.records, `${name}.keyset.json`))).toThrow('ENOENT')
  })
})

describe('credentials for AWS KMS', () => {
  beforeAll(async () => {
    await checkIn('kept', `aws-kms://${arn}`, awsEnvironment())
  })

  it('come from the AWS profile, and its endpoint too', async () => {
    home.write('.aws/credentials', credentialsFile('opener', opener))
    home.write(
      '.aws/config',
      `[profile opener]\nservices = local\n[services local]\nkms =\n  endpoint_url = ${moto.url}\n`,
    )
    const ran = await home.run(['whoami', 'kept'], { environment: { AWS_PROFILE: 'opener' } })
    expect([ran.status, ran.stderr]).toEqual([0, ''])
    rmSync(join(home.folder, '.aws'), { recursive: true })
  })

  it('are missing: says where they may come from', async () => {
    const environment = { AWS_ENDPOINT_URL_KMS: moto.url, AWS_EC2_METADATA_DISABLED: 'true' }
    const ran = await home.run(['whoami', 'kept'], { environment })
    expect(ran.stderr).toContain('no credentials for AWS KMS were found')
    expect(ran.status).toBe(1)
  })

  it('that come from the keyset itself are a circle, which is noticed', async () => {
    const command = `${process.execPath} ${join(import.meta.dirname, '..', '..', 'dist', 'cli', 'hardkey.cjs')}`
    home.write('.aws/config', `[profile round]\ncredential_process = ${command} credential-process kept\n`)
    const ran = await home.run(['whoami', 'kept'], {
      environment: { AWS_PROFILE: 'round', AWS_ENDPOINT_URL_KMS: moto.url },
    })
    expect(ran.stderr).toContain('gets its credentials from this keyset')
    expect(ran.status).not.toBe(0)
    rmSync(join(home.folder, '.aws'), { recursive: true })
  })

  it('B-050: that come from the keyset by way of another record and profile end where they come round', async () => {
    const command = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'hardkey.cjs')
    const script = `#!/bin/sh\necho "$2" >> "$HOME/started"\nAWS_PROFILE=two exec ${process.execPath} ${command} "$@"\n`
    chmodSync(home.write('hardkey.sh', script), 0o700)
    const asks = (name: string): string => `credential_process = ${home.folder}/hardkey.sh credential-process ${name}\n`
    copyFileSync(join(home.records, 'kept.json'), join(home.records, 'twin.json'))
    home.write('.aws/config', `[profile one]\n${asks('twin')}[profile two]\n${asks('kept')}`)
    const ran = await home.run(['whoami', 'kept'], {
      environment: { AWS_PROFILE: 'one', AWS_ENDPOINT_URL_KMS: moto.url, AWS_EC2_METADATA_DISABLED: 'true' },
    })
    expect(ran.stderr).toContain('no credentials for AWS KMS were found')
    // Two of the SDK's sources run the same line; the first keyset is never asked for again.
    expect([ran.status, new Set(home.read('started').split('\n'))]).toEqual([1, new Set(['twin', ''])])
    rmSync(join(home.folder, '.aws'), { recursive: true })
  })

  it('do not sign the requests to STS', async () => {
    const ran = await home.run(['whoami', 'kept', '--json'], { environment: awsEnvironment() })
    expect(JSON.parse(ran.stdout).Arn).toBe(moto.userArn)
  })
})

it('F-V07: a transit key that is not there is named, and not made, whatever the token may do', async () => {
  const environment = { ...baoEnvironment(), BAO_TOKEN: bao.token }
  const ran = await checkIn('misspelt', `hcvault://127.0.0.1:${bao.port}/transit/keys/kekk`, environment)
  expect(ran.stderr).toContain(`has no key "kekk" at the mount "transit"`)
  expect(ran.status).toBe(1)
  expect(Object((await bao.done('LIST', 'transit/keys')).data).keys).toEqual(['kek'])
})

it("a token of Vault's own command goes to its own server alone", async () => {
  const environment = { ...baoEnvironment(), BAO_ADDR: 'https://another.example:8200' }
  const ran = await checkIn('elsewhere', `hcvault://127.0.0.1:${bao.port}/transit/keys/kek`, environment)
  expect(ran.stderr).toContain('its token is not used for this one')
  expect(ran.status).toBe(1)
})

it("a token of Vault's own command does not go to Google", async () => {
  const kek = `gcp-kms://${google.name}&kek-endpoint=${google.url}&token-source=prompt:`
  const ran = await checkIn('elsewhere', kek, baoEnvironment())
  expect(ran.stderr).toContain('there is no terminal to ask for the access token')
  expect(ran.status).toBe(1)
})

function credentialsFile(profile: string, { accessKeyId, secretAccessKey }: KmsUser): string {
  return `[${profile}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`
}
