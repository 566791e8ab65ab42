// The command with the key in OpenBao (TLS on), set up by the variables of its own command; moto checks the signatures.

import { chmodSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectNoCanary } from '../contract/canary.ts'
import { type Moto, startMoto } from '../peers/moto.ts'
import { type OpenBao, startOpenBao } from '../peers/openbao.ts'
import { CommandHome, type Ran } from './hardkey.ts'

const home = new CommandHome()
let moto: Moto
let bao: OpenBao
let checkedIn: Ran
/** May do anything, and is long enough to be looked for. */
let admin: string
beforeAll(async () => {
  moto = await startMoto()
  bao = await startOpenBao()
  admin = await bao.tokenFor('path "*" { capabilities = ["create", "read", "update", "delete", "sudo"] }')
  const settings = ['--region', 'us-east-1', '--endpoint-url', moto.url, '--role-arn', moto.roleArn]
  checkedIn = await importing('prod', ['--to', 'vault:key=aws', ...settings, '--apply'])
})
afterAll(async () => {
  await moto?.stop()
  await bao?.stop()
  home.remove()
})

const variables = () => ({ VAULT_ADDR: bao.url, VAULT_CACERT: bao.caFile, VAULT_TOKEN: admin })
const run = (words: readonly string[], environment: Record<string, string> = variables(), input?: string) =>
  home.run(words, { environment, input })
const importing = (name: string, words: readonly string[], environment?: Record<string, string>) =>
  run(
    ['import', name, '--access-key-id', moto.accessKeyId, '--other-store', '--from', 'stdin', ...words],
    environment,
    moto.secretAccessKey,
  )
const record = (name: string) =>
  JSON.parse(home.read(`hardkey/keys/${name}.json`)) as { uri: string; protection: string }

describe('import --to vault: --apply', () => {
  it('checks in, is recognised by STS, and says where it took the server from', () => {
    expect(checkedIn.stderr).toBe(
      `hardkey: note: address is ${bao.url}, from VAULT_ADDR\n` +
        `hardkey: note: ca is ${bao.caFile}, from VAULT_CACERT\n` +
        'hardkey: next: hardkey whoami prod\n',
    )
    expect(checkedIn.stdout).toContain(moto.userArn)
    expect(checkedIn.stdout).toMatch(/^protection +service$/m)
    expect(checkedIn.status).toBe(0)
  })

  it('keeps server, CA and version in the record, and neither token nor secret', () => {
    const { uri, protection } = record('prod')
    expect(protection).toBe('service')
    expect(uri).toBe(
      `vault:key=aws?address=${bao.url.replaceAll('/', '%2F')}&ca=${bao.caFile.replaceAll('/', '%2F')}&key-version=1`,
    )
    const secrets = { admin: Buffer.from(admin), secret: Buffer.from(moto.secretAccessKey) }
    expectNoCanary(home.read('hardkey/keys/prod.json') + checkedIn.stdout + checkedIn.stderr, secrets)
  })

  it('prints the narrowest policy, this month and the next, and writes it', async () => {
    expect(checkedIn.stdout).toContain('# policy hardkey-aws, written to the server\n')
    const [, printed] = checkedIn.stdout.split('written to the server\n')
    expect((await bao.bao('policy', 'read', 'hardkey-aws')).trim()).toBe(printed?.trim())
    const month = Buffer.from(new Date().toISOString().slice(0, 7).replace('-', '')).toString('base64')
    expect(printed).toContain(`"${month}*"`)
  })
})

