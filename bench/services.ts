// Keys and key-encryption keys in services. One HMAC by OpenBao against a bare keep-alive POST to the same server; and cold
// `credential-process` for each service against `node` doing the same two POSTs. In: OpenBao and moto from .peers/, dist/.
// Out: rows of the table.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { openKey } from '../src/backends/open.ts'
import { tinkImporter } from '../src/backends/tink/import.ts'
import { vaultBackend } from '../src/backends/vault/backend.ts'
import { vaultImporter } from '../src/backends/vault/import.ts'
import { KeyUri } from '../src/key/uri.ts'
import { aws4Key } from '../src/sigv4/aws4-key.ts'
import { secretDateKeys } from '../src/sigv4/date-key.ts'
import { sigV4Signer } from '../src/sigv4/signer.ts'
import { type Moto, startMoto } from '../test/peers/moto.ts'
import { kmsKey, kmsRegion } from '../test/peers/moto-kms.ts'
import { type OpenBao, startOpenBao } from '../test/peers/openbao.ts'
import { builtEnvironment } from '../test/peers/peer.ts'
import { compare, type Effort, type Row, time } from './measure.ts'
import { startTlsSts, type TlsSts } from './tls-sts.ts'

const command = resolve('dist/cli/hardkey.cjs')
const accessKeyId = 'AKIDEXAMPLE'
const secretText = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const day = new TextEncoder().encode('20261124')
const repeats = 20

/** What a program is compared with: one POST, as a URL, headers and a body. */
interface Post {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

interface Services {
  readonly folder: string
  readonly bao: OpenBao
  readonly moto: Moto
  readonly sts: TlsSts
}

export async function serviceRows(effort: Effort): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-bench-'))
  const secretAccessKey = new TextEncoder().encode(secretText)
  const services: Services = {
    folder,
    bao: await startOpenBao(),
    moto: await startMoto(),
    sts: await startTlsSts(folder, { accessKeyId, secretAccessKey }),
  }
  try {
    await services.bao.done('POST', 'transit/keys/kek', {})
    const key = aws4Key(secretAccessKey)
    const vault = KeyUri.of('vault', { key: 'bench' }, { address: services.bao.url, ca: services.bao.caFile })
    await vaultImporter({ token: services.bao.token }).import(vault, key, { pin: noPin })
    const rows = [await hmacRow(services, vault, effort), ...(await coldRows(services, vault, effort))]
    key.wipe()
    return rows
  } finally {
    await services.bao.stop()
    await services.moto.stop()
    await services.sts.close()
    rmSync(folder, { recursive: true })
  }
}

const noPin = async (): Promise<Uint8Array> => {
  throw new Error('a token is given')
}

async function hmacRow({ bao }: Services, uri: KeyUri, effort: Effort): Promise<Row> {
  const key = await openKey(uri, { backends: [vaultBackend({ token: bao.token })] })
  const agent = new Agent({ keepAlive: true, ca: bao.ca })
  const post = hmacPost(bao)
  try {
    const figures = await compare(
      [
        { name: 'hardkey', times: repeats, run: () => repeat(() => key.hmac(day)) },
        { name: 'keep-alive POST', times: repeats, run: () => repeat(() => answered(post, agent)) },
      ],
      effort,
    )
    const [ours, bare] = [figures.microseconds('hardkey'), figures.microseconds('keep-alive POST')]
    const percent = (100 * (figures.ratio('hardkey', 'keep-alive POST') - 1)).toFixed(0)
    return {
      what: 'HMAC, OpenBao over TLS',
      ours: time(ours),
      compared: `keep-alive POST ${time(bare)}, ${percent} % more`,
      target: '15 (8) % more',
    }
  } finally {
    agent.destroy()
    await key.close()
  }
}

function hmacPost({ url, token }: OpenBao): Post {
  const body = JSON.stringify({ input: Buffer.from(day).toString('base64') })
  return { url: `${url}/v1/transit/hmac/bench/sha2-256`, headers: { 'x-vault-token': token }, body }
}

function answered({ url, headers, body }: Post, agent: Agent): Promise<string> {
  return new Promise((done, fail) => {
    const sent = request(url, { method: 'POST', headers, agent }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      answer.on('end', () => done(JSON.parse(text).data.hmac))
    })
    sent.on('error', fail)
    sent.end(body)
  })
}

async function repeat(act: () => unknown): Promise<void> {
  for (let done = 0; done < repeats; done++) await act()
}

