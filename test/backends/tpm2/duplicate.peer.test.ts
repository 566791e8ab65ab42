// A key that checked in stays in its TPM: TPM2_Duplicate is refused under a policy session that would allow it. The control:
// the same key without fixedTPM and fixedParent comes out in clear.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { importAt } from './opening.ts'
import { peerAddress, pythonPeer } from './seed-files.ts'
import { keyText, makeH2, type TpmWithKey, tpmWithKey } from './tpm-with-key.ts'

let device: TpmWithKey
beforeAll(async () => {
  device = await tpmWithKey('unix')
})
afterAll(() => device?.remove())

/** Starts `s.ctx`, a policy session that allows TPM2_Duplicate; `trial` leaves its digest in move.policy. */
async function movingSession(kind: 'policy' | 'trial'): Promise<void> {
  await device.tools.keep('startauthsession', ...(kind === 'policy' ? ['--policy-session'] : []), '-S', 's.ctx')
  await device.tools.keep('policycommandcode', '-S', 's.ctx', '-L', 'move.policy', 'TPM2_CC_Duplicate')
  if (kind === 'trial') await device.tools.flush()
}

/** TPM2_Duplicate to the null parent, without an inner wrapper: what comes out is in clear. */
async function duplicate(object: string): Promise<string> {
  await movingSession('policy')
  const out = ['-G', 'null', '-r', 'out.dup', '-s', 'out.seed']
  const said = await device.tools.keep('duplicate', '-C', 'null', '-c', object, '-p', 'session:s.ctx', ...out).then(
    () => 'done',
    (error: unknown) => String(error),
  )
  await device.tools.flush()
  return said
}

/** A key of these attributes by TPM2_Create, with the policy that allows moving, at the handle. */
async function createMovable(attributes: string, handle: string): Promise<void> {
  const policy = device.tools.read('move.policy').toString('hex')
  await pythonPeer('seed_use.py', 'create', peerAddress(device.tpm), device.tools.path('m'), attributes, policy)
  await makeH2(device.tools)
  await device.tools.run('load', '-C', 'h2.ctx', '-u', 'm.pub', '-r', 'm.priv', '-c', 'm.ctx')
  await device.tools.run('evictcontrol', '-C', 'o', '-c', 'm.ctx', handle)
}

describe('TPM2_Duplicate', () => {
  it('of a key made here is refused, whatever the session', async () => {
    await importAt(device.tpm.device, { path: { handle: '0x81010700' } })
    await device.tools.run('readpublic', '-c', '0x81010700', '-o', 'made.pub')
    // TPMA_OBJECT: fixedTPM and fixedParent. TPM 2.0 Library, Part 2, 8.3.
    expect(device.tools.read('made.pub').readUInt32BE(6) & 0x12).toBe(0x12)
    await movingSession('trial')
    expect(await duplicate('0x81010700')).toMatch(/0x(99D|182)/i)
  })

  it('of a key with the same attributes and a policy that allows it is refused for the attributes', async () => {
    await movingSession('trial')
    await createMovable('40452', '0x81010701')
    expect(await duplicate('0x81010701')).toMatch(/0x182/i)
  })

  it('of a key without those two attributes gives the secret in clear', async () => {
    await movingSession('trial')
    await createMovable('40440', '0x81010702')
    expect(await duplicate('0x81010702')).toBe('done')
    expect(device.tools.read('out.dup').includes(keyText)).toBe(true)
  })
})
