// Keys in a software TPM that have a policy: PCRs that change and come back, and steps that the caller of the library runs.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openKey } from '../../../src/backends/open.ts'
import { type CallersPolicy, tpm2Backend } from '../../../src/backends/tpm2/backend.ts'
import type { KeyUri } from '../../../src/key/uri.ts'
import { leftInTpm } from '../../peers/tpm-questions.ts'
import { answerAt, answerText, authSource, importAt, type Place, uriOf } from './opening.ts'
import { day, dayAnswer, hex, importByTools, type TpmWithKey, tpmWithKey } from './tpm-with-key.ts'

let device: TpmWithKey
const folder = mkdtempSync(join(tmpdir(), 'hardkey-tpm-policy-'))
let files = 0
beforeAll(async () => {
  device = await tpmWithKey('unix')
})
afterAll(async () => {
  await device?.remove()
  rmSync(folder, { recursive: true, force: true })
})
afterEach(async () => {
  expect(await leftInTpm(device.tpm)).toEqual([])
})

const at = () => device.tpm.device
const fresh = (query: Place['query'] = {}, auth?: string): Place => ({
  path: { file: join(folder, `key-${++files}.tss2.pem`) },
  query,
  auth,
})

/** Checks a key in and gives what a record would hold of it. */
async function checkedIn(query: Place['query'] = {}, auth?: string): Promise<KeyUri> {
  return (await importAt(at(), fresh(query, auth))).uri
}

async function ask(uri: KeyUri, auth?: string, policy?: CallersPolicy): Promise<string> {
  const key = await openKey(uri, { pin: authSource(auth), backends: [tpm2Backend({ policy })] })
  try {
    return answerText(await key.hmac(day))
  } finally {
    await key.close()
  }
}

describe('PCRs', () => {
  afterEach(async () => {
    for (const pcr of ['16', '23']) await device.tools.run('pcrreset', pcr)
  })
  const extend = (pcr: number) => device.tools.run('pcrextend', `${pcr}:sha256=${'ab'.repeat(32)}`)

  it('with the values that the import was told are wanted, not those of now', async () => {
    const told = `sha256:23=${'00'.repeat(32)}`
    await extend(23)
    const uri = await checkedIn({ pcrs: told })
    await expect(ask(uri)).rejects.toMatchObject({ code: 'ERR_POLICY_REFUSED' })
    await device.tools.run('pcrreset', '23')
    expect(await ask(uri)).toBe(dayAnswer)
  })

  it('F-T13: that changed are named one by one, of several banks and more than eight', async () => {
    const uri = await checkedIn({ pcrs: 'sha1:16+sha256:0,1,2,3,4,5,6,7,16,23' })
    expect(await ask(uri)).toBe(dayAnswer)
    await extend(23)
    const message = 'PCR sha256:23 does not hold the value that the key is bound to'
    await expect(ask(uri)).rejects.toMatchObject({ code: 'ERR_POLICY_REFUSED', message })
  })

  it('F-T13: that changed are named as a group where only the file tells of them', async () => {
    const place = fresh({ pcrs: 'sha256:16,23' })
    await importAt(at(), place)
    expect(await answerAt(at(), { path: place.path })).toBe(dayAnswer)
    await extend(16)
    const message = 'one of the PCRs sha256:16,23 does not hold the value that the key is bound to'
    await expect(answerAt(at(), { path: place.path })).rejects.toMatchObject({ message })
  })

  it('are told in the URI of a persistent key that other tools made', async () => {
    await device.tools.keep('startauthsession', '-S', 's.ctx')
    await device.tools.keep('policypcr', '-S', 's.ctx', '-l', 'sha256:23', '-L', 'pcr.policy')
    await device.tools.flush()
    await importByTools(device.tools, 'bound', ['-a', 'sign|noda', '-L', 'pcr.policy'])
    const pair = { public: device.tools.path('bound.pub'), private: device.tools.path('bound.priv') }
    const path = { ...pair, parent: hex(device.parent) }
    expect(await answerAt(at(), { path, query: { pcrs: 'sha256:23' } })).toBe(dayAnswer)
    const untold = { code: 'ERR_POLICY_REFUSED', hint: expect.stringContaining('pcrs=') }
    await expect(answerAt(at(), { path })).rejects.toMatchObject(untold)
  })
})

describe('a policy of the caller', () => {
  it('is run for each use, in the place of what the file says', async () => {
    const uri = await checkedIn({ pcrs: 'sha256:23', auth: 'yes' }, 'typed')
    let runs = 0
    const policy: CallersPolicy = async (session) => {
      runs += 1
      await session.pcr('sha256:23')
      await session.authValue()
    }
    const key = await openKey(uri, { pin: authSource('typed'), backends: [tpm2Backend({ policy })] })
    for (let turn = 0; turn < 2; turn += 1) expect(answerText(await key.hmac(day))).toBe(dayAnswer)
    await key.close()
    expect(runs).toBe(2)
  })

  it('that does not lead to the policy of the key is refused', async () => {
    const uri = await checkedIn({ pcrs: 'sha256:23' })
    const policy: CallersPolicy = async (session) => {
      await session.commandCode(0x155)
      expect(Buffer.from(await session.digest()).toString('hex')).toMatch(/^[0-9a-f]{64}$/)
    }
    await expect(ask(uri, undefined, policy)).rejects.toMatchObject({ code: 'ERR_POLICY_REFUSED' })
  })

  it('that throws ends the use with what it threw, and leaves nothing', async () => {
    const uri = await checkedIn({ pcrs: 'sha256:23' })
    const policy: CallersPolicy = async () => {
      throw new TypeError('mine')
    }
    const key = await openKey(uri, { backends: [tpm2Backend({ policy })] })
    await expect(key.hmac(day)).rejects.toMatchObject({ code: 'ERR_DEVICE_FAILED' })
    await key.close()
  })

  it('may ask for the auth value of a hierarchy', async () => {
    await device.tools.keep('startauthsession', '-S', 's.ctx')
    await device.tools.keep('policysecret', '-S', 's.ctx', '-c', 'o', '-L', 'secret.policy')
    await device.tools.flush()
    await importByTools(device.tools, 'owned', ['-a', 'sign|noda', '-L', 'secret.policy'])
    const pair = { public: device.tools.path('owned.pub'), private: device.tools.path('owned.priv') }
    const uri = uriOf(at(), { path: { ...pair, parent: hex(device.parent) } })
    expect(await ask(uri, undefined, (session) => session.secret('owner'))).toBe(dayAnswer)
  })
})
