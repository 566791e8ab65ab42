// What is told of a key in a TPM: by the TPM itself, in the words of the specification, and what it promises.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openKey } from '../../../src/backends/open.ts'
import { tpm2Inspector } from '../../../src/backends/tpm2/inspector.ts'
import type { KeyUri } from '../../../src/key/uri.ts'
import { authSource, importAt, type Place, uriOf } from './opening.ts'
import { hex, type TpmWithKey, tpmWithKey } from './tpm-with-key.ts'

let device: TpmWithKey
const folder = mkdtempSync(join(tmpdir(), 'hardkey-tpm-inspector-'))
let files = 0
beforeAll(async () => {
  device = await tpmWithKey('unix')
})
afterAll(async () => {
  await device?.remove()
  rmSync(folder, { recursive: true, force: true })
})

const at = () => device.tpm.device

async function checkedIn(query: Place['query'] = {}): Promise<KeyUri> {
  return (await importAt(at(), { path: { file: join(folder, `key-${++files}.tss2.pem`) }, query })).uri
}

describe('what is told of a key', () => {
  const inspect = async (uri: KeyUri, auth?: string) => {
    const key = await openKey(uri, { pin: authSource(auth), backends: [tpm2Inspector()] })
    await key.close()
    return key.info
  }

  it('names the TPM, the parent, the policy and what they promise', async () => {
    const { device: named, attributes, protection } = await inspect(await checkedIn({ pcrs: 'sha256:7' }))
    expect(named).toMatch(/^TPM at \S+ \(SW.*TPM.*, firmware \d+\.\d+\)$/)
    expect(protection).toBe('memory')
    expect(attributes).toMatchObject({
      parent: 'h2',
      fixedTPM: true,
      saltNamePinned: true,
      policy: 'PCRs sha256:7 hold the values that the key was bound to',
      promises: expect.stringContaining('cannot leave this TPM'),
    })
  })

  it.each([
    [
      'nothing is proved where the Name of the salting key is not pinned',
      { 'salt-name': undefined },
      'nothing is proved',
    ],
    ['anyone may use a key without auth value and policy', {}, 'no auth value and no policy'],
  ])('warns that %s', async (_, query, says) => {
    const { warnings } = await inspect((await checkedIn()).with({ query }))
    expect(warnings.join('\n')).toContain(says)
  })

  it('B-064: warns of a key that can be moved', async () => {
    const { warnings } = await inspect(uriOf(at(), { path: { handle: hex(device.handle) } }))
    expect(warnings.join('\n')).toContain('fixedTPM is clear')
  })

  it('has no warning of these for a key with PCRs', async () => {
    const { warnings } = await inspect(await checkedIn({ pcrs: 'sha256:7' }))
    expect(warnings).toEqual([expect.stringContaining('this TPM is a program')])
  })
})
