// `hardkey policy NAME vault`: the policy of the server, which pins months, printed and renewed. In: OpenBao, and a key that
// checked in there.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OpenBao, startOpenBao } from '../peers/openbao.ts'
import { CommandHome, throwAwayKey } from './hardkey.ts'

const home = new CommandHome()
let bao: OpenBao
beforeAll(async () => {
  bao = await startOpenBao()
  const { accessKeyId, secretAccessKey } = throwAwayKey()
  const told = ['--access-key-id', accessKeyId, '--from', 'stdin', '--offline', '--region', 'us-east-1']
  const ran = await run(['import', 'prod', '--to', 'vault:key=aws', ...told], variables(), secretAccessKey)
  expect(ran.stderr).not.toContain('error')
})
afterAll(async () => {
  await bao?.stop()
  home.remove()
})

const variables = () => ({ VAULT_ADDR: bao.url, VAULT_CACERT: bao.caFile, VAULT_TOKEN: bao.token })
const run = (words: readonly string[], environment: Record<string, string> = variables(), input?: string) =>
  home.run(words, { environment, input })

describe('hardkey policy NAME vault', () => {
  it('prints the narrowest policy from this month on, and renews it with --apply', async () => {
    const printed = await run(['policy', 'prod', 'vault', '--policy-months', '3'])
    expect(printed).toMatchObject({ status: 0, stdout: expect.stringContaining('bao policy write hardkey-aws') })
    const renewed = await run(['policy', 'prod', 'vault', '--policy-months', '3', '--apply'])
    expect(renewed).toMatchObject({ status: 0, stdout: expect.stringContaining('written to the server') })
    const held = await bao.bao('policy', 'read', 'hardkey-aws')
    expect(renewed.stdout).toContain(held.trim())
  })

  it('fails where the token may not write policies', async () => {
    const narrow = await bao.tokenFor('path "transit/hmac/aws" { capabilities = ["update"] }')
    const ran = await run(['policy', 'prod', 'vault', '--apply'], { ...variables(), VAULT_TOKEN: narrow })
    expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining('was not written') })
  })
})
