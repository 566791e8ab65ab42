// The command that logs in to OpenBao: what was refused once is not tried by later runs. In: an AppRole, a file that gives
// its secret ID.

import { readFileSync, rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { folderInMemory } from '../files/temporary-folder.ts'
import { baoText } from '../peers/bao-client.ts'
import { type OpenBao, startOpenBao } from '../peers/openbao.ts'
import { CommandHome } from './hardkey.ts'

const home = new CommandHome()
const folder = folderInMemory()
let bao: OpenBao
let roleId: string
beforeAll(async () => {
  bao = await startOpenBao()
  await bao.importHmacKey('aws', Buffer.from('AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'))
  const policy = 'path "transit/*" { capabilities = ["read", "update"] }'
  await bao.done('PUT', 'sys/policies/acl/use', { policy })
  await bao.done('POST', 'sys/auth/approle', { type: 'approle' })
  await bao.done('POST', 'auth/approle/role/host', { token_policies: 'use' })
  roleId = baoText(await bao.done('GET', 'auth/approle/role/host/role-id'), 'data', 'role_id')
})
afterAll(async () => {
  await bao?.stop()
  home.remove()
  rmSync(folder, { recursive: true })
})

const logins = () =>
  readFileSync(bao.auditFile, 'utf8')
    .split('\n')
    .filter((line) => line.includes('auth/approle/login') && line.includes('"type":"response"')).length

it('F-P01: a wrong secret ID is tried once by all runs, since a server locks the AppRole, until its file changes', async () => {
  const file = home.write('secret-id', 'no-such-secret-id')
  const source = `login=approle&role-id=${roleId}&secret-source=file:${file}`
  const key = `vault:key=aws?address=${bao.url}&ca=file:${bao.caFile}&${source}`
  const settings = ['--access-key-id', 'AKIAIOSFODNN7EXAMPLE', '--region', 'us-east-1', '--service', 's3']
  const environment = { HARDKEY_CACHE_DIR: folder }
  const asking = () => home.run(['presign', key, 'https://example.com/', ...settings], { environment })
  expect((await asking()).stderr).toContain('refused the login at auth/approle: invalid role or secret ID')
  for (let runs = 0; runs < 5; runs++) expect((await asking()).stderr).toContain('it is not tried again')
  expect(logins()).toBe(1)
  const made = await bao.done('POST', 'auth/approle/role/host/secret-id', {})
  home.write('secret-id', baoText(made, 'data', 'secret_id'))
  expect((await asking()).stdout).toContain('X-Amz-Signature=')
  expect(logins()).toBe(2)
})
