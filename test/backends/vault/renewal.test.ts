// A renewal that fails. In: a server that fails by script. Out: the token, kept while it lives.

import { expect, it } from 'vitest'
import { readAddresses } from '../../../src/backends/vault/address.ts'
import { VaultClient } from '../../../src/backends/vault/client.ts'
import { TokenKeeper } from '../../../src/backends/vault/renewal.ts'
import { settingsOf } from '../../../src/backends/vault/settings.ts'
import { answer, bytesServerForTest } from '../../faults/bytes-server.ts'

const lease = (seconds: number) => ({ client_token: 's.token', lease_duration: seconds, renewable: true })

it('F-V05: a renewal that an outage stops is tried again before the token ends', async () => {
  let renewals = 0
  const server = await bytesServerForTest(({ text }) => {
    if (text.includes('/login')) return [{ send: answer(200, JSON.stringify({ auth: lease(3) })) }]
    renewals += 1
    // Longer than one call goes on asking.
    const isOver = renewals > 4
    return [{ send: isOver ? answer(200, JSON.stringify({ auth: lease(3600) })) : answer(500, '{"errors":[]}') }]
  })
  const settings = settingsOf({ timeoutMilliseconds: 300, random: () => 0 })
  const client = new VaultClient({
    ...settings,
    addresses: readAddresses(`http://127.0.0.1:${server.port}`),
    namespace: undefined,
    authorities: undefined,
    serverName: undefined,
  })
  const login = { method: 'approle', mount: 'approle', roleId: 'r' } as const
  const pin = async (): Promise<Uint8Array> => Buffer.from('s')
  const keeper = await TokenKeeper.open({ client, login, pin, token: undefined, signal: undefined }, settings.now)
  await expect.poll(() => keeper.end?.getTime() ?? 0, { timeout: 60_000 }).toBeGreaterThan(Date.now() + 3_000_000)
  keeper.close()
  client.close()
})
