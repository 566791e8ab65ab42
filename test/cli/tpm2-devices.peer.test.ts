// A key in a software TPM, reached over TCP, a Unix socket and a terminal that stands for a character device, from check-in
// to session: `import`, `whoami` and `credential-process` against moto and versitygw, which check signatures.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Moto, startMoto } from '../peers/moto.ts'
import { type Swtpm, startSwtpm, swtpmWays } from '../peers/swtpm.ts'
import { leftInTpm } from '../peers/tpm-questions.ts'
import { startVersitygw, type Versitygw } from '../peers/versitygw.ts'
import { CommandHome, type Ran } from './hardkey.ts'

const authValue = 'canary-auth-2207'
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

describe.each(swtpmWays)('a key in a TPM over %s', (way) => {
  const home = new CommandHome()
  let tpm: Swtpm
  // The address comes as tpm2-tools have it, or in the URI.
  const run = (words: readonly string[], input?: string): Promise<Ran> =>
    home.run(words, { environment: { TPM2TOOLS_TCTI: tpm.tcti }, input })
  const checkIn = (name: string, key: Pick<Moto, 'accessKeyId' | 'secretAccessKey' | 'url'>, ...more: string[]) => {
    const source = ['--access-key-id', key.accessKeyId, '--from', 'stdin', '--other-store']
    const settings = ['--region', 'us-east-1', '--endpoint-url', key.url, ...more]
    return run(['import', name, '--to', 'tpm2', ...source, ...settings], key.secretAccessKey)
  }
  beforeAll(async () => {
    tpm = await startSwtpm(way)
  })
  afterAll(async () => {
    await tpm?.stop()
    home.remove()
  })

  it('is named by devices, with a URI that import takes', async () => {
    const { stdout, status } = await run(['devices', '--device', tpm.device, '--json'])
    expect(JSON.parse(stdout)).toEqual([
      { uri: expect.stringMatching(/^tpm2:/), description: expect.stringMatching(/TPM/) },
    ])
    expect(status).toBe(0)
  })

  it('checks in after STS has recognised it', async () => {
    const { stdout, stderr, status } = await checkIn('prod', moto)
    expect(stderr).not.toContain('error')
    expect(stdout).toContain(`identity    ${moto.userArn}`)
    expect(status).toBe(0)
  })

  it('says who it is to moto, by the record alone', async () => {
    // The record knows the TPM: no variable.
    const { stdout } = await home.run(['whoami', 'prod', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ Arn: moto.userArn })
  })

  it('gets a session of a role from moto', async () => {
    const { stdout } = await home.run(['credential-process', 'prod', '--role-arn', moto.roleArn])
    expect(JSON.parse(stdout)).toMatchObject({ Version: 1, AccountId: moto.account })
  })

  it('says who it is to versitygw', async () => {
    await checkIn('store', versitygw)
    expect((await run(['whoami', 'store'])).stdout).toContain(versitygw.userArn)
  })

  it('is inspected: it cannot leave this TPM, and is still the same', async () => {
    const { stdout, status } = await run(['inspect', 'prod', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      sameKey: true,
      device: { attributes: { fixedTPM: true, fixedParent: true, sign: true } },
    })
    expect(status).toBe(0)
  })

  it('with an auth value gets a session, and with a wrong one nothing', async () => {
    const auth = home.write('auth', authValue)
    await checkIn('typed', moto, '--auth', '--pin-source', `file:${auth}`)
    const session = ['credential-process', 'typed', '--role-arn', moto.roleArn, '--pin-source']
    expect(JSON.parse((await run([...session, `file:${auth}`])).stdout)).toMatchObject({ Version: 1 })
    const { stdout, stderr, status } = await run([
      ...session,
      `file:${home.write('wrong', 'canary-auth-0000')}`,
      '--verbose',
    ])
    expect(stderr).toContain('hardkey: code: ERR_PIN_INCORRECT')
    expect(stderr).not.toContain('canary-auth')
    expect({ stdout, status }).toEqual({ stdout: '', status: 1 })
  })

  it('at a persistent handle says who it is, and is listed and destroyed', async () => {
    await checkIn('kept', moto, '--persist', '0x81010300')
    expect(JSON.parse((await run(['whoami', 'kept', '--json'])).stdout)).toMatchObject({ Arn: moto.userArn })
    expect((await run(['devices', '--keys'])).stdout).toContain('0x81010300')
    expect((await run(['forget', 'kept', '--from-device', '--yes'])).stdout).toContain('in the device: removed')
    expect((await run(['devices', '--keys'])).stdout).not.toContain('0x81010300')
  })

  it('leaves nothing in the TPM', async () => {
    if (way === 'pty') return
    expect(await leftInTpm(tpm)).toEqual([])
  })
})
