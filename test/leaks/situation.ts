// One key in one kind of device, and everything secret about it: the same for every leak run. In: the kind. Out: a home
// folder, an STS on loopback, the device with the key checked in, and the secrets by label. What the test itself writes
// down (PIN, sources to import from) lies in a folder of its own, which is not searched.

import { createHmac } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { narrowPolicy } from '../../src/backends/vault/policy.ts'
import { startLoopbackSts } from '../../src/cli/demo/loopback-sts.ts'
import { checkLabel } from '../../src/key/check-label.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { CommandHome, throwAwayKey } from '../cli/hardkey.ts'
import { baoText } from '../peers/bao-client.ts'
import { type OpenBao, startOpenBao } from '../peers/openbao.ts'
import { type ServiceProxy, serviceProxy } from '../peers/service-proxy.ts'
import { type SoftHsm, softHsm, testPin } from '../peers/softhsm.ts'
import { type Swtpm, startSwtpm } from '../peers/swtpm.ts'
import { tpm2Tools } from '../peers/tpm2-tools.ts'
import type { Items } from './scanner.ts'

export const kinds = ['token', 'keyset', 'TPM'] as const
/** And a transit engine, whose token is what the others have as their PIN. */
export type Kind = (typeof kinds)[number] | 'service'

export const region = 'eu-west-1'
export const role = 'arn:aws:iam::111122223333:role/deploy'

interface Devices {
  readonly hsm: SoftHsm | undefined
  readonly tpm: Swtpm | undefined
  readonly bao: OpenBao | undefined
}

/** An STS that knows the key, behind a proxy that keeps what crosses. */
interface WatchedSts extends Pick<ServiceProxy, 'exchanges' | 'close'> {
  readonly url: string
}

export class Situation {
  readonly kind: Kind
  readonly home: CommandHome = new CommandHome()
  /** What the test wrote down: never searched. */
  readonly sources: string = mkdtempSync(join(tmpdir(), 'hardkey-sources-'))
  /** In memory, as `/run/user/UID` is: the one place where sessions may lie. */
  readonly runtime: string = mkdtempSync('/dev/shm/hardkey-runtime-')
  readonly key: ReturnType<typeof throwAwayKey>
  readonly sts: WatchedSts
  readonly #hsm: SoftHsm | undefined
  readonly #tpm: Swtpm | undefined
  readonly #bao: OpenBao | undefined

  private constructor(kind: Kind, { key, sts }: Pick<Situation, 'key' | 'sts'>, devices: Devices) {
    this.kind = kind
    this.key = key
    this.sts = sts
    this.#hsm = devices.hsm
    this.#tpm = devices.tpm
    this.#bao = devices.bao
  }

  static async make(kind: Kind): Promise<Situation> {
    const hsm = kind === 'token' ? await softHsm() : undefined
    await hsm?.addToken('prod')
    const tpm = kind === 'TPM' ? await tolerantTpm() : undefined
    const bao = kind === 'service' ? await startOpenBao() : undefined
    await bao?.done('POST', 'auth/token/create', { id: testPin })
    const key = throwAwayKey()
    const sts = await watchedSts(key)
    const made = new Situation(kind, { key, sts }, { hsm, tpm, bao })
    made.source('pin', testPin)
    return made
  }

  /** Writes a file of the test's own, readable by its owner alone, and gives its path. */
  source(name: string, content: string): string {
    const path = join(this.sources, name)
    writeFileSync(path, content, { mode: 0o600 })
    return path
  }

