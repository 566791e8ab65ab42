// Keys in two PKCS#11 implementations, from check-in to session: `import`, `whoami` and `credential-process` against
// moto and versitygw, which check signatures, and against the STS of the demo for the sessions that no double issues.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LoopbackSts, startLoopbackSts } from '../../src/cli/demo/loopback-sts.ts'
import { kryoptic } from '../peers/kryoptic.ts'
import { type Moto, startMoto } from '../peers/moto.ts'
import { softHsm, testPin } from '../peers/softhsm.ts'
import { startVersitygw, type Versitygw } from '../peers/versitygw.ts'
import { CommandHome, type Ran, throwAwayKey } from './hardkey.ts'

interface Token {
  readonly module: string
  readonly environment: Readonly<Record<string, string>>
  remove(): void
}

async function softHsmToken(label: string): Promise<Token> {
  const hsm = await softHsm()
  await hsm.addToken(label)
  return hsm
}

let moto: Moto
let versitygw: Versitygw
beforeAll(async () => {
  moto = await startMoto()
  versitygw = await startVersitygw()
})
afterAll(async () => {
  await moto?.stop()
  await versitygw?.stop()
})

describe.each([
  ['SoftHSM', softHsmToken],
  ['kryoptic', kryoptic],
] as const)('a key in %s', (_, makeToken) => {
  const home = new CommandHome()
  let token: Token
  let sts: LoopbackSts
  let pin: string
  const run = (words: readonly string[], input?: string): Promise<Ran> =>
    home.run(words, { environment: token.environment, input })
  const checkIn = (name: string, key: Pick<Moto, 'accessKeyId' | 'secretAccessKey' | 'url'>, ...more: string[]) => {
    const to = `pkcs11:token=prod?module-path=${token.module}&pin-source=file:${pin}`
    const source = ['--access-key-id', key.accessKeyId, '--from', 'stdin', '--other-store']
    const settings = ['--region', 'us-east-1', '--endpoint-url', key.url, ...more]
    return run(['import', name, '--to', to, ...source, ...settings], key.secretAccessKey)
  }
  beforeAll(async () => {
    token = await makeToken('prod')
    pin = home.write('pin', testPin)
    sts = await startLoopbackSts({ ...moto, secretAccessKey: Buffer.from(moto.secretAccessKey) })
  })
  afterAll(async () => {
    await sts?.close()
    token?.remove()
    home.remove()
  })

  it('is listed by devices, with a URI that import takes', async () => {
    const { stdout, status } = await run(['devices', '--module-path', token.module, '--json'])
    expect(JSON.parse(stdout)).toEqual([
      { uri: expect.stringMatching(/^pkcs11:.*token=prod/), description: expect.stringContaining('prod') },
    ])
    expect(status).toBe(0)
  })

  it('is listed for a person with the device first and the URI quoted for the shell', async () => {
    const { stdout } = await run(['devices', '--module-path', token.module])
    expect(stdout).toMatch(/^DEVICE +FOR import --to\ntoken "prod" \(.*\) +'pkcs11:\S+'\n$/)
  })

  it('checks in after STS has recognised it', async () => {
    const { stdout, stderr, status } = await checkIn('prod', moto)
    expect(stderr).not.toContain('error')
    expect(stdout).toContain(`identity    ${moto.userArn}`)
    // A token that is software says so itself, and the command does not call it more.
    expect(stdout).toContain('protection  memory')
    expect(status).toBe(0)
  })

  it('says who it is to moto', async () => {
    expect(JSON.parse((await run(['whoami', 'prod', '--json'])).stdout)).toMatchObject({ Arn: moto.userArn })
  })

  it('gets a session of a role from moto', async () => {
    const { stdout } = await run(['credential-process', 'prod', '--role-arn', moto.roleArn])
    expect(JSON.parse(stdout)).toMatchObject({ Version: 1, AccountId: moto.account })
  })

  it.each([[[]], [['--federation-name', 'visitor']]])('gets a session of the user with %j', async (words) => {
    const { stdout } = await run(['credential-process', 'prod', '--endpoint-url', sts.url, ...words])
    expect(JSON.parse(stdout)).toMatchObject({ Version: 1, AccessKeyId: expect.stringMatching(/^ASIA/) })
  })

  it('is inspected: sensitive, not extractable, and still the same', async () => {
    const { stdout, status } = await run(['inspect', 'prod', '--json'])
    const attributes = { CKA_SENSITIVE: true, CKA_EXTRACTABLE: false }
    expect(JSON.parse(stdout)).toMatchObject({ sameKey: true, device: { attributes } })
    expect(status).toBe(0)
  })

  it('says who it is to versitygw', async () => {
    await checkIn('store', versitygw)
    expect((await run(['whoami', 'store'])).stdout).toContain(versitygw.userArn)
  })

  it('with another secret is refused by versitygw, and the hint names the secret', async () => {
    await checkIn('foreign', { ...versitygw, secretAccessKey: throwAwayKey().secretAccessKey }, '--offline')
    const { stdout, stderr, status } = await run(['whoami', 'foreign'])
    expect(stderr).toMatch(/hint: .*another secret/)
    expect({ stdout, status }).toEqual({ stdout: '', status: 1 })
  })

  it('with another secret fails everywhere, and the hint names the secret', async () => {
    const other = { ...moto, secretAccessKey: throwAwayKey().secretAccessKey }
    await checkIn('other', other, '--offline')
    const asks = [
      ['whoami', 'other', '--endpoint-url', moto.url],
      ['credential-process', 'other', '--endpoint-url', moto.url, '--role-arn', moto.roleArn],
      ['credential-process', 'other', '--endpoint-url', sts.url],
      ['credential-process', 'other', '--endpoint-url', sts.url, '--federation-name', 'visitor'],
    ]
    for (const words of asks) {
      const { stdout, stderr, status } = await run(words)
      expect(stderr).toMatch(/hint: .*another secret/)
      expect({ stdout, status }).toEqual({ stdout: '', status: 1 })
    }
  })

  it('is destroyed when that is asked for', async () => {
    expect((await run(['forget', 'other', '--from-device', '--yes'])).stdout).toContain('in the device: removed')
    expect((await run(['list'])).stdout).not.toContain('other')
  })

  it('with a PIN that the token refuses is not opened, and the PIN is in no output', async () => {
    const wrong = home.write('wrong', 'canary-pin-0000')
    const { stdout, stderr, status } = await run(['whoami', 'prod', '--pin-source', `file:${wrong}`, '--verbose'])
    expect(stderr).toContain('hardkey: code: ERR_PIN_INCORRECT')
    expect(stderr).not.toContain('canary-pin')
    expect({ stdout, status }).toEqual({ stdout: '', status: 1 })
  })
})