describe('a host with a token of that policy', () => {
  let token: string
  beforeAll(async () => {
    const made = await bao.done('POST', 'auth/token/create', { policies: ['hardkey-aws'] })
    token = String((made.auth as { client_token: string }).client_token)
  })
  const narrow = () => ({ VAULT_TOKEN: token })

  it('is told by AWS who it is', async () => {
    const ran = await run(['whoami', 'prod'], narrow())
    expect([ran.stderr, ran.status]).toEqual(['', 0])
    expect(ran.stdout).toContain(moto.userArn)
  })

  it('gets credentials of the role, which work', async () => {
    const ran = await run(['credential-process', 'prod', '--duration', '1h'], narrow())
    expect([ran.stderr, ran.status]).toEqual(['', 0])
    const session = JSON.parse(ran.stdout) as Record<string, string>
    expect(session).toMatchObject({ Version: 1, AccessKeyId: expect.stringMatching(/^ASIA/) })
  })

  it('joins by import --from device, with the token in a file, and pins the version itself', async () => {
    const file = home.write('token', `${token}\n`)
    const to = `vault:key=aws?address=${bao.url}&ca=file:${bao.caFile}&token-source=file:${file}`
    const settings = ['--region', 'us-east-1', '--endpoint-url', moto.url]
    const words = ['--from', 'device', '--to', to, '--access-key-id', moto.accessKeyId, '--other-store', ...settings]
    const ran = await run(['import', 'joined', ...words], {})
    expect([ran.stderr, ran.status]).toEqual([expect.stringMatching(/next: hardkey whoami joined\n$/), 0])
    expect(ran.stdout).not.toContain('policy')
    expect(record('joined').uri).toContain('&key-version=1')
    expect((await run(['whoami', 'joined'], {})).stdout).toContain(moto.userArn)
  })

  it('inspects the key; with the token of ~/.vault-token, or of a token helper', async () => {
    const own = new CommandHome()
    try {
      own.write('hardkey/keys/prod.json', home.read('hardkey/keys/prod.json'))
      own.write('.vault-token', token)
      const byFile = await own.run(['inspect', 'prod', '--strict'])
      expect(byFile.stdout).toMatch(/^check value +[0-9a-f]{16}, the same in the device$/m)
      expect([byFile.stderr, byFile.status]).toEqual(['', 0])
      own.write('.vault-token', 's.canary-another-token')
      const helper = own.write('helper.sh', `#!/bin/sh\n[ "$1" = get ] && printf '%s' '${token}'\n`)
      chmodSync(helper, 0o700)
      own.write('.vault', `token_helper = "${helper}"\n`)
      expect((await own.run(['inspect', 'prod'])).status).toBe(0)
    } finally {
      own.remove()
    }
  })
})

describe('a variable of Vault or OpenBao', () => {
  it('BAO_TOKEN comes before VAULT_TOKEN', async () => {
    const ran = await run(['whoami', 'prod'], { VAULT_TOKEN: 's.canary-bogus-0123456', BAO_TOKEN: admin })
    expect(ran.status).toBe(0)
  })

  it('VAULT_SKIP_VERIFY is refused, with what to do instead', async () => {
    const ran = await run(['whoami', 'prod'], { VAULT_TOKEN: admin, VAULT_SKIP_VERIFY: '1' })
    expect(ran.stderr).toBe(
      'hardkey: error: VAULT_SKIP_VERIFY is set, and hardkey talks to no server that it cannot verify\n' +
        'hardkey: hint: unset it, and name the CA of the server: ca=file:/PATH in the key URI, or VAULT_CACERT\n',
    )
    expect(ran.status).toBe(2)
  })

  it('VAULT_TOKEN is not sent to a server that VAULT_ADDR does not name', async () => {
    const ran = await run(['whoami', 'prod'], { VAULT_TOKEN: admin, VAULT_ADDR: 'https://127.0.0.1:1' })
    expect(ran.stderr).toContain('VAULT_ADDR names another server: its token is not used for this one')
    expect(ran.status).toBe(1)
  })

  it('VAULT_CACERT_BYTES and VAULT_CLIENT_TIMEOUT are used', async () => {
    const to = ['--to', 'vault:key=bytes', '--offline']
    const settings = { VAULT_ADDR: bao.url, VAULT_CACERT_BYTES: bao.ca, VAULT_TOKEN: admin, VAULT_CLIENT_TIMEOUT: '5s' }
    expect((await importing('bytes', to, settings)).status).toBe(0)
    const ran = await importing('other', ['--to', 'vault:key=other', '--offline'], {
      ...variables(),
      VAULT_CLIENT_TIMEOUT: 'soon',
    })
    expect(ran.stderr).toContain('the variable VAULT_CLIENT_TIMEOUT is not a time such as 30s')
    expect(ran.status).toBe(2)
  })

  it('VAULT_ADDR may name a Unix socket', async () => {
    const settings = { BAO_ADDR: `unix://${bao.unixSocket}`, BAO_TOKEN: admin }
    const ran = await importing('socket', ['--to', 'vault:key=socket', '--offline', '--json'], settings)
    expect(ran.status).toBe(0)
    expect(JSON.parse(ran.stdout)).toMatchObject({
      protection: 'service',
      policy: { name: 'hardkey-socket', written: false },
    })
  })
})

