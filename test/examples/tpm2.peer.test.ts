// The programs in examples/tpm2 with keys of each kind in a software TPM, and the shell blocks of docs/tpm2-setup.md in their
// order, by bash. moto takes the part of STS for whoami, the demo's STS for sessions.

import { execFile } from 'node:child_process'
import { chmodSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LoopbackSts, startLoopbackSts } from '../../src/cli/demo/loopback-sts.ts'
import { CommandHome, commandFile } from '../cli/hardkey.ts'
import { type Moto, startMoto } from '../peers/moto.ts'
import { peer } from '../peers/peer.ts'
import { freePort } from '../peers/server-process.ts'
import { type Swtpm, startSwtpm } from '../peers/swtpm.ts'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '..', '..')
const region = 'us-east-1'
let moto: Moto
beforeAll(async () => {
  moto = await startMoto()
})
afterAll(() => moto?.stop())

describe('examples/tpm2', () => {
  const home = new CommandHome()
  let tpm: Swtpm
  let sts: LoopbackSts
  beforeAll(async () => {
    tpm = await startSwtpm()
    const { accessKeyId, secretAccessKey } = moto
    sts = await startLoopbackSts({ accessKeyId, secretAccessKey: Buffer.from(secretAccessKey) })
  })
  afterAll(async () => {
    await sts?.close()
    await tpm?.stop()
    home.remove()
  })

  const record = (name: string): string => join(home.records, `${name}.json`)
  /** As `inspect` shows it, from wherever one is. */
  const uriOf = (name: string): string =>
    JSON.parse(home.read(`hardkey/keys/${name}.json`)).uri.replace('file=', `file=${home.records}/`)
  const stsEndpoint = (): string => sts.url.replace(/\/$/, '')

  async function example(file: string, words: readonly string[], endpoint: string): Promise<string> {
    const env = home.environment({ AWS_ENDPOINT_URL_STS: endpoint })
    return (await run(process.execPath, [join(root, 'examples', 'tpm2', file), ...words], { env })).stdout
  }

  const ways = [
    ['plain', [], ''],
    ['password', ['--auth'], 'pin-source'],
    ['pcr', ['--pcrs', 'sha256:7,23'], ''],
    ['both', ['--auth', '--pcrs', 'sha256:7'], 'pin-source'],
  ] as const
  const places = [
    ['file', []],
    ['handle', ['--persist']],
  ] as const
  const cases = places.flatMap(([place, persist], row) =>
    ways.map(([way, more, pin], column) => {
      const handle = persist.flatMap((option) => [option, `0x8100020${4 * row + column}`])
      return { name: `${way}-${place}`, more: [...more, ...handle], hasPin: pin !== '' }
    }),
  )

  it.each(cases)('sign with a key that is $name', async ({ name, more, hasPin }) => {
    const pin = hasPin ? `&pin-source=file:${home.write('auth', 'correct horse')}` : ''
    const to = ['--to', `tpm2:?device=${tpm.device}${pin}`, ...more]
    const key = ['--access-key-id', moto.accessKeyId, '--from', 'stdin', '--other-store']
    const words = ['import', name, ...to, ...key, '--region', region, '--endpoint-url', moto.url]
    expect(await home.run(words, { input: moto.secretAccessKey })).toMatchObject({ status: 0 })
    const demoUser = 'arn:aws:iam::111122223333:user/demo'
    const rest = await example('rest.mjs', [uriOf(name), moto.accessKeyId, region], stsEndpoint())
    expect(rest).toBe(`POST 200 ${demoUser}\nGET 200 ${demoUser}\n`)
    const role = 'arn:aws:iam::111122223333:role/edge'
    const sdk = await example('sdk.mjs', [record(name), role, region], stsEndpoint())
    expect(sdk).toBe(`GetSessionToken ${demoUser}\nAssumeRole arn:aws:sts::111122223333:assumed-role/edge/example\n`)
  })
})

describe('docs/tpm2-setup.md', () => {
  const guide = readFileSync(join(root, 'docs', 'tpm2-setup.md'), 'utf8')
  const blocks = [...guide.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = '']) => block)
  const home = new CommandHome()
  afterAll(() => home.remove())

  function program(name: string, lines: string): void {
    chmodSync(home.write(`bin/${name}`, `#!/bin/bash\n${lines}\n`), 0o755)
  }

  async function played(): Promise<string> {
    await peer('swtpm')
    const port = await freePort()
    // moto's keys are not in AWS's form.
    const other = 'if [ "$1" = import ]; then set -- "$@" --other-store; fi'
    program('hardkey', `${other}\nexec ${process.execPath} ${commandFile} "$@"`)
    const { accessKeyId, secretAccessKey } = moto
    const key = { AccessKey: { UserName: 'edge', AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } }
    home.write('access-key.json', JSON.stringify(key))
    const auth = home.write('auth', 'correct horse battery staple')
    const script = blocks
      .join('\n')
      .replaceAll('2321', String(port))
      .replaceAll('2322', String(port + 1))
      .replaceAll('file:/run/auth', `file:${auth}`)
      .replaceAll('AKIA…', accessKeyId)
    const env = home.environment({
      PATH: `${join(home.folder, 'bin')}:/usr/local/bin:/usr/bin:/bin`,
      AWS_ENDPOINT_URL_STS: moto.url,
    })
    // Where a block fails the TPM would stay.
    const end = `trap 'kill "$(cat "$HOME/swtpm/pid" 2>/dev/null)" 2>/dev/null || true' EXIT\n`
    return (await run('/bin/bash', ['-ec', `${end}${script}`], { cwd: home.folder, env })).stdout
  }

  it('is played from an empty software TPM to its end', async () => {
    const stdout = await played()
    expect(stdout.match(/^checked in .* as /gm)).toHaveLength(7)
    expect(stdout.split(moto.userArn).length - 1).toBeGreaterThanOrEqual(11)
    expect(stdout).toContain('the key in the device: removed')
    expect(stdout).not.toContain('wrong auth values count')
  })
})
