// The shell blocks of docs/aws-setup.md, in their order, by bash with the AWS CLI of Debian. moto takes the part of
// AWS and checks signatures and policies from the moment the administrator's part is done.

import { execFile } from 'node:child_process'
import { chmodSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { CommandHome, commandFile } from '../cli/hardkey.ts'
import { type Moto, startMoto } from '../peers/moto.ts'
import { peer } from '../peers/peer.ts'
import { type SoftHsm, softHsm, testPin } from '../peers/softhsm.ts'

const run = promisify(execFile)
const guide = readFileSync(resolve(import.meta.dirname, '..', '..', 'docs', 'aws-setup.md'), 'utf8')
const blocks = [...guide.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = '']) => block)
/** Calls of the guide before the device signs: moto leaves so many unchecked, since they carry policies with spaces. */
const administrators = guide.match(/^aws iam (?:create|put)/gm)?.length ?? 0

const home = new CommandHome()
let moto: Moto
let hsm: SoftHsm
beforeAll(async () => {
  moto = await startMoto(administrators)
  hsm = await softHsm()
  await hsm.addToken('prod')
  const { command } = await peer('awscli')
  program('aws', `exec ${command} "$@" --endpoint-url ${moto.url}`)
  program('hardkey', `exec ${process.execPath} ${commandFile} "$@"`)
  home.write('pin', testPin)
})
afterAll(async () => {
  await moto?.stop()
  hsm?.remove()
  home.remove()
})

function program(name: string, line: string): void {
  chmodSync(home.write(`bin/${name}`, `#!/bin/bash\n${line}\n`), 0o755)
}

/** The block with this test's account, PIN and endpoint in the place of the guide's. */
function fitted(block: string): string {
  return block
    .replaceAll('111122223333', moto.account)
    .replaceAll('file:/run/pin', `file:${join(home.folder, 'pin')}`)
    .replaceAll('AKIA…', () => accessKeyId())
    .replace('--remove-source', `--remove-source --other-store --endpoint-url ${moto.url}`)
}

/** Of the key that checked in. */
function accessKeyId(): string {
  return JSON.parse(home.read('hardkey/keys/edge.json')).accessKeyId
}

async function play(block: string): Promise<string> {
  const env = home.environment({
    ...hsm.environment,
    PATH: `${join(home.folder, 'bin')}:/usr/bin:/bin`,
    AWS_ACCESS_KEY_ID: moto.accessKeyId,
    AWS_SECRET_ACCESS_KEY: moto.secretAccessKey,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
  })
  return (await run('/bin/bash', ['-ec', fitted(block)], { cwd: home.folder, env })).stdout
}

it('plays the guide from the user to the end of the key', async () => {
  const printed: string[] = []
  for (const block of blocks) printed.push(await play(block))
  expect(printed.join('')).toContain(`checked in   ${accessKeyId()} as edge`)
  expect(home.read('.aws/config')).toContain('credential-process edge')
  expect(() => home.read('access-key.json')).toThrow('ENOENT')
})
