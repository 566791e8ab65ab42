// The types of hardkey/aws-sdk, which name none of the SDK's, fit those of every release: a program that hands the result
// to clients and signers compiles, strictly, and one that hands it something else does not.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { builtEnvironment, peer } from '../peers/peer.ts'
import { sdkReleases } from '../peers/sdk-releases.ts'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '..', '..')
const source = join(root, 'src')

const program = `
import { S3Client } from '@aws-sdk/client-s3'
import { STSClient } from '@aws-sdk/client-sts'
import { TranscribeStreamingClient } from '@aws-sdk/client-transcribe-streaming'
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers'
import { Signer } from '@aws-sdk/rds-signer'
import { S3RequestPresigner } from '@aws-sdk/s3-request-presigner'
import { fromHardkey } from '${source}/credentials/provider.ts'
import type { HmacKey } from '${source}/key/hmac-key.ts'
import type { DateKeySource } from '${source}/sigv4/date-key.ts'
import { requestSigner, signWithKey } from '${source}/aws-sdk/index.ts'

declare const key: HmacKey
declare const keys: DateKeySource
const region = 'eu-west-1'
const accessKeyId = 'AKIDEXAMPLE'
const signing = signWithKey({ key, accessKeyId })
const params = { RoleArn: 'arn:aws:iam::111122223333:role/r', RoleSessionName: 's' }
export const made = [
  new S3Client({ region, ...signing }),
  new STSClient({ region, ...signing, extensions: [...signing.extensions, { configure() {} }] }),
  new TranscribeStreamingClient({ region, ...signing }),
  new STSClient({ region, ...signing, signer: requestSigner({ keys, region, service: 'sts' }) }),
  new S3Client({ region, credentials: fromHardkey({ key, accessKeyId, sts: { action: 'GetSessionToken' } }) }),
  new S3RequestPresigner({ region, ...signing }),
  new Signer({ region, hostname: 'h', port: 1, username: 'u', ...signing }),
  fromTemporaryCredentials({ masterCredentials: signing.credentials, params, clientConfig: { region, ...signing } }),
]
`
const wrong = `
import { S3Client } from '@aws-sdk/client-s3'
export const made = new S3Client({ region: 'x', sha256: 'text' })
`

it.each(sdkReleases)('fit those of %s', async (name) => {
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-types-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  symlinkSync(join((await peer(name)).folder, 'node_modules'), join(folder, 'node_modules'))
  const options =
    '--noEmit --strict --exactOptionalPropertyTypes --skipLibCheck --allowImportingTsExtensions --module nodenext --target es2022 --lib es2023,esnext.disposable,dom --types node'
  const compile = async (text: string): Promise<string> => {
    writeFileSync(join(folder, 'program.mts'), text)
    const args = [...options.split(' '), '--typeRoots', join(root, 'node_modules', '@types'), 'program.mts']
    const tsc = join(root, 'node_modules', '.bin', 'tsc')
    return await run(tsc, args, { cwd: folder, env: builtEnvironment() }).then(
      () => '',
      (error: { stdout: string }) => error.stdout,
    )
  }
  expect(await compile(program)).toBe('')
  expect(await compile(wrong)).toContain("'sha256'")
})
