// A home folder in which a key has checked in, and an STS on loopback that knows it. In: nothing. Out: both, and the
// key.

import { type LoopbackSts, startLoopbackSts } from '../../src/cli/demo/loopback-sts.ts'
import { CommandHome, throwAwayKey } from './hardkey.ts'

export const region = 'eu-west-1'
export const role = 'arn:aws:iam::111122223333:role/deploy'

export class CheckedIn {
  readonly home: CommandHome = new CommandHome()
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sts: LoopbackSts

  private constructor(key: ReturnType<typeof throwAwayKey>, sts: LoopbackSts) {
    this.accessKeyId = key.accessKeyId
    this.secretAccessKey = key.secretAccessKey
    this.sts = sts
  }

  /** Checks a fresh key in as `prod`, into an embedded keyset that a file unlocks. `told`: more options of `import`; `now`: the clock of STS. */
  static async make(told: readonly string[] = [], now?: () => Date): Promise<CheckedIn> {
    const key = throwAwayKey()
    const sts = await startLoopbackSts({ ...key, secretAccessKey: Buffer.from(key.secretAccessKey), now })
    const made = new CheckedIn(key, sts)
    const to = made.keyUri('prod.keyset.json')
    const words = ['import', 'prod', '--to', to, '--access-key-id', key.accessKeyId, '--from', 'stdin']
    const settings = ['--region', region, '--endpoint-url', sts.url, ...told]
    const ran = await made.home.run([...words, ...settings], { input: key.secretAccessKey })
    if (ran.status !== 0) throw new Error(`the import failed: ${ran.stderr}`)
    return made
  }

  /** A keyset in this file, unlocked by a passphrase in another. */
  keyUri(file: string): string {
    return `tink:file=${file}?kek=passphrase:&pin-source=file:${this.home.write('passphrase', 'correct horse\n')}`
  }

  async remove(): Promise<void> {
    await this.sts.close()
    this.home.remove()
  }
}
