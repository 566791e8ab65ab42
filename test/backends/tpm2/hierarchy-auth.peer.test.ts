// A TPM whose owner and endorsement hierarchies have auth values, and a storage key with one of its own: each comes from its
// own source, is asked for only where it is needed, and a wrong one is told as such.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startTpmProxy, type TpmProxy } from '../../faults/tpm-proxy.ts'
import { leftInTpm } from '../../peers/tpm-questions.ts'
import { answerAt, importAt } from './opening.ts'
import { dayAnswer, type TpmWithKey, tpmWithKey } from './tpm-with-key.ts'

const values = { owner: 'canary-owner-1', endorsement: 'canary-endorsement-2', parent: 'canary-parent-3' } as const
type Kind = keyof typeof values

const folder = mkdtempSync(join(tmpdir(), 'hardkey-hierarchies-'))
const sourceOf = (kind: Kind) => `file:${join(folder, kind)}`
let device: TpmWithKey
let proxy: TpmProxy
beforeAll(async () => {
  for (const kind of Object.keys(values) as Kind[]) writeFileSync(join(folder, kind), values[kind], { mode: 0o600 })
  writeFileSync(join(folder, 'wrong'), 'canary-wrong-4', { mode: 0o600 })
  device = await tpmWithKey('unix')
  proxy = await startTpmProxy(device.tpm)
  const storage = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|decrypt'
  const kind = ['-G', 'ecc256:aes128cfb', '-a', storage, '-p', values.parent, '-c', 'own.ctx']
  await device.tools.run('createprimary', '-C', 'o', ...kind)
  await device.tools.run('evictcontrol', '-C', 'o', '-c', 'own.ctx', '0x81000008')
  await device.tools.run('changeauth', '-c', 'o', values.owner)
  await device.tools.run('changeauth', '-c', 'e', values.endorsement)
})
afterEach(async () => expect(await leftInTpm(device.tpm)).toEqual([]))
afterAll(async () => {
  await proxy?.stop()
  await device?.remove()
  rmSync(folder, { recursive: true, force: true })
})

const parents: readonly (readonly [parent: string, needs: Kind])[] = [
  ['h2', 'owner'],
  ['ecc-srk', 'owner'],
  ['ecc-ek', 'endorsement'],
  ['0x81000008', 'parent'],
]

describe.each(parents)('a key below %s', (parent, kind) => {
  const file = join(folder, `${parent}.tss2.pem`)
  const query = { [`${kind}-auth-source`]: sourceOf(kind) }

  it(`checks in and answers with the auth value of its ${kind}, which does not cross in clear`, async () => {
    proxy.forget()
    const { uri } = await importAt(proxy.device, { path: { file, parent }, query })
    expect(await answerAt(proxy.device, { path: { file, parent }, query })).toBe(dayAnswer)
    expect(uri.get(`${kind}-auth-source`)).toBe(sourceOf(kind))
    expect(proxy.bytes().includes(values[kind])).toBe(false)
  })

  it('says whose auth value is missing', async () => {
    const refusal = await answerAt(proxy.device, { path: { file, parent } }).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'ERR_PIN_REQUIRED', hint: expect.stringContaining(`${kind}-auth-source`) })
  })

  it('tries a wrong one once', async () => {
    proxy.forget()
    const wrong = { [`${kind}-auth-source`]: `file:${join(folder, 'wrong')}` }
    await expect(answerAt(proxy.device, { path: { file, parent }, query: wrong })).rejects.toMatchObject({
      code: 'ERR_PIN_INCORRECT',
    })
    const refused = proxy.exchanges.filter(({ answer }) => [0x9a2, 0x98e].includes(answer?.readUInt32BE(6) ?? 0))
    expect(refused.length).toBe(1)
  })
})

describe('a persistent key', () => {
  it('is kept with the auth value of the owner, and needs none to be used', async () => {
    const query = { 'owner-auth-source': sourceOf('owner') }
    const place = { path: { handle: '0x81010900', parent: '0x81000001' } }
    const imported = await importAt(proxy.device, { ...place, query })
    expect(await answerAt(proxy.device, place)).toBe(dayAnswer)
    await imported.remove()
  })
})
