// A home folder with a record `prod`, and an IAM and STS that know its key. In: nothing. Out: both, and runs of
// `hardkey rotate`. The device is an embedded keyset, whose key derivation takes half a second.

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { CommandHome, type Ran } from '../cli/hardkey.ts'
import { LoopbackIam } from '../iam/loopback-iam.ts'

export class Rotating {
  readonly home: CommandHome = new CommandHome()
  readonly iam: LoopbackIam
  /** The access key that the record begins with. */
  readonly first: string

  private constructor(iam: LoopbackIam, first: string) {
    this.iam = iam
    this.first = first
  }

  static async make(): Promise<Rotating> {
    const iam = await LoopbackIam.start()
    const { accessKeyId, secretAccessKey } = iam.addKey()
    const made = new Rotating(iam, accessKeyId)
    const passphrase = made.home.write('passphrase', 'correct horse\n')
    const to = `tink:file=prod.keyset.json?kek=passphrase:&pin-source=file:${passphrase}`
    const words = ['import', 'prod', '--to', to, '--access-key-id', accessKeyId, '--from', 'stdin']
    const settings = ['--region', 'eu-west-1', '--endpoint-url', iam.url]
    const ran = await made.home.run([...words, ...settings], { input: secretAccessKey })
    if (ran.status !== 0) throw new Error(`the import failed: ${ran.stderr}`)
    iam.calls.length = 0
    return made
  }

  /** `hardkey rotate prod …`. */
  async rotate(...words: readonly string[]): Promise<Ran> {
    return await this.home.run(['rotate', 'prod', ...words])
  }

  /** The access key ID of the record. */
  inRecord(): string {
    return String(JSON.parse(this.home.read('hardkey/keys/prod.json')).accessKeyId)
  }

  /** The state of the journal; undefined where there is none. */
  journalState(): string | undefined {
    const path = join(this.home.records, 'prod.rotation.json')
    return existsSync(path) ? String(JSON.parse(this.home.read('hardkey/keys/prod.rotation.json')).state) : undefined
  }

  /** Names of the keysets: what the device holds. */
  keysets(): readonly string[] {
    return readdirSync(this.home.records)
      .filter((name) => name.endsWith('.keyset.json'))
      .sort()
  }

  async remove(): Promise<void> {
    await this.iam.close()
    this.home.remove()
  }
}
