// A key that is in the TPM already, or in a key file, becomes a record: what is found out of it and pinned.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tpm2Importer } from '../../../src/backends/tpm2/import.ts'
import { leftInTpm } from '../../peers/tpm-questions.ts'
import { authSource, importAt, type Place, uriOf } from './opening.ts'
import { hex, type TpmWithKey, tpmWithKey } from './tpm-with-key.ts'

let device: TpmWithKey
const folder = mkdtempSync(join(tmpdir(), 'hardkey-tpm-adopt-'))
beforeAll(async () => {
  device = await tpmWithKey('unix')
})
afterAll(async () => {
  await device?.remove()
  rmSync(folder, { recursive: true, force: true })
})

const at = () => device.tpm.device

describe('a key that is there already', () => {
  const adopting = async (place: Place) => {
    const pin = authSource(place.auth)
    const uri = await tpm2Importer().adopt?.(uriOf(at(), place), { pin })
    return { uri, asked: pin.asked() }
  }

  it('gets its Names pinned, and what is known of its auth value', async () => {
    const { uri, asked } = await adopting({ path: { handle: hex(device.handle) }, query: { salt: hex(device.parent) } })
    expect(uri?.names()).toEqual(['handle', 'device', 'salt', 'name', 'salt-name', 'salt-public', 'auth'])
    expect([uri?.get('auth'), asked]).toEqual(['no', 0])
  })

  it('in a file gets the parent that fits', async () => {
    const file = join(folder, 'typed.tss2.pem')
    await importAt(at(), { path: { file, parent: 'ecc-srk' }, query: { auth: 'yes' }, auth: 'typed' })
    const { uri, asked } = await adopting({ path: { file } })
    expect(await leftInTpm(device.tpm)).toEqual([])
    expect([uri?.get('parent'), uri?.get('auth'), asked]).toEqual(['ecc-srk', 'yes', 0])
    expect(uri?.get('salt-name')).toMatch(/^000b/)
  })
})