async function coldRows(services: Services, vault: KeyUri, effort: Effort): Promise<Row[]> {
  const { bao, moto } = services
  const token = join(services.folder, 'token')
  writeFileSync(token, bao.token, { mode: 0o600 })
  const source = { 'token-source': `file:${token}` }
  const transit = await keyset(services, 'transit', {
    kek: `hcvault://127.0.0.1:${bao.port}/transit/keys/kek`,
    ca: bao.caFile,
  })
  const kms = await keyset(services, 'kms', { kek: `aws-kms://${await kmsKey(moto)}`, 'kek-endpoint': moto.url })
  const ways = [
    { name: 'OpenBao', uri: vault.with({ query: source }), post: hmacPost(bao) },
    { name: 'keyset under OpenBao', uri: transit.with({ query: source }), post: transitPost(bao, transit) },
    { name: 'keyset under AWS KMS (moto)', uri: kms, post: await kmsPost(moto, kms) },
  ]
  const environment = builtEnvironment({
    HOME: services.folder,
    HARDKEY_HOME: services.folder,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: moto.accessKeyId,
    AWS_SECRET_ACCESS_KEY: moto.secretAccessKey,
  })
  const start = (name: string, words: readonly string[]) => ({ name, times: 1, run: () => ended(words, environment) })
  const figures = await compare(
    ways.flatMap(({ name, uri, post }, index) => [
      start(name, credentialProcess(services, uri)),
      start(`two POSTs, ${name}`, [twoPosts(services, `${index}.cjs`, post)]),
    ]),
    effort,
  )
  return ways.map(({ name }) => {
    const bare = `two POSTs, ${name}`
    return {
      what: `cold start, credential-process, ${name}`,
      ours: time(figures.microseconds(name)),
      compared: `node, two POSTs ${time(figures.microseconds(bare))}, ${figures.ratio(name, bare).toFixed(2)} times its time`,
      target: '',
    }
  })
}

async function keyset(services: Services, name: string, query: Readonly<Record<string, string>>): Promise<KeyUri> {
  const { bao, moto, folder } = services
  const uri = KeyUri.of('tink', { file: join(folder, `${name}.keyset.json`) }, query)
  const key = aws4Key(new TextEncoder().encode(secretText))
  const { accessKeyId: id, secretAccessKey } = moto
  const importer = tinkImporter({ vaultToken: bao.token, awsCredentials: { accessKeyId: id, secretAccessKey } })
  await importer.import(uri, key, { pin: noPin })
  key.wipe()
  return uri
}

function encryptedIn(uri: KeyUri): string {
  return JSON.parse(readFileSync(uri.get('file') ?? '', 'utf8')).encryptedKeyset
}

function transitPost({ url, token }: OpenBao, uri: KeyUri): Post {
  const ciphertext = Buffer.from(encryptedIn(uri), 'base64').toString()
  return {
    url: `${url}/v1/transit/decrypt/kek`,
    headers: { 'x-vault-token': token },
    body: JSON.stringify({ ciphertext }),
  }
}

/** Signed once: moto does not look at the time. */
async function kmsPost(moto: Moto, uri: KeyUri): Promise<Post> {
  const { accessKeyId: id, secretAccessKey } = moto
  const keys = secretDateKeys({ accessKeyId: id, secretAccessKey })
  const signer = sigV4Signer({ keys, region: kmsRegion, service: 'kms' })
  const body = JSON.stringify({ CiphertextBlob: encryptedIn(uri) })
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'TrentService.Decrypt' }
  const signed = await signer.sign({ method: 'POST', url: `${moto.url}/`, headers, body })
  return { url: signed.url, headers: signed.headers, body }
}

function credentialProcess({ sts }: Services, uri: KeyUri): string[] {
  const words = [command, 'credential-process', String(uri), '--access-key-id', accessKeyId, '--no-role']
  return [...words, '--endpoint-url', sts.url, '--ca-bundle', sts.certificate]
}

/** A program that asks the service, and then STS. */
function twoPosts({ folder, bao, sts }: Services, name: string, { url, headers, body }: Post): string {
  const path = join(folder, name)
  const protocol = url.startsWith('https:') ? 'https' : 'http'
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  writeFileSync(
    path,
    `const { readFileSync } = require('node:fs')
const post = (protocol, url, headers, ca, body, then) => {
  const sent = require(protocol).request(url, { method: 'POST', headers, ca: readFileSync(ca) }, (answer) => {
    if (then !== undefined && answer.statusCode !== 200) process.exit(1)
    answer.resume().on('end', then ?? (() => {}))
  })
  sent.end(body)
}
post('node:${protocol}', ${JSON.stringify(url)}, ${JSON.stringify(headers)}, ${JSON.stringify(bao.caFile)}, ${JSON.stringify(body)}, () =>
  post('node:https', ${JSON.stringify(sts.url)}, ${JSON.stringify(form)}, ${JSON.stringify(sts.certificate)}, 'Action=GetSessionToken&Version=2011-06-15'))
`,
  )
  return path
}

async function ended(parameters: readonly string[], environment: Record<string, string>): Promise<void> {
  const child = spawn(process.execPath, parameters, { env: environment, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const status = await new Promise((done) => child.on('close', done))
  if (status !== 0) throw new Error(`${parameters.slice(0, 2).join(' ')} ended with ${status}: ${said.trim()}`)
}
