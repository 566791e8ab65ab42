// A software TPM behind the scripted proxy, with keys that hardkey checked in there: one as a key file, one persistent, both
// below a persistent storage key. In: nothing. Out: ways to use and to judge.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openKey } from '../../src/backends/open.ts'
import type { HmacKey } from '../../src/key/hmac-key.ts'
import type { KeyUri } from '../../src/key/uri.ts'
import { answerText, authSource, importAt } from '../backends/tpm2/opening.ts'
import { day, dayAnswer, hex, keyText, type TpmWithKey, tpmWithKey } from '../backends/tpm2/tpm-with-key.ts'
import { handlesOf, leftInTpm, wrongAuthCount } from '../peers/tpm-questions.ts'
import type { Fault } from './criteria.ts'
import { startTpmProxy, type TpmProxy } from './tpm-proxy.ts'

/** Answers of a TPM that has looked at an auth value and refused it; parameter, handle and session numbers left out. */
const authRefusals: readonly number[] = [0x08e, 0x0a2]

export const authValue = 'canary-auth-8431'

/** Which of the keys: a key file, a persistent one, or a key file whose key has an auth value that counts when wrong. */
export type Kind = 'file' | 'handle' | 'typed'

export class FaultyTpm {
  readonly device: TpmWithKey
  readonly proxy: TpmProxy
  readonly folder: string = mkdtempSync(join(tmpdir(), 'hardkey-faulty-tpm-'))
  /** As the record has them, by kind. */
  readonly uris: Record<Kind, KeyUri> = {} as Record<Kind, KeyUri>

  private constructor(device: TpmWithKey, proxy: TpmProxy) {
    this.device = device
    this.proxy = proxy
  }

  static async make(): Promise<FaultyTpm> {
    const device = await tpmWithKey('unix')
    const made = new FaultyTpm(device, await startTpmProxy(device.tpm))
    const parent = hex(device.parent)
    const imported = async (path: Readonly<Record<string, string>>, auth?: string) => {
      const query = auth === undefined ? {} : { auth: 'yes' }
      return (await importAt(made.proxy.device, { path: { parent, ...path }, query, auth })).uri
    }
    made.uris.file = await imported({ file: join(made.folder, 'prod.tss2.pem') })
    made.uris.handle = await imported({ handle: '0x81010200' })
    made.uris.typed = await imported({ file: join(made.folder, 'typed.tss2.pem') }, authValue)
    made.proxy.forget()
    return made
  }

  async open(kind: Kind, auth: string | undefined = kind === 'typed' ? authValue : undefined): Promise<HmacKey> {
    return await openKey(this.uris[kind], { pin: authSource(auth) })
  }

  /** Opens, asks for the day, closes. */
  async answer(kind: Kind, auth?: string): Promise<string> {
    const key = await this.open(kind, auth)
    try {
      return answerText(await key.hmac(day))
    } finally {
      await key.close()
    }
  }

  /** How many auth values the TPM, or the proxy in its place, has refused. */
  authTries(): number {
    const refused = this.proxy.exchanges.filter(({ answer }) => {
      const code = answer === undefined || answer.length < 10 ? 0 : answer.readUInt32BE(6)
      return (code & 0x80) !== 0 && authRefusals.includes(code & 0xbf)
    })
    return refused.length
  }

  /** Waits until nothing of ours is in the TPM: a key that is open gives it back a moment after its last use. */
  async rest(): Promise<void> {
    for (let wait = 0; wait < 1500 && (await leftInTpm(this.device.tpm)).length > 0; wait += 1) await sleep(20)
  }

  /** What a fault must leave as it is: what the TPM keeps and counts, nothing loaded, key files. */
  async kept(): Promise<unknown> {
    const { tpm } = this.device
    await this.rest()
    const files = readdirSync(this.folder).sort()
    return {
      persistent: await handlesOf(tpm, 'persistent'),
      left: await leftInTpm(tpm),
      wrong: await wrongAuthCount(tpm),
      files: files.map((name) => [name, readFileSync(join(this.folder, name), 'utf8')]),
    }
  }

  /** `kind`: only a key with an auth value can spend one. */
  fault(kind: Kind, act: () => Promise<string>, more: Partial<Fault<string>> = {}): Fault<string> {
    return {
      act,
      mend: () => this.proxy.order(),
      isRight: (answer) => answer === dayAnswer,
      kept: () => this.kept(),
      tries: kind === 'typed' ? () => this.authTries() : undefined,
      canaries: {
        key: Buffer.from(keyText),
        DateKey: Buffer.from(dayAnswer, 'hex'),
        'auth value': Buffer.from(authValue),
      },
      ...more,
    }
  }

  async remove(): Promise<void> {
    await this.proxy.stop()
    await this.device.remove()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
