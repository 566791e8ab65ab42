// Bad input that needs a terminal or a token: a code of MFA that a person types, a token whose label or settings are odd.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CheckedIn, region } from '../cli/checked-in.ts'
import { inTerminal } from '../cli/pty.ts'
import { builtEnvironment, peer } from '../peers/peer.ts'
import { type SoftHsm, softHsm, testPin } from '../peers/softhsm.ts'
import { expectRefused } from './refused.ts'

const run = promisify(execFile)

let there: CheckedIn
let hsm: SoftHsm
beforeAll(async () => {
  there = await CheckedIn.make()
  hsm = await softHsm()
})
afterAll(async () => {
  hsm?.remove()
  await there?.remove()
})

describe('a code of MFA', () => {
  const serial = 'arn:aws:iam::111122223333:mfa/me'

  it.each(['12345', '1234567', 'abcdef', '12 456'])('B-049: that is %j is refused, and not sent', async (code) => {
    const before = there.sts.refused()
    const words = ['--verbose', 'credential-process', 'prod', '--mfa-serial', serial]
    const steps = [{ expect: `MFA code of ${serial}: ` }, { send: `${code}\r` }]
    const ran = await inTerminal(there.home, words, steps, { pipes: true })
    expectRefused(ran, { code: 'ERR_CONFIG_INVALID', says: 'six digits', canaries: {} })
    expect(ran.stderr).not.toContain(code)
    expect(there.sts.refused()).toBe(before)
  })
})

describe('a token', () => {
  it('B-109: whose label holds escape sequences cannot move the cursor', async () => {
    const { util } = await peer('softhsm')
    const label = '\u001b[2J\u001b[31mprod'
    const words = ['--init-token', '--free', '--label', label, '--so-pin', 'so-pin-5678', '--pin', testPin]
    await run(util, words, { env: builtEnvironment(hsm.environment) })
    const environment = { ...hsm.environment, PKCS11_MODULE_PATH: hsm.module }
    for (const more of [[], ['--json'], ['--verbose']]) {
      const ran = await there.home.run(['devices', ...more], { environment })
      expect(ran.stdout).toContain('prod')
      expect(ran.stdout + ran.stderr).not.toMatch(/[^\P{Cc}\n]/u)
    }
  })

  it.each([
    ['is not there', '/no/such/softhsm2.conf', 'ERR_DEVICE_FAILED'],
    ['is a folder', '/tmp', 'ERR_DEVICE_UNAVAILABLE'],
  ] as const)('B-107: whose SOFTHSM2_CONF %s is refused, and the variable named', async (_, SOFTHSM2_CONF, code) => {
    const uri = `pkcs11:token=prod;object=aws?module-path=${hsm.module}&pin-source=file:${there.home.folder}/passphrase`
    const words = ['--verbose', 'whoami', uri, '--access-key-id', there.accessKeyId, '--region', region]
    const ran = await there.home.run(words, { environment: { SOFTHSM2_CONF } })
    expectRefused(ran, { code, hint: 'SOFTHSM2_CONF' })
  })
})
