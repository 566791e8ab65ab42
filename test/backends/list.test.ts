// The list of backends: what it names is there.

import { describe, expect, it } from 'vitest'
import { backendEntry, backendList } from '../../src/backends/list.ts'

describe.each(backendList)('the backend of $scheme:', (entry) => {
  it('opens its own scheme', async () => {
    expect((await entry.backend()).scheme).toBe(entry.scheme)
  })
  it('imports into its own scheme', async () => {
    expect((await entry.importer()).scheme).toBe(entry.scheme)
  })
})

it('lists devices of pkcs11:, tpm2: and vault:; a keyset is a file, not a device', async () => {
  const listers = await Promise.all(backendList.map(async (entry) => await entry.lister?.()))
  expect(listers.map((lister) => lister?.scheme)).toEqual(['pkcs11', 'tpm2', 'vault', undefined])
})

it('starts openings of pkcs11: ahead and of no other scheme: the others need what unlocks them first', async () => {
  const starters = await Promise.all(backendList.map(async (entry) => await entry.starter?.()))
  expect(starters.map((starter) => starter?.scheme)).toEqual(['pkcs11', undefined, undefined, undefined])
})

it('says which schemes there are when asked for another', () => {
  const unknown = { code: 'ERR_BACKEND_UNKNOWN', hint: 'the schemes are pkcs11:, tpm2:, vault:, tink:' }
  expect(() => backendEntry('tpm9')).toThrow(expect.objectContaining(unknown))
})
