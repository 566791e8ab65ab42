// A command under a fault: the home folder of test/cli with a key on a SoftHSM behind the shim, an STS on loopback that
// knows it, and another identity lying everywhere that a chain of providers would look. In: nothing. Out: ways to run and
// to judge.

import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type LoopbackSts, startLoopbackSts } from '../../src/cli/demo/loopback-sts.ts'
import { type Fixture, fixture } from '../backends/pkcs11/fixture.ts'
import { CommandHome, type Ran, type RunOptions, throwAwayKey } from '../cli/hardkey.ts'
import type { Canaries } from '../contract/canary.ts'
import { testPin } from '../peers/softhsm.ts'
import type { Fault } from './criteria.ts'

export class FaultyCommand {
  readonly home: CommandHome = new CommandHome()
  readonly device: Fixture
  readonly sts: LoopbackSts
  readonly key: ReturnType<typeof throwAwayKey>
  /** Another identity, in the environment and in AWS's files: never to be used, nor to be printed. */
  readonly other: ReturnType<typeof throwAwayKey> = throwAwayKey()

  private constructor(device: Fixture, sts: LoopbackSts, key: ReturnType<typeof throwAwayKey>) {
    this.device = device
    this.sts = sts
    this.key = key
  }

  /** Checks a key in as `prod`, whose PIN a file holds. `now`: the clock of STS. */
  static async make(now?: () => Date): Promise<FaultyCommand> {
    const key = throwAwayKey()
    const sts = await startLoopbackSts({ ...key, secretAccessKey: Buffer.from(key.secretAccessKey), now })
    const made = new FaultyCommand(await fixture(), sts, key)
    const { accessKeyId, secretAccessKey } = made.other
    const text = `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`
    made.home.write('.aws/credentials', text)
    const ran = await made.checkIn('prod')
    if (ran.status !== 0) throw new Error(`the import failed: ${ran.stderr}`)
    return made
  }

  async checkIn(name: string, options: RunOptions = {}): Promise<Ran> {
    return await this.run(this.importWords(name), { input: this.key.secretAccessKey, ...options })
  }

  /** The words that check the key in under this name; the secret goes to standard input. */
  importWords(name: string): readonly string[] {
    const to = `${this.device.uri(`token=prod;object=${name}`)}&pin-source=file:${this.home.write('pin', testPin)}`
    const source = ['--access-key-id', this.key.accessKeyId, '--from', 'stdin']
    return ['import', name, '--to', to, ...source, '--region', 'eu-west-1', '--endpoint-url', this.sts.url]
  }

  get environment(): Readonly<Record<string, string>> {
    const { accessKeyId, secretAccessKey } = this.other
    const other = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
    return { ...this.device.shim.environment, ...other }
  }

  async run(words: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const environment = { ...this.environment, ...options.environment }
    return await this.home.run(words, { ...options, environment })
  }

  get canaries(): Canaries {
    return {
      PIN: Buffer.from(testPin),
      'secret access key': Buffer.from(this.key.secretAccessKey),
      'secret access key of another': Buffer.from(this.other.secretAccessKey),
    }
  }

  /** What a fault must leave as it is: objects on the token, records, AWS's files. */
  kept(): unknown {
    return { objects: objectsOf(this.device), files: filesOf(this.home, ['hardkey', '.aws']) }
  }

  /** The criteria for a command that prints one session, or one error. `act` gives what it printed. */
  fault(act: () => Promise<Ran>, more: Partial<Fault<Ran>> = {}): Fault<Ran> {
    const refusedBefore = this.sts.refused()
    return {
      act,
      mend: () => {
        this.device.shim.order()
        this.forget()
      },
      isRight: isSession,
      kept: () => this.kept(),
      tries: this.device.shim.pinsSpent,
      identity: {
        only: this.key.accessKeyId,
        used: () => (this.sts.refused() > refusedBefore ? ['unknown to STS'] : []),
      },
      canaries: this.canaries,
      marker: this.home.folder,
      ...more,
    }
  }

  /** Which PINs were refused, as `hardkey doctor --clear-latch` does. */
  forget(): void {
    rmSync(this.home.state, { recursive: true, force: true })
  }

  async remove(): Promise<void> {
    await this.sts.close()
    this.device.remove()
    this.home.remove()
  }
}

/** One line of JSON with temporary credentials, and nothing behind it. */
export function isSession({ stdout, status }: Ran): boolean {
  if (status !== 0 || !/^\{[^\n]*\}\n$/.test(stdout)) return false
  const session: unknown = JSON.parse(stdout)
  return (
    typeof session === 'object' &&
    session !== null &&
    ['SecretAccessKey', 'SessionToken', 'Expiration'].every((name) => typeof Reflect.get(session, name) === 'string')
  )
}

/** Every object of every token, as SoftHSM keeps them: one file each. */
export function objectsOf(device: Fixture): readonly string[] {
  return readdirSync(device.hsm.tokens, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.object') && !name.endsWith('token.object'))
    .sort()
}

function filesOf(home: CommandHome, folders: readonly string[]): Readonly<Record<string, string>> {
  const files = folders.flatMap((folder) =>
    readdirSync(join(home.folder, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  )
  return Object.fromEntries(files.sort().map((path) => [path, readFileSync(path, 'hex')]))
}
