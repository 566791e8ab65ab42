// A service with a proxy in front of it, and a keyset under its key. In: a service. Out: the URI of the keyset by way of the
// proxy, the proxy's faults and records, and how the key is opened.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openKey } from '../../../src/backends/open.ts'
import { type TinkOptions, tinkBackend } from '../../../src/backends/tink/backend.ts'
import { tinkImporter } from '../../../src/backends/tink/import.ts'
import type { HmacKey } from '../../../src/key/hmac-key.ts'
import { Secret } from '../../../src/key/secret.ts'
import type { KeyUri } from '../../../src/key/uri.ts'
import { testAuthority } from '../../http/certificates.ts'
import { type ServiceProxy, serviceProxy } from '../../peers/service-proxy.ts'
import { keyBytes } from '../tink-files.ts'
import { serviceUri, type TestService } from './services.ts'

export interface Proxied {
  readonly service: TestService
  readonly proxy: ServiceProxy
  readonly folder: string
  /** Of the keyset `prod.keyset.json`, which the service itself encrypted; of another one by its name. */
  uri(name?: string): KeyUri
  /** Opens a keyset, without pauses between attempts; the caller closes it. */
  open(options?: TinkOptions, name?: string): Promise<HmacKey>
  /** What opening is refused with, and how many requests it took. */
  refusal(options?: TinkOptions, name?: string): Promise<{ error: unknown; requests: number }>
  /** Checks the key in anew, by way of the proxy, under this name. */
  import(name: string, options?: TinkOptions): Promise<void>
  /** A keyset file of the test's own. */
  write(name: string, content: string | Uint8Array): void
  stop(): Promise<void>
}

export const noPin = async (): Promise<Uint8Array> => Buffer.from('no PIN is asked for')

/** The caller stops it, and the service with it. */
export async function behindProxy(service: TestService): Promise<Proxied> {
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-proxied-'))
  const authority = testAuthority()
  const caFile = join(folder, 'ca.pem')
  writeFileSync(caFile, authority.ca)
  const isTls = service.kek.startsWith('hcvault:')
  const proxy = await serviceProxy(service, isTls ? authority.issue({ names: ['127.0.0.1'] }) : undefined)
  const kek = service.kek.replace(/^hcvault:\/\/[^/]+/, `hcvault://127.0.0.1:${proxy.port}`)
  const query = isTls ? { ca: caFile } : { 'kek-endpoint': `http://127.0.0.1:${proxy.port}` }
  const place = { ...service, kek, query }
  const uri = (name = 'prod.keyset.json'): KeyUri => serviceUri(place, join(folder, name))
  const noPause: TinkOptions = { ...service.options, random: () => 0, sleep: async () => {} }
  const open = (options: TinkOptions = {}, name?: string): Promise<HmacKey> =>
    openKey(uri(name), { backends: [tinkBackend({ ...noPause, ...options })], pin: noPin })
  await tinkImporter(service.options).import(serviceUri(service, join(folder, 'prod.keyset.json')), secret(), {
    pin: noPin,
  })
  return {
    service,
    proxy,
    folder,
    uri,
    open,
    refusal: async (options, name) => {
      const before = proxy.exchanges.length
      const error = await open(options, name).then(
        async (key) => {
          await key.close()
          throw new Error('this should have been refused')
        },
        (failure: unknown) => failure,
      )
      return { error, requests: proxy.exchanges.length - before }
    },
    import: async (name, options = {}) => {
      await tinkImporter({ ...noPause, ...options }).import(uri(name), secret(), { pin: noPin })
    },
    write: (name, content) => writeFileSync(join(folder, name), content, { mode: 0o600 }),
    stop: async () => {
      await proxy.close()
      await service.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function secret(): Secret {
  return Secret.join(keyBytes)
}
