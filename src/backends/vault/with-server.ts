// One connection and one login for the time of a call. In: a server, a pin source.
// Out: what the call gives.

import type { DeviceContext } from '../../key/hmac-key.ts'
import { VaultClient } from './client.ts'
import type { VaultKeyAddress } from './key-uri.ts'
import { TokenKeeper } from './renewal.ts'
import type { Asking } from './requests.ts'
import { connectionSettings, type Settings } from './settings.ts'

/** Logs in, calls `act`, closes everything. @throws as the login and `act` */
export async function withServer<Result>(
  address: VaultKeyAddress,
  settings: Settings,
  { pin, signal }: DeviceContext,
  act: (asking: Asking) => Promise<Result>,
): Promise<Result> {
  const client = new VaultClient(await connectionSettings(address, settings))
  try {
    const { token, now } = settings
    const keeper = await TokenKeeper.open({ client, login: address.login, pin, token, signal }, now)
    try {
      return await act({ client, token: keeper.token, address, signal })
    } finally {
      keeper.close()
    }
  } finally {
    client.close()
  }
}