describe('what goes wrong', () => {
  it('a bogus token leaves no record and names the path that it needs', async () => {
    const ran = await importing('bogus', ['--to', 'vault:key=bogus', '--offline'], {
      ...variables(),
      VAULT_TOKEN: 's.canary-bogus-0123456',
    })
    expect(ran.stderr).toContain('does not accept the token: expired or not allowed')
    expect(ran.stderr).toContain('"read" on transit/keys/bogus')
    expectNoCanary(ran.stderr, { token: Buffer.from('s.canary-bogus-0123456') })
    expect([ran.status, (await run(['list'])).stdout.includes('bogus')]).toEqual([1, false])
  })

  it('a server without an address is asked for by name', async () => {
    const ran = await importing('nowhere', ['--to', 'vault:key=aws', '--offline'], {})
    expect(ran.stderr).toContain('the key URI does not say where the server is')
    expect(ran.status).toBe(2)
  })

  it('an exportable key is warned of by inspect, and refused with --strict', async () => {
    await importing('leaky', ['--to', 'vault', '--offline'])
    await bao.done('POST', 'transit/keys/leaky/config', { exportable: true })
    const ran = await run(['inspect', 'leaky'])
    expect([ran.stderr, ran.status]).toEqual([expect.stringContaining('warning: the key can be exported'), 0])
    const strict = await run(['inspect', 'leaky', '--strict'])
    expect([strict.stderr, strict.status]).toEqual([
      expect.stringContaining('error: the key "leaky" can be exported'),
      1,
    ])
  })

  it('options of Vault with another device, and of policies out of range, are wrong usage', async () => {
    for (const words of [
      ['--to', 'embedded', '--apply'],
      ['--to', 'embedded', '--policy-months', '3'],
      ['--to', 'vault:key=x', '--policy-months', '25'],
      ['--to', 'embedded', '--strict'],
    ]) {
      expect((await importing('wrong', [...words, '--offline'])).status, words.join(' ')).toBe(2)
    }
  })
})

describe('devices', () => {
  it('lists the server that the variables name, without a token', async () => {
    const { VAULT_ADDR, VAULT_CACERT } = variables()
    const ran = await run(['devices', '--json'], { VAULT_ADDR, VAULT_CACERT })
    const listed = JSON.parse(ran.stdout) as { uri: string; description: string }[]
    expect(listed).toContainEqual({
      uri: expect.stringContaining('vault:?address='),
      description: expect.stringMatching(/^transit engine of Vault or OpenBao 2\.\d+\.\d+ at 127\.0\.0\.1:\d+$/),
    })
  })
})

describe('devices, where others are away', () => {
  it('lists the server, and warns of the TPM that a variable names', async () => {
    const { VAULT_ADDR, VAULT_CACERT } = variables()
    const TPM2TOOLS_TCTI = 'device:/no/such/tpm'
    const { stdout, stderr, status } = await run(['devices'], { VAULT_ADDR, VAULT_CACERT, TPM2TOOLS_TCTI })
    expect(stdout).toContain('transit engine')
    expect(stderr).toMatch(/^hardkey: warning: .*\/no\/such\/tpm/m)
    expect(status).toBe(0)
  })

  it('fails by the one that is away where nothing is found, and not for want of a PKCS#11 module', async () => {
    const variables = { VAULT_ADDR: 'https://127.0.0.1:1', VAULT_CLIENT_TIMEOUT: '500ms' }
    const { stderr, status } = await run(['devices', '--verbose'], variables)
    expect(stderr).toMatch(/^hardkey: code: ERR_(?:DEVICE_UNAVAILABLE|TIMEOUT)$/m)
    expect(status).toBe(1)
  })
})

describe('forget --from-device', () => {
  it('takes the key out of the server for good', async () => {
    await importing('gone', ['--to', 'vault:mount=transit', '--offline'])
    expect((await bao.call('GET', 'transit/keys/gone')).status).toBe(200)
    const ran = await run(['forget', 'gone', '--from-device', '--yes'])
    expect(ran.stdout).toContain('the key in the device: removed')
    expect((await bao.call('GET', 'transit/keys/gone')).status).toBe(404)
  })
})