  /** Where a key of this name goes, or is; the PIN comes from a file, or from what is given. */
  uri(name: string, pinSource: string = `file:${join(this.sources, 'pin')}`): string {
    const unlock = `pin-source=${pinSource}`
    if (this.#tpm !== undefined) {
      return `tpm2:file=${name}.tss2.pem?device=${encodeURIComponent(this.#tpm.device)}&auth=yes&${unlock}`
    }
    if (this.#bao !== undefined) {
      return `vault:key=${name}?address=${this.#bao.url}&ca=file:${this.#bao.caFile}&${unlock}`
    }
    if (this.#hsm === undefined) return `tink:file=${name}.keyset.json?kek=passphrase:&${unlock}`
    return `pkcs11:token=prod;object=${name}?module-path=${this.#hsm.module}&${unlock}`
  }

  /** The device that is sent keys, without one in it; undefined for a keyset, which has no key to encrypt for. */
  deviceUri(): string | undefined {
    const unlock = `pin-source=file:${join(this.sources, 'pin')}`
    if (this.#tpm !== undefined) return `tpm2:parent=ecc-ek?device=${encodeURIComponent(this.#tpm.device)}`
    if (this.#bao !== undefined) return `vault:?address=${this.#bao.url}&ca=file:${this.#bao.caFile}&${unlock}`
    return this.#hsm === undefined ? undefined : `pkcs11:token=prod?module-path=${this.#hsm.module}&${unlock}`
  }

  /** A token of the transit engine under the narrowest policy of this key, as a host has it. */
  async narrowToken(key: string): Promise<string> {
    const bao = this.#bao
    if (bao === undefined) throw new Error('only a service has tokens')
    const policy = narrowPolicy(KeyUri.parse(this.uri(key)), { from: new Date(), months: 2, labels: [checkLabel()] })
    await bao.done('PUT', `sys/policies/acl/${policy.name}`, { policy: policy.text })
    return baoText(await bao.done('POST', 'auth/token/create', { policies: [policy.name] }), 'auth', 'client_token')
  }

  /** The words that check the key in under this name; the secret comes by `from`. */
  importWords(name: string, from: string): readonly string[] {
    const to = ['import', name, '--to', this.uri(name), '--access-key-id', this.key.accessKeyId, '--from', from]
    return [...to, '--region', region, '--endpoint-url', this.sts.url]
  }

  /** Variables of the device, and folders of every kind inside the home that is searched. */
  environment(): Readonly<Record<string, string>> {
    const folders = ['TMPDIR', 'XDG_STATE_HOME', 'XDG_CACHE_HOME']
    const made = folders.map((name) => {
      const path = join(this.home.folder, name)
      mkdirSync(path, { recursive: true, mode: 0o700 })
      return [name, path] as const
    })
    return { ...this.#hsm?.environment, ...Object.fromEntries(made), XDG_RUNTIME_DIR: this.runtime }
  }

  /** The secrets: what was checked in, what unlocks it, and every key derived today for these services. */
  items(): Items {
    return { ...permanentItems(this.key.secretAccessKey), ...derivedItems(this.key.secretAccessKey, new Date()) }
  }

  /** Every file of the home, of the runtime folder and of the device. */
  files(): readonly string[] {
    const folders = [this.home.folder, this.runtime, ...(this.#hsm === undefined ? [] : [this.#hsm.tokens])]
    return folders.flatMap((folder) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name)),
    )
  }

  /** What the resource manager of a kernel does when a program has gone: it flushes what that left in the TPM. */
  async afterKill(): Promise<void> {
    if (this.#tpm === undefined) return
    const tools = await tpm2Tools(this.#tpm.tcti)
    await tools.flush()
    tools.remove()
  }

  async remove(): Promise<void> {
    await this.sts.close()
    this.#hsm?.remove()
    await this.#tpm?.stop()
    await this.#bao?.stop()
    this.home.remove()
    for (const folder of [this.sources, this.runtime]) rmSync(folder, { recursive: true, force: true })
  }
}

async function watchedSts(key: Situation['key']): Promise<WatchedSts> {
  const sts = await startLoopbackSts({ ...key, secretAccessKey: Buffer.from(key.secretAccessKey) })
  const { port, exchanges, close } = await serviceProxy({ url: sts.url.replace(/\/$/, '') })
  const both = async (): Promise<void> => {
    await Promise.all([close(), sts.close()])
  }
  return { url: `http://127.0.0.1:${port}/`, exchanges, close: both }
}

/** An swtpm that more than three wrong auth values do not lock. */
async function tolerantTpm(): Promise<Swtpm> {
  const tpm = await startSwtpm('unix')
  const tools = await tpm2Tools(tpm.tcti)
  await tools.run('dictionarylockout', '-s', '-n', '32', '-t', '1000', '-l', '1000')
  tools.remove()
  return tpm
}

export function permanentItems(secretAccessKey: string): Items {
  return { secret: Buffer.from(secretAccessKey), PIN: Buffer.from(testPin) }
}

/** kDate of the day, and kRegion, kService, kSigning for STS and S3 (AWS General Reference, Signature Version 4). */
export function derivedItems(secretAccessKey: string, day: Date): Items {
  const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const kDate = hmac(Buffer.from(`AWS4${secretAccessKey}`), day.toISOString().slice(0, 10).replaceAll('-', ''))
  const kRegion = hmac(kDate, region)
  const services = ['sts', 's3'].flatMap((service) => {
    const kService = hmac(kRegion, service)
    return [
      [`kService of ${service}`, kService],
      [`kSigning of ${service}`, hmac(kService, 'aws4_request')],
    ] as const
  })
  return { kDate, kRegion, ...Object.fromEntries(services) }
}

/** Reads the file, which may have gone meanwhile. */
export function contentOf(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Uint8Array(0)
    throw error
  }
}
