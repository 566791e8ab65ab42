// A device of the tests' own: a backend and importer as anyone may write them, with keys in a table.
// In: nothing, or what shall go wrong. Out: the pair that checkIn takes, and what the device holds and was asked.

import { createHmac } from 'node:crypto'
import type { BackendEntry } from '../../src/backends/list.ts'
import { HardkeyError } from '../../src/errors.ts'
import type { DeviceContext, HmacKey, KeyImporter, KeyInfo } from '../../src/key/hmac-key.ts'
import type { Secret } from '../../src/key/secret.ts'
import type { KeyUri } from '../../src/key/uri.ts'

export interface TestDevice {
  readonly entry: BackendEntry
  /** Keys by label, as bytes. */
  readonly keys: Map<string, Uint8Array>
  /** How often each was asked of it. */
  readonly calls: { hmac: number; pin: number; open: number }
  /** Whether it takes no more keys, as a token that is full. */
  refuses: boolean
  /** Called before and after each change. */
  watch: () => void
}

export interface Faults {
  /** The key that is stored is another one than was given. */
  readonly storesWrongKey?: boolean
  /** `remove()` of an imported key fails. */
  readonly keepsKeys?: boolean
}

const info: KeyInfo = { scheme: 'pkcs11', protection: 'hardware', device: 'token "t"', attributes: {}, warnings: [] }
const pinRequest = { kind: 'PIN', target: 'token "t"' } as const

/** Scheme `pkcs11`: one token, keys found by `object`, PIN 1234. */
export function testDevice(faults: Faults = {}): TestDevice {
  const keys = new Map<string, Uint8Array>()
  const calls = { hmac: 0, pin: 0, open: 0 }
  const login = async ({ pin }: DeviceContext): Promise<void> => {
    calls.pin++
    if (Buffer.from(await pin(pinRequest)).toString() !== '1234') throw new HardkeyError('ERR_PIN_INCORRECT', 'refused')
  }
  const remove = async (label: string): Promise<void> => {
    if (faults.keepsKeys === true) throw new HardkeyError('ERR_DEVICE_UNAVAILABLE', 'token "t" is gone')
    device.watch()
    if (!keys.delete(label)) throw new HardkeyError('ERR_KEY_NOT_FOUND', `no key ${label}`)
    device.watch()
  }
  const importer: KeyImporter = {
    scheme: 'pkcs11',
    import: async (uri, key, context) => {
      await login(context)
      const label = labelOf(uri)
      if (device.refuses) throw new HardkeyError('ERR_DEVICE_FAILED', 'token "t" is full')
      if (keys.has(label)) throw new HardkeyError('ERR_KEY_EXISTS', `token "t" has a key "${label}" already`)
      device.watch()
      keys.set(label, stored(key, faults))
      device.watch()
      return { uri: uri.with({ path: { serial: '4711' } }), info, remove: () => remove(label) }
    },
    remove: async (uri, context) => {
      await login(context)
      await remove(labelOf(uri))
    },
  }
  const open = async (uri: KeyUri, context: DeviceContext): Promise<HmacKey> => {
    calls.open++
    await login(context)
    const key = keys.get(labelOf(uri))
    if (key === undefined) throw new HardkeyError('ERR_KEY_NOT_FOUND', `no key ${labelOf(uri)}`)
    const hmac = async (data: Uint8Array): Promise<Uint8Array> => {
      calls.hmac++
      return createHmac('sha256', key).update(data).digest()
    }
    const close = async (): Promise<void> => {}
    return { info, hmac, close, [Symbol.asyncDispose]: close }
  }
  const entry = { scheme: 'pkcs11', backend: async () => ({ scheme: 'pkcs11', open }), importer: async () => importer }
  const device: TestDevice = { entry, keys, calls, refuses: false, watch: () => {} }
  return device
}

function stored(key: Secret, { storesWrongKey }: Faults): Uint8Array {
  return storesWrongKey === true ? Buffer.from('another') : key.lend((bytes) => Uint8Array.from(bytes))
}

function labelOf(uri: KeyUri): string {
  return uri.get('object') ?? ''
}