describe('import --from device', () => {
  it('makes a record of a key that is in the token already, after STS has recognised it', async () => {
    const home = new CommandHome()
    const { environment, module, remove } = await softHsmToken('prod')
    const uri = `pkcs11:token=prod;object=one?module-path=${module}&pin-source=file:${home.write('pin', testPin)}`
    const asked = ['--other-store', '--region', 'us-east-1', '--endpoint-url', moto.url]
    const words = ['--to', uri, '--access-key-id', moto.accessKeyId, ...asked]
    await home.run(['import', 'one', '--from', 'stdin', ...words], { environment, input: moto.secretAccessKey })
    const { stdout } = await home.run(['import', 'again', '--from', 'device', ...words], { environment })
    expect(stdout).toContain(`identity    ${moto.userArn}`)
    expect((await home.run(['whoami', 'again'], { environment })).status).toBe(0)
    remove()
    home.remove()
  })
})

describe('a key URI without module-path', () => {
  it('takes PKCS11_MODULE_PATH, says so, and the record keeps it', async () => {
    const home = new CommandHome()
    const token = await softHsmToken('prod')
    const pin = home.write('pin', testPin)
    const environment = { ...token.environment, PKCS11_MODULE_PATH: token.module }
    const key = throwAwayKey()
    const to = ['--to', `pkcs11:token=prod?pin-source=file:${pin}`, '--access-key-id', key.accessKeyId]
    const words = ['import', 'prod', ...to, '--from', 'stdin', '--offline']
    const { stderr } = await home.run(words, { environment, input: key.secretAccessKey })
    expect(stderr).toContain(`hardkey: note: module-path is ${token.module}, from PKCS11_MODULE_PATH`)
    const { status } = await home.run(['inspect', 'prod'], { environment: token.environment })
    expect(status).toBe(0)
    token.remove()
    home.remove()
  })
})
