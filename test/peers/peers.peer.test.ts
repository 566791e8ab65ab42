// Each peer answers: what is missing or broken is seen here, under its own name, before other tests fail because of it.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { builtEnvironment, peer } from './peer.ts'
import { sdkRelease, sdkReleases } from './sdk-releases.ts'

const folder = mkdtempSync(join(tmpdir(), 'hardkey-peers-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const say = (command: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  execFileSync(command, args, { env: builtEnvironment({ HOME: folder, ...environment }), encoding: 'utf8' })

it('softhsm lists its empty slot', async () => {
  const { util } = await peer('softhsm')
  const configuration = join(folder, 'softhsm2.conf')
  writeFileSync(configuration, `directories.tokendir = ${folder}\n`)
  expect(say(util, ['--show-slots'], { SOFTHSM2_CONF: configuration })).toContain('SoftHSM')
})

it('kryoptic lists its slot to pkcs11-tool', async () => {
  const configuration = join(folder, 'kryoptic.conf')
  writeFileSync(configuration, `[[slots]]\nslot = 42\ndbtype = "sqlite"\ndbargs = "${folder}/kryoptic.sql"\n`)
  const [{ module }, { tool }] = [await peer('kryoptic'), await peer('opensc')]
  expect(say(tool, ['--module', module, '--list-slots'], { KRYOPTIC_CONF: configuration })).toContain('Slot 0 (0x2a)')
})

it('the Python finds hvac beside what it has', async () => {
  const [{ command }, { modules }] = [await peer('python'), await peer('hvac')]
  const imported = 'import hvac; from tink.integration import hcvault; print(hvac.__name__)'
  expect(say(command, ['-c', imported], { PYTHONPATH: modules })).toBe('hvac\n')
})

it('Tink for Go writes a keyset', async () => {
  const { command } = await peer('tinkgo')
  const request = { Act: 'write', Form: 'json', Local: '00'.repeat(32), Key: '01'.repeat(32) }
  const written = execFileSync(command, { input: JSON.stringify(request), env: builtEnvironment(), encoding: 'utf8' })
  expect(Buffer.from(written, 'base64').toString()).toContain('"encryptedKeyset"')
})

it('the Python has what tests import, and the moto server', async () => {
  const { command, motoServer } = await peer('python')
  const imported = 'import boto3, botocore, moto, tink; print(botocore.__version__)'
  expect(say(command, ['-c', imported])).toMatch(/^\d/)
  expect(say(motoServer, ['--help'])).toContain('--port')
})

it('tpm2-tools say their version', async () => {
  const { command } = await peer('tpm2tools')
  expect(say(command, ['getcap', '--version'])).toContain('version="5.')
})

it.each(sdkReleases)('%s signs', async (name) => {
  const { s3 } = await sdkRelease(name)
  expect(new s3.S3Client({ region: 'us-east-1' }).config.signer).toBeTypeOf('function')
})

it.each([
  ['awscli', '--version', 'aws-cli/2.'],
  ['awscli1', '--version', 'aws-cli/1.'],
  ['versitygw', '--version', 'Version'],
  ['openbao', '--version', 'OpenBao v2'],
  ['minio', '--version', 'minio version'],
  ['p11kit', '--help', 'p11-kit'],
  ['swtpm', '--version', 'TPM emulator version'],
  ['cc', '--version', 'Free Software Foundation'],
  ['strace', '--version', 'strace'],
  ['node20', '--version', 'v20.'],
  ['node22', '--version', 'v22.'],
  ['node24', '--version', 'v24.'],
  ['node26', '--version', 'v26.'],
] as const)('%s runs', async (name, option, answer) => {
  const { command } = await peer(name)
  expect(say(command, [option])).toContain(answer)
})
