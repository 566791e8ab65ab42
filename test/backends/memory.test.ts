// The memory backend: the contract, and that nothing but its own code can reach it.

import { expect, it } from 'vitest'
import { backendList } from '../../src/backends/list.ts'
import { memoryBackend } from '../../src/backends/memory/backend.ts'
import { openKey } from '../../src/backends/open.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { describeHmacKey } from '../contract/hmac-key.contract.ts'

const key = Buffer.from('AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY')

describeHmacKey('memory', async () => ({
  backend: memoryBackend(),
  key,
  uri: KeyUri.parse('memory:'),
  pin: key,
  cannot: {
    'wrong PIN': 'the pin source gives the key itself',
    'missing key': 'the key is what the pin source gives',
    import: 'there is nowhere to keep a key',
  },
  async close() {},
}))

it('is not offered to users', () => {
  expect(backendList.map(({ scheme }) => scheme)).not.toContain('memory')
})

it('refuses a key of more than 64 bytes', async () => {
  const opening = openKey('memory:', { backends: [memoryBackend()], pin: async () => new Uint8Array(65) })
  await expect(opening).rejects.toMatchObject({ code: 'ERR_SECRET_INVALID' })
})

it('wipes what the pin source gave', async () => {
  const given = Uint8Array.from(key)
  await (await openKey('memory:', { backends: [memoryBackend()], pin: async () => given })).close()
  expect(given.every((byte) => byte === 0)).toBe(true)
})
