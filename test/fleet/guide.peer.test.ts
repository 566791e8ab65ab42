// The shell blocks of docs/fleet.md, in their order, by bash with OpenBao's own command and the AWS CLI of Debian, against
// three servers that run with the guide's configuration. moto takes the part of AWS.

import { execFile } from 'node:child_process'
import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { CommandHome, commandFile } from '../cli/hardkey.ts'
import { type Moto, startMoto } from '../peers/moto.ts'
import { type OpenBaoCluster, startOpenBaoCluster } from '../peers/openbao-cluster.ts'
import { peer } from '../peers/peer.ts'

const run = promisify(execFile)
const guide = readFileSync(resolve(import.meta.dirname, '..', '..', 'docs', 'fleet.md'), 'utf8')
const blocks = [...guide.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = '']) => block)

const home = new CommandHome()
let moto: Moto
let cluster: OpenBaoCluster
beforeAll(async () => {
  moto = await startMoto()
  cluster = await startOpenBaoCluster({ isBare: true })
  const [aws, bao] = [await peer('awscli'), await peer('openbao')]
  program('aws', `exec ${aws.command} "$@" --endpoint-url ${moto.url}`)
  program('bao', `exec ${bao.command} "$@"`)
  program('hardkey', `exec ${process.execPath} ${commandFile} "$@"`)
  const { accessKeyId, secretAccessKey } = moto
  const AccessKey = { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Status: 'Active' }
  home.write('access-key.json', JSON.stringify({ AccessKey }))
  home.write('etc/bao-ca.pem', cluster.ca)
  home.write('etc/hosts-ca.pem', cluster.authority.ca)
  const host = cluster.authority.issue({ names: ['host.example'] })
  home.write('etc/host.pem', host.cert)
  home.write('etc/host.key', host.key)
})
afterAll(async () => {
  await moto?.stop()
  await cluster?.stop()
  home.remove()
})

function program(name: string, line: string): void {
  chmodSync(home.write(`bin/${name}`, `#!/bin/bash\n${line}\n`), 0o755)
}

/** The block with this test's servers, paths and keys in the place of the guide's. A host has records of its own. */
function fitted(block: string): string {
  const place = `--other-store --endpoint-url ${moto.url}`
  const servers = cluster.nodes.reduce(
    (text, { url }, index) => text.replaceAll(`https://bao${index + 1}.example:8200`, url),
    block,
  )
  return servers
    .replaceAll('/etc/hardkey/secret-id', join(home.folder, 'secret-id'))
    .replaceAll('/etc/hardkey/', `${join(home.folder, 'etc')}/`)
    .replaceAll('AKIA…', moto.accessKeyId)
    .replaceAll('arn:aws:iam::111122223333:role/edge-uploader', moto.roleArn)
    .replaceAll('--region eu-west-1', `${place} --region us-east-1`)
}

async function play(block: string, added: Readonly<Record<string, string>>): Promise<string> {
  const env = home.environment({
    PATH: `${join(home.folder, 'bin')}:/usr/bin:/bin`,
    AWS_DEFAULT_REGION: 'us-east-1',
    ...added,
  })
  return (await run('/bin/bash', ['-ec', `umask 077\n${fitted(block)}`], { cwd: home.folder, env })).stdout
}

it('plays the guide from an empty cluster to a host that signs, then kills the leader', async () => {
  const [first = '', ...others] = blocks
  const reach = { BAO_ADDR: cluster.nodes[0]?.url ?? '', BAO_CACERT: cluster.caFile, BAO_TOKEN: cluster.token }
  const printed = [await play(first, { BAO_TOKEN: cluster.token })]
  for (const block of others) {
    const isHost = block.includes('--from device')
    const env = isHost ? { HARDKEY_HOME: join(home.folder, 'host') } : reach
    printed.push(await play(block, env))
  }
  const text = printed.join('')
  expect(text).toContain(`checked in   ${moto.accessKeyId} as fleet`)
  expect(text).toContain('assumed-role/reader')
  expect(text).toContain(moto.userArn)
  expect(existsSync(join(home.folder, 'access-key.json'))).toBe(false)
  const policy = JSON.stringify((await cluster.done('GET', 'sys/policies/acl/hardkey-fleet')).data)
  expect(policy).toContain('transit/hmac/fleet/sha2-256')

  await cluster.kill(await cluster.leader())
  const ran = await home.run(['whoami', 'fleet-cert'], { environment: { HARDKEY_HOME: join(home.folder, 'host') } })
  expect([ran.status, ran.stdout.includes(moto.userArn)]).toEqual([0, true])
})

it('each HMAC stands in an audit log of the servers, with its login, and no token does', () => {
  const logs = cluster.nodes.map(({ auditFile }) => readFileSync(auditFile, 'utf8')).join('')
  expect(logs).toContain('"path":"transit/hmac/fleet/sha2-256"')
  expect(logs).toContain('auth/approle/login')
  expect(logs).not.toContain(cluster.token)
  expect(logs).not.toContain(readFileSync(join(home.folder, 'secret-id'), 'utf8').trim())
})
