// What the demo plays on: a temporary folder, a throw-away access key, an STS on loopback. In: a context. Out: the
// round of an import by lifecycle/, as a user's would be, with everything in that folder and removed with it.

import { randomBytes } from 'node:crypto'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileFailure } from '../../files/file-failure.ts'
import { Secret } from '../../key/secret.ts'
import { KeyUri } from '../../key/uri.ts'
import { type LoopbackSts, startLoopbackSts } from './loopback-sts.ts'

export const demoRegion = 'us-east-1'
export const demoRole = 'arn:aws:iam::111122223333:role/demo'

export interface Stage {
  /** Temporary, 0700; HARDKEY_HOME of the demo. */
  readonly folder: string
  readonly accessKeyId: string
  /** Throw-away; wiped by `close`. */
  readonly secret: Secret
  readonly sts: LoopbackSts
  /** An embedded keyset that a file in the folder unlocks. */
  readonly target: KeyUri
  /** Stops the STS, wipes the secret, removes the folder. */
  close(): Promise<void>
}

/** Sets the stage. The folder is also removed when the process ends in the middle. */
export async function setStage(now: () => Date): Promise<Stage> {
  const folder = temporaryFolder()
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', removeFolder)
  const secret = Secret.take(randomText(40, 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'))
  const accessKeyId = `AKIA${Buffer.from(randomText(16, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567')).toString('latin1')}`
  const passphrase = join(folder, 'passphrase')
  writeFileSync(passphrase, randomBytes(18).toString('base64url'), { mode: 0o600, flag: 'wx' })
  const sts = await startLoopbackSts({ accessKeyId, secretAccessKey: secret, now })
  return {
    folder,
    accessKeyId,
    secret,
    sts,
    target: KeyUri.of(
      'tink',
      { file: 'demo.keyset.json' },
      { kek: 'passphrase:', 'pin-source': `file:${passphrase.replaceAll('\\', '/')}` },
    ),
    close: async () => {
      await sts.close()
      secret.wipe()
      removeFolder()
      process.removeListener('exit', removeFolder)
    },
  }
}

function temporaryFolder(): string {
  try {
    return mkdtempSync(join(realpathSync(tmpdir()), 'hardkey-demo-'))
  } catch (error) {
    throw fileFailure('write', tmpdir(), 'ERR_CONFIG_INVALID', error)
  }
}

/** As many characters of the alphabet, as bytes. Alphabets of 32 or 64 characters are drawn from evenly. */
function randomText(length: number, alphabet: string): Uint8Array {
  return Uint8Array.from(randomBytes(length), (byte) => alphabet.charCodeAt(byte % alphabet.length))
}
