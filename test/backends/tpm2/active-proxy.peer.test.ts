// Somebody between CPU and TPM who does not only listen (security plan, T-4): swaps the parent's public area, flips a bit,
// replays an answer, drops the encryption. All four are refused. The controls: a client that pins no Name gives itself away.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openKey } from '../../../src/backends/open.ts'
import type { KeyUri } from '../../../src/key/uri.ts'
import { encryptionDenied, encryptionDropped, SwappedParent } from '../../faults/tpm-attacks.ts'
import { startTpmProxy, type TpmProxy } from '../../faults/tpm-proxy.ts'
import { flip, replay } from '../../faults/tpm-rules.ts'
import { leftInTpm } from '../../peers/tpm-questions.ts'
import { tpm2Tools } from '../../peers/tpm2-tools.ts'
import { answerText, authSource, importAt } from './opening.ts'
import { day, dayAnswer, hex, type TpmWithKey, tpmWithKey } from './tpm-with-key.ts'

const folder = mkdtempSync(join(tmpdir(), 'hardkey-active-'))
let device: TpmWithKey
let proxy: TpmProxy
let below: Readonly<Record<string, KeyUri>>
beforeAll(async () => {
  device = await tpmWithKey('unix')
  proxy = await startTpmProxy(device.tpm)
  const make = async (name: string, path: Readonly<Record<string, string>>) =>
    (await importAt(proxy.device, { path: { file: join(folder, name), ...path } })).uri
  below = {
    h2: await make('h2.pem', { parent: 'h2' }),
    persistent: await make('p.pem', { parent: hex(device.parent) }),
  }
})
afterAll(async () => {
  await proxy?.stop()
  await device?.remove()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() => {
  proxy.order()
  proxy.forget()
})

async function ask(uri: KeyUri): Promise<string> {
  const key = await openKey(uri, { pin: authSource(undefined) })
  try {
    return answerText(await key.hmac(day))
  } finally {
    await key.close()
  }
}

const uriBelow = (parent: string, query: Readonly<Record<string, undefined>> = {}): KeyUri => {
  const uri = below[parent]
  if (uri === undefined) throw new Error(`no key below ${parent}`)
  return uri.with({ query })
}

/** The TPM tells its public area: the record has the Name and not the area. */
const asking = { 'salt-public': undefined }
/** Nothing is pinned. */
const unpinned = { 'salt-public': undefined, 'salt-name': undefined }

describe.each(['h2', 'persistent'])('a key below %s', (parent) => {
  it('answers while nobody does anything, and not in clear', async () => {
    expect(await ask(uriBelow(parent))).toBe(dayAnswer)
    expect(await ask(uriBelow(parent, asking))).toBe(dayAnswer)
    expect(proxy.bytes().includes(Buffer.from(dayAnswer, 'hex'))).toBe(false)
  })

  it('F-T17: 1 of 4: refuses a swapped public area before a salt leaves', async () => {
    const attack = new SwappedParent()
    proxy.order(...attack.rules())
    await expect(ask(uriBelow(parent, asking))).rejects.toMatchObject({
      code: 'ERR_DEVICE_FAILED',
      message: expect.stringContaining('Name'),
    })
    expect([attack.salted, attack.read]).toEqual([0, []])
  })

  it('F-T17: needs no public area from the TPM where the record has it', async () => {
    const attack = new SwappedParent()
    proxy.order(...attack.rules())
    await ask(uriBelow(parent)).catch(() => '')
    expect(attack.read.map(String)).not.toContain('20150830')
  })

  it.each([
    ['the HMAC', 20],
    ['the nonce', -40],
    ['the authentication of the answer', -1],
  ])('F-T16: 2 of 4: refuses a flipped bit in %s', async (_what, place) => {
    proxy.order(flip('HMAC', place))
    await expect(ask(uriBelow(parent))).rejects.toMatchObject({ code: 'ERR_DEVICE_FAILED' })
  })

  it('F-T16: 3 of 4: refuses an answer that was given before', async () => {
    await ask(uriBelow(parent))
    proxy.order(replay('HMAC'))
    await expect(ask(uriBelow(parent))).rejects.toMatchObject({ code: 'ERR_DEVICE_FAILED' })
  })

  it.each([
    ['on its way to the TPM', encryptionDropped],
    ['on its way back', encryptionDenied],
  ])('F-T16: 4 of 4: refuses where the encryption is dropped %s', async (_where, rule) => {
    proxy.order(rule())
    // A TPM that was told something else than hardkey said answers as to a wrong auth value, which this key has not.
    const code = expect.stringMatching(/^ERR_(DEVICE_FAILED|PIN_INCORRECT)$/)
    await expect(ask(uriBelow(parent))).rejects.toMatchObject({ code })
    expect(proxy.count('HMAC')).toBe(1)
    expect(proxy.bytes().includes(Buffer.from(dayAnswer, 'hex'))).toBe(false)
  })

  it('leaves nothing in the TPM after all that', async () => {
    expect(await leftInTpm(device.tpm)).toEqual([])
  })
})

describe('a client that pins no Name', () => {
  it('as tpm2-tools: the attacker reads what the session encrypts', async () => {
    const tools = await tpm2Tools(proxy.device)
    tools.write('day', day)
    const attack = new SwappedParent()
    proxy.order(...attack.rules())
    await tools.keep('startauthsession', '--hmac-session', '-S', 's.ctx', '--tpmkey-context', hex(device.parent))
    await tools.keep('sessionconfig', 's.ctx', '--enable-decrypt', '--enable-encrypt')
    await tools.keep('hmac', '-c', hex(device.handle), '--hex', '-p', 'session:s.ctx', 'day').catch(() => '')
    expect(attack.read.map(String)).toEqual(['20150830'])
    await tools.flush()
    tools.remove()
  })

  it('as hardkey by a key file alone: the same, and it warns that nothing is proved', async () => {
    const key = await openKey(uriBelow('h2', unpinned), { pin: authSource(undefined) })
    expect(key.info.warnings.join(' ')).toMatch(/salt-name|Name/)
    await key.close()
  })
})
