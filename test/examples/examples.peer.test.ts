// The programs in examples/, run as they stand by the Node that runs the tests, against real devices. moto and the
// demo's STS check the raw requests; the sessions come from the latter, since no double issues a GetSessionToken that can be used.

import { execFile } from 'node:child_process'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LoopbackSts, startLoopbackSts } from '../../src/cli/demo/loopback-sts.ts'
import { CommandHome } from '../cli/hardkey.ts'
import { type Moto, startMoto } from '../peers/moto.ts'
import { kmsKey } from '../peers/moto-kms.ts'
import { type OpenBao, startOpenBao } from '../peers/openbao.ts'
import { type SoftHsm, softHsm, testPin } from '../peers/softhsm.ts'

const run = promisify(execFile)
const examples = resolve(import.meta.dirname, '..', '..', 'examples')
const region = 'us-east-1'
const home = new CommandHome()
let moto: Moto
let sts: LoopbackSts
let hsm: SoftHsm
let bao: OpenBao

beforeAll(async () => {
  moto = await startMoto()
  const { accessKeyId, secretAccessKey } = moto
  sts = await startLoopbackSts({ accessKeyId, secretAccessKey: Buffer.from(secretAccessKey) })
  hsm = await softHsm()
  await hsm.addToken('prod')
  const pin = home.write('pin', testPin)
  await checkIn('token', `pkcs11:token=prod?module-path=${hsm.module}&pin-source=file:${pin}`)
  await checkIn('keyset', `tink:file=keyset.keyset.json?kek=passphrase:&pin-source=file:${pin}`)
  bao = await startOpenBao()
  await bao.done('POST', 'transit/keys/kek', {})
  const reach = `ca=${bao.caFile}&token-source=file:${home.write('token', bao.token)}`
  await checkIn('vault', `vault:key=fleet?address=${bao.url}&${reach}`)
  const kek = `hcvault://127.0.0.1:${bao.port}/transit/keys/kek`
  await checkIn('transit', `tink:file=transit.keyset.json?kek=${kek}&${reach}`)
  await checkIn('kms', `tink:file=kms.keyset.json?kek=aws-kms://${await kmsKey(moto)}&kek-endpoint=${moto.url}`)
})
afterAll(async () => {
  await moto?.stop()
  await sts?.close()
  await bao?.stop()
  hsm?.remove()
  home.remove()
})

async function checkIn(name: string, to: string): Promise<void> {
  const key = ['--access-key-id', moto.accessKeyId, '--from', 'stdin', '--other-store']
  const place = ['--region', region, '--endpoint-url', moto.url]
  const ran = await home.run(['import', name, '--to', to, ...key, ...place], {
    input: moto.secretAccessKey,
    environment: { ...hsm.environment, ...kmsUser() },
  })
  if (ran.status !== 0) throw new Error(`import ${name} failed: ${ran.stderr}`)
}

/** Whoever may use the key in AWS KMS. */
function kmsUser(): Record<string, string> {
  return { AWS_ACCESS_KEY_ID: moto.accessKeyId, AWS_SECRET_ACCESS_KEY: moto.secretAccessKey }
}

/** What the example prints. */
async function example(file: string, words: readonly string[], endpoint: string): Promise<string> {
  const env = home.environment({ ...hsm.environment, ...kmsUser(), AWS_ENDPOINT_URL_STS: endpoint })
  return (await run(process.execPath, [join(examples, file), ...words], { env })).stdout
}

const demoUser = 'arn:aws:iam::111122223333:user/demo'
const stsEndpoint = (): string => sts.url.replace(/\/$/, '')
const record = (name: string): string => join(home.records, `${name}.json`)
const uriOf = (name: string): string => JSON.parse(home.read(`hardkey/keys/${name}.json`)).uri

const ways = [
  { folder: 'pkcs11', under: 'a token', key: () => [uriOf('token'), moto.accessKeyId] },
  { folder: 'tink', under: 'a passphrase', key: () => [record('keyset')] },
  { folder: 'tink', under: "OpenBao's transit engine", key: () => [record('transit')] },
  { folder: 'tink', under: 'AWS KMS', key: () => [record('kms')] },
  { folder: 'vault', under: 'OpenBao', key: () => [record('vault')] },
]

describe.each(ways)('examples/$folder under $under', ({ folder, key }) => {
  it('signs a raw POST that moto accepts', async () => {
    // moto takes the query of a GET for its body, and then computes another signature.
    const printed = await example(`${folder}/rest.mjs`, [...key(), region], moto.url)
    expect(printed).toBe(`POST 200 ${moto.userArn}\nGET 403 undefined\n`)
  })

  it('signs a raw POST and a raw GET that an STS accepts', async () => {
    const printed = await example(`${folder}/rest.mjs`, [...key(), region], stsEndpoint())
    expect(printed).toBe(`POST 200 ${demoUser}\nGET 200 ${demoUser}\n`)
  })

  it('gives SDK clients sessions by GetSessionToken and by AssumeRole', async () => {
    const role = 'arn:aws:iam::111122223333:role/edge'
    const printed = await example(`${folder}/sdk.mjs`, [...key(), role, region], stsEndpoint())
    expect(printed).toBe(
      `GetSessionToken ${demoUser}\nAssumeRole arn:aws:sts::111122223333:assumed-role/edge/example\n`,
    )
  })
})
