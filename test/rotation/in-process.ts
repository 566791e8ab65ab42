// A rotation without processes: a device of the tests' own, an IAM on loopback, a folder of records. In: nothing. Out: runs of
// `rotate`, and the whole state of disk, device and AWS, which can be kept and brought back as after a crash.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HardkeyError } from '../../src/errors.ts'
import { iamClient } from '../../src/iam/client.ts'
import { Secret } from '../../src/key/secret.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { checkIn } from '../../src/lifecycle/check-in.ts'
import { rememberPin } from '../../src/lifecycle/remembered-pin.ts'
import { rotate } from '../../src/lifecycle/rotate.ts'
import type {
  RotationOutcome,
  RotationParts,
  RotationQuestion,
  RotationWish,
} from '../../src/lifecycle/rotation-parts.ts'
import { readRecord, recordPath } from '../../src/profiles/record-store.ts'
import { stsClient } from '../../src/sts/client.ts'
import { temporaryFolder } from '../files/temporary-folder.ts'
import { type IamKey, LoopbackIam } from '../iam/loopback-iam.ts'
import { pin } from '../lifecycle/prepared.ts'
import { type TestDevice, testDevice } from '../lifecycle/test-device.ts'

/** All that a crash leaves. */
export interface Remains {
  readonly files: ReadonlyMap<string, Buffer>
  readonly device: ReadonlyMap<string, Uint8Array>
  readonly aws: ReadonlyMap<string, IamKey>
}

const region = 'eu-west-1'

export class InProcess {
  readonly iam: LoopbackIam
  readonly device: TestDevice = testDevice()
  readonly folder: string = join(temporaryFolder(), 'keys')
  readonly asked: RotationQuestion[] = []
  readonly steps: string[] = []
  /** Milliseconds that were slept. */
  slept = 0
  /** Added to the clock of this machine and of AWS. */
  later = 0
  /** The access key that the record begins with. */
  first = ''

  private constructor(iam: LoopbackIam) {
    this.iam = iam
    iam.now = this.now
  }

  readonly now = (): Date => new Date(Date.now() + this.later)

  static async make(): Promise<InProcess> {
    const made = new InProcess(await LoopbackIam.start())
    const { accessKeyId, secretAccessKey } = made.iam.addKey()
    made.first = accessKeyId
    const secret = Secret.take(Buffer.from(secretAccessKey))
    const { entry } = made.device
    const to = KeyUri.parse('pkcs11:token=t')
    const settings = { region, endpointUrl: made.iam.url }
    await checkIn({ name: 'prod', accessKeyId, secret, to, entry, pin, settings, folder: made.folder, now: made.now })
    secret.wipe()
    return made
  }

  get path(): string {
    return recordPath(this.folder, 'prod')
  }

  async rotate(
    wish: RotationWish = { kind: 'rotate' },
    changes: Partial<RotationParts> = {},
  ): Promise<RotationOutcome> {
    const place = { region, endpoint: this.iam.url, now: this.now }
    const sleep = async (milliseconds: number): Promise<void> => {
      this.slept += milliseconds
    }
    const parts: RotationParts = {
      stored: await readRecord(this.path),
      entry: async () => this.device.entry,
      forThisRun: async (uri) => uri,
      guard: async (_, act) => await act(),
      pin: rememberPin(pin),
      sts: (keys) => stsClient({ ...place, keys, sleep }),
      iam: (keys) => iamClient({ ...place, keys, sleep }),
      mfa: async () => undefined,
      confirm: async (question) => {
        this.asked.push(question)
        return true
      },
      now: this.now,
      sleep,
      onDone: (step) => this.steps.push(step),
      ...changes,
    }
    return await rotate(parts, wish)
  }

  /** What `rotate` fails with; undefined where it does not. */
  async failureOf(wish?: RotationWish, changes?: Partial<RotationParts>): Promise<HardkeyError | undefined> {
    return await this.rotate(wish, changes).then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof HardkeyError) return error
        throw error
      },
    )
  }

  async inRecord(): Promise<string> {
    return (await readRecord(this.path)).record.accessKeyId
  }

  journal(): Record<string, unknown> | undefined {
    const text = this.keep().files.get('prod.rotation.json')
    return text && JSON.parse(text.toString('utf8'))
  }

  /** True where the key of the record is in the device, active at AWS, and the same secret in both. */
  async works(): Promise<boolean> {
    const { record } = await readRecord(this.path)
    const held = this.device.keys.get(KeyUri.parse(record.uri).get('object') ?? '')
    const key = this.iam.keys.get(record.accessKeyId)
    return held !== undefined && key?.active === true && Buffer.from(held).toString() === `AWS4${key.secret}`
  }

  keep(): Remains {
    const files = readdirSync(this.folder).map((name) => [name, readFileSync(join(this.folder, name))] as const)
    const aws = [...this.iam.keys].map(([id, key]) => [id, { ...key }] as const)
    return { files: new Map(files), device: new Map(this.device.keys), aws: new Map(aws) }
  }

  /** What a crash would leave at each moment of `act`, between any two changes of disk, device and AWS. */
  async crashesOf(act: () => Promise<unknown>): Promise<readonly Remains[]> {
    const all: Remains[] = []
    const watch = (): void => void all.push(this.keep())
    Object.assign(this.iam, { watch })
    this.device.watch = watch
    await act()
    Object.assign(this.iam, { watch: () => {} })
    this.device.watch = () => {}
    return [...all, this.keep()]
  }

  bringBack({ files, device, aws }: Remains): void {
    rmSync(this.folder, { recursive: true })
    mkdirSync(this.folder, { mode: 0o700 })
    // The lock names this process, which lives; that of a dead one is taken over.
    for (const [name, bytes] of [...files].filter(([name]) => !name.endsWith('.lock')))
      writeFileSync(join(this.folder, name), bytes, { mode: 0o600 })
    this.device.keys.clear()
    for (const [label, key] of device) this.device.keys.set(label, key)
    this.iam.keys.clear()
    for (const [id, key] of aws) this.iam.keys.set(id, { ...key })
  }

  async close(): Promise<void> {
    await this.iam.close()
  }
}
