// Begins to open a key before it is wanted: the process starts and loads the module while its user does something else.
// In: a key URI. Out: a backend whose next opening of this URI goes on from there.
// 1. No session, no PIN, no login: the module is loaded and initialised, and nothing is asked of it.
// 2. The process belongs to whoever opens the key, and to this object until then.

import type { DeviceContext, HmacKey, KeyStarter, StartedBackend } from '../../key/hmac-key.ts'
import type { KeyUri } from '../../key/uri.ts'
import { OpenedKey } from './opened-key.ts'
import { type LoadedModule, openModule, type Pkcs11Options, type Settings, settingsOf } from './token-session.ts'

/**
 * Starts processes of PKCS#11 modules ahead of their use.
 *
 * Who must not need it: the command's `credential-process` uses it, which lives no longer than one signature.
 *
 * @throws ERR_USAGE for a time that is not a number above 0, or is beyond 24 days
 */
export function pkcs11Starter(options: Pkcs11Options = {}): KeyStarter {
  const settings = settingsOf(options)
  return { scheme: 'pkcs11', start: (uri, signal) => new StartedModule(uri, settings, signal) }
}

class StartedModule implements StartedBackend {
  readonly scheme = 'pkcs11'
  readonly #uri: KeyUri
  readonly #settings: Settings
  readonly #unwanted = new AbortController()
  /** Until the key is opened. */
  #loading: Promise<LoadedModule> | undefined

  constructor(uri: KeyUri, settings: Settings, signal: AbortSignal | undefined) {
    this.#uri = uri
    this.#settings = settings
    const signals = signal === undefined ? [] : [signal]
    this.#loading = openModule(uri, settings, AbortSignal.any([...signals, this.#unwanted.signal]))
    // It is told to whoever opens the key, and to nobody where none does.
    this.#loading.catch(() => undefined)
  }

  async open(uri: KeyUri, context: DeviceContext): Promise<HmacKey> {
    const wish = { uri, settings: this.#settings, context }
    return await OpenedKey.open(wish, uri === this.#uri ? () => this.#take() : undefined)
  }

  async end(): Promise<void> {
    const loading = this.#take()
    if (loading === undefined) return
    this.#unwanted.abort()
    const [loaded] = await Promise.allSettled([loading])
    if (loaded.status === 'fulfilled') await loaded.value.client.close()
  }

  #take(): Promise<LoadedModule> | undefined {
    const loading = this.#loading
    this.#loading = undefined
    return loading
  }
}
