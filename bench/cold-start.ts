// Starts of the command: against `node` running an empty file, and for `credential-process` without a kept session against
// `node` doing the one https POST that it needs. In: dist/cli/hardkey.cjs, SoftHSM from .peers/. Out: rows of the table.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pkcs11Importer } from '../src/backends/pkcs11/import.ts'
import { tinkImporter } from '../src/backends/tink/import.ts'
import { KeyUri } from '../src/key/uri.ts'
import { aws4Key } from '../src/sigv4/aws4-key.ts'
import { builtEnvironment } from '../test/peers/peer.ts'
import { softHsm, testPin } from '../test/peers/softhsm.ts'
import { type Contender, compare, type Effort, type Row, time } from './measure.ts'
import { startTlsSts, type TlsSts } from './tls-sts.ts'

const command = resolve('dist/cli/hardkey.cjs')
const accessKeyId = 'AKIDEXAMPLE'
const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'

export async function coldStartRows(effort: Effort): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-bench-'))
  const memory = mkdtempSync('/dev/shm/hardkey-bench-')
  const hsm = await softHsm()
  const sts = await startTlsSts(folder, { accessKeyId, secretAccessKey: new TextEncoder().encode(secret) })
  try {
    await hsm.addToken('bench')
    const environment = builtEnvironment({
      ...hsm.environment,
      HOME: folder,
      HARDKEY_HOME: folder,
      AWS_REGION: 'us-east-1',
    })
    const starts = scripts(folder, sts)
    const keys = await checkedIn(folder, hsm.module, environment)
    const process = (uri: KeyUri, pinFile: string): string[] =>
      [
        command,
        'credential-process',
        String(uri),
        '--access-key-id',
        accessKeyId,
        '--pin-source',
        `file:${pinFile}`,
      ].concat(['--no-role', '--endpoint-url', sts.url, '--ca-bundle', sts.certificate])
    const contender = (name: string, parameters: readonly string[], added: object = {}): Contender => ({
      name,
      times: 1,
      run: () => ended(parameters, { ...environment, ...added }),
    })
    const inMemory = { HARDKEY_CACHE_DIR: memory }
    const kept = contender('credential-process, kept session', process(keys.token, keys.pinFile), inMemory)
    await kept.run()
    const figures = await compare(
      [
        contender('node, empty file', [starts.empty]),
        contender('node, https POST', [starts.post]),
        contender('node, scrypt and https POST', [starts.scrypt]),
        kept,
        contender('hardkey --version', [command, '--version']),
        contender('credential-process, PKCS#11', process(keys.token, keys.pinFile)),
        contender('credential-process, embedded', process(keys.keyset, keys.pinFile)),
      ],
      effort,
    )
    const row = (name: string, base: string, target: string): Row => ({
      what: `start, ${name}`,
      ours: time(figures.microseconds(name)),
      compared: `${base} ${time(figures.microseconds(base))}, ${figures.ratio(name, base).toFixed(2)} times its time`,
      target,
    })
    return [
      row('credential-process, kept session', 'node, empty file', '1.20 (1.10)'),
      row('hardkey --version', 'node, empty file', ''),
      row('credential-process, PKCS#11', 'node, https POST', '1.9 (1.6), Node 20 1.4 (1.15)'),
      row('credential-process, embedded', 'node, scrypt and https POST', '1.2 (1.05)'),
    ]
  } finally {
    await sts.close()
    hsm.remove()
    rmSync(folder, { recursive: true })
    rmSync(memory, { recursive: true })
  }
}

/** Programs to compare with: nothing, one POST, and the key derivation of the embedded keyset before one POST. */
function scripts(folder: string, sts: TlsSts): { empty: string; post: string; scrypt: string } {
  const write = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  const options = JSON.stringify({ method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } })
  const post = `const ca = require('node:fs').readFileSync(${JSON.stringify(sts.certificate)})
const request = require('node:https').request(${JSON.stringify(sts.url)}, { ...${options}, ca }, (answer) => answer.resume())
request.end('Action=GetSessionToken&Version=2011-06-15')\n`
  const derive = `require('node:crypto').scryptSync('a', 'b', 32, { N: 2 ** 17, r: 8, p: 1, maxmem: 2 ** 28 })\n`
  return { empty: write('empty.cjs', ''), post: write('post.cjs', post), scrypt: write('scrypt.cjs', derive + post) }
}

/** The same secret in SoftHSM and in an embedded keyset, both unlocked by one file. */
async function checkedIn(
  folder: string,
  module: string,
  environment: Record<string, string>,
): Promise<{ token: KeyUri; keyset: KeyUri; pinFile: string }> {
  const pinFile = join(folder, 'pin')
  writeFileSync(pinFile, testPin, { mode: 0o600 })
  const pin = async (): Promise<Uint8Array> => new TextEncoder().encode(testPin)
  const key = aws4Key(new TextEncoder().encode(secret))
  const token = KeyUri.of('pkcs11', { token: 'bench', object: 'aws' }, { 'module-path': module })
  const keyset = KeyUri.of('tink', { file: join(folder, 'bench.keyset.json') }, { kek: 'passphrase:' })
  await pkcs11Importer({ environment }).import(token, key, { pin })
  await tinkImporter().import(keyset, key, { pin })
  key.wipe()
  return { token, keyset, pinFile }
}

async function ended(parameters: readonly string[], environment: Record<string, string>): Promise<void> {
  const child = spawn(process.execPath, parameters, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.resume()
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const status = await new Promise((done) => child.on('close', done))
  if (status !== 0) throw new Error(`${parameters.slice(0, 2).join(' ')} ended with ${status}: ${said.trim()}`)
}
