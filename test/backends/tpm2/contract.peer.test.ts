// The contract of a key in a software TPM: over TCP, a Unix socket and a terminal as character device, as key file and at a
// persistent handle, with and without TPM2_HMAC.

import { EventEmitter, once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tpm2Backend } from '../../../src/backends/tpm2/backend.ts'
import { tpm2Importer } from '../../../src/backends/tpm2/import.ts'
import type { KeyBackend } from '../../../src/key/hmac-key.ts'
import { Secret } from '../../../src/key/secret.ts'
import { KeyUri } from '../../../src/key/uri.ts'
import { type ContractSubject, describeHmacKey } from '../../contract/hmac-key.contract.ts'
import { startTpmProxy } from '../../faults/tpm-proxy.ts'
import { withoutHmac } from '../../faults/tpm-rules.ts'
import { type SwtpmWay, startSwtpm } from '../../peers/swtpm.ts'
import { wrongAuthCount } from '../../peers/tpm-questions.ts'
import { keyText } from './tpm-with-key.ts'

const auth = Buffer.from('canary-auth-5519')
const pin = async (): Promise<Uint8Array> => Uint8Array.from(auth)

/** A terminal can be opened twice, and then both read the same answers; /dev/tpm0 cannot: the second waits. */
function oneByOne(backend: KeyBackend): KeyBackend {
  let before: Promise<unknown> = Promise.resolve()
  return {
    scheme: backend.scheme,
    async open(uri, context) {
      const turn = before
      const isFree = new EventEmitter()
      before = once(isFree, 'free')
      await turn
      try {
        const key = await backend.open(uri, context)
        const close = async () => {
          await key.close()
          isFree.emit('free')
        }
        return { info: key.info, hmac: (data, options) => key.hmac(data, options), close, [Symbol.asyncDispose]: close }
      } catch (error) {
        isFree.emit('free')
        throw error
      }
    },
  }
}

interface Device {
  /** For `device=`. */
  readonly device: string
  readonly close: () => Promise<void>
  readonly pinTries?: (() => Promise<number>) | undefined
  readonly isTerminal?: boolean
}

/** Keys with an auth value, since the contract has one; `place` names where the next one lies. */
async function subject(
  { device, close, pinTries, isTerminal = false }: Device,
  place: (number: number) => Readonly<Record<string, string>>,
): Promise<ContractSubject> {
  const importer = tpm2Importer()
  const at = (number: number): KeyUri => KeyUri.of('tpm2', place(number), { device, auth: 'yes' })
  const imported = await importer.import(at(0), Secret.join(Buffer.from(keyText)), { pin })
  let places = 0
  return {
    backend: isTerminal ? oneByOne(tpm2Backend()) : tpm2Backend(),
    importer,
    key: Buffer.from(keyText),
    uri: imported.uri,
    missing: at(99),
    freshPlace: () => at(++places),
    pin: auth,
    wrongPin: Buffer.from('canary-wrong-auth'),
    ...(pinTries === undefined ? {} : { pinTries }),
    close,
  }
}

function files(): { readonly place: (number: number) => Readonly<Record<string, string>>; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-tpm2-contract-'))
  return {
    place: (number) => ({ file: join(folder, `key-${number}.tss2.pem`) }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** The owner's range, apart from the storage keys. */
function handles(number: number): Readonly<Record<string, string>> {
  return { handle: `0x${(0x81010100 + number).toString(16)}` }
}

async function swtpm(way: SwtpmWay, remove = (): void => {}): Promise<Device> {
  const tpm = await startSwtpm(way)
  const close = async (): Promise<void> => {
    await tpm.stop()
    remove()
  }
  const pinTries = way === 'pty' ? undefined : () => wrongAuthCount(tpm)
  return { device: tpm.device, close, pinTries, isTerminal: way === 'pty' }
}

for (const way of ['tcp', 'unix', 'pty'] as const) {
  describeHmacKey(`swtpm over ${way}, a key file`, async () => {
    const { place, remove } = files()
    return await subject(await swtpm(way, remove), place)
  })
}

describeHmacKey('swtpm over a Unix socket, a persistent key', async () => await subject(await swtpm('unix'), handles))

describeHmacKey('a TPM without TPM2_HMAC', async () => {
  const { place, remove } = files()
  const tpm = await startSwtpm('unix')
  const proxy = await startTpmProxy(tpm)
  proxy.order(...withoutHmac())
  const close = async () => {
    await proxy.stop()
    await tpm.stop()
    remove()
  }
  return await subject({ device: proxy.device, close, pinTries: () => wrongAuthCount(tpm) }, place)
})
