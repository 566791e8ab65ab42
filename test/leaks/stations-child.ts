// A process that goes through a key's life by the library and waits at each station, while its parent searches its memory.
// In: the plan as JSON in the first argument; a line on standard input sends it on. Out: the name of each station, one a
// line. It holds nothing of what is looked for but what hardkey holds: secrets come from files that the parent wrote.

import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { runInThisContext } from 'node:vm'
import { type BackendEntry, backendEntry } from '../../src/backends/list.ts'
import { tinkImporter } from '../../src/backends/tink/import.ts'
import type { HmacKey } from '../../src/key/hmac-key.ts'
import { pinSourceOf } from '../../src/key/pin-source.ts'
import { ownCopy } from '../../src/key/secret.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { checkIn } from '../../src/lifecycle/check-in.ts'
import { readSecretFile, removeSecretFile, type SecretFile } from '../../src/lifecycle/secret-file.ts'
import { checkSecretAccessKey, readSecretAccessKey } from '../../src/lifecycle/secret-form.ts'
import { profileSettings } from '../../src/profiles/aws-config.ts'
import { writeCredentialProcess } from '../../src/profiles/credential-process.ts'
import { openRecord } from '../../src/profiles/open-record.ts'
import { plaintextKey, removePlaintextKey } from '../../src/profiles/plaintext-key.ts'
import { deviceDateKeys } from '../../src/sigv4/date-key.ts'
import { type SigV4Signer, sigV4Signer } from '../../src/sigv4/signer.ts'
import { dumpEverything } from './dumps.ts'

export interface Plan {
  readonly uri: string
  readonly accessKeyId: string
  /** Where the record goes. */
  readonly folder: string
  readonly files: {
    readonly csv: string
    readonly json: string
    readonly raw: string
    readonly credentials: string
    readonly config: string
  }
  /** The clock at the start, and after midnight. */
  readonly days: readonly [string, string]
  readonly keepDateKey: boolean
  readonly idleMilliseconds: number
  /** Keeps a copy of each secret on purpose. */
  readonly plants: boolean
  /** Writes a heap snapshot, a report, a profile and every object into this folder at each station. */
  readonly dumps?: string | undefined
}

const plan: Plan = JSON.parse(process.argv[2] ?? '')
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const planted: Uint8Array[] = []
/** The same as text, as the name of a script, and as a variable: what snapshots, profiles and reports show. */
const plantedTexts: string[] = []
let today = plan.days[0]
const now = (): Date => new Date(today)

function busy(): void {
  for (const filename of plantedTexts) runInThisContext('for (let i = 0; i < 1e5; i++);', { filename })
}

function plantTexts(): void {
  if (!plan.plants || plan.dumps === undefined) return
  plantedTexts.push(...planted.map((bytes) => Buffer.from(bytes).toString('latin1')))
  process.env.PLANTED = plantedTexts[0]
}

/** Whatever nobody holds is given back: twice, since one collection moves what the next one frees. */
async function station(name: string): Promise<void> {
  for (let times = 0; times < 3; times++) {
    globalThis.gc?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (plan.dumps !== undefined) await dumpEverything(plan.dumps, name, busy)
  process.stdout.write(`${name}\n`)
  await lines.next()
}

function entryOf({ scheme }: KeyUri): BackendEntry {
  const entry = backendEntry(scheme)
  // A cheap scrypt, so that a station is reached soon.
  return scheme === 'tink' ? { ...entry, importer: async () => tinkImporter({ N: 16384 }) } : entry
}

/** The secret by every way there is; the last goes into the device. */
async function goesIn(): Promise<void> {
  const { csv, json, raw, ...aws } = plan.files
  const forms: readonly SecretFile[] = [
    { form: 'csv', path: csv },
    { form: 'json', path: json },
  ]
  for (const file of forms) {
    const { secret } = await readSecretFile(file)
    checkSecretAccessKey(secret)
    secret.wipe()
  }
  readSecretAccessKey(readFileSync(raw)).wipe()
  await profileSettings(aws, 'p')
  const { secret } = await plaintextKey(aws, 'p')
  if (plan.plants) planted.push(secret.lend(ownCopy))
  const uri = KeyUri.parse(plan.uri)
  const entry = entryOf(uri)
  const { accessKeyId, folder } = plan
  await checkIn({ name: 'prod', accessKeyId, secret, to: uri, entry, pin: pinSourceOf(uri), folder, now })
  secret.wipe()
  await writeCredentialProcess({
    files: aws,
    profile: 'p',
    line: '/x/hardkey credential-process prod',
    plaintextKeyGoesNext: true,
  })
  await removePlaintextKey(aws, 'p', accessKeyId)
  for (const file of forms) await removeSecretFile({ ...file, accessKeyId })
}

async function signs(signer: SigV4Signer): Promise<void> {
  await signer.sign({ method: 'GET', url: 'https://s3.eu-west-1.amazonaws.com/bucket/key' })
}

async function plantDerived(key: HmacKey): Promise<void> {
  if (!plan.plants) return
  const kDate = await key.hmac(new TextEncoder().encode(today.slice(0, 10).replaceAll('-', '')))
  const kRegion = createHmac('sha256', kDate).update('eu-west-1').digest()
  const kService = createHmac('sha256', kRegion).update('s3').digest()
  planted.push(kDate, createHmac('sha256', kService).update('aws4_request').digest())
  // Only what is planted stays.
  kRegion.fill(0)
  kService.fill(0)
}

async function opensAndSigns(): Promise<void> {
  const { key, accessKeyId } = await openRecord(`${plan.folder}/prod.json`)
  await station('opened')
  const { keepDateKey } = plan
  const keys = deviceDateKeys({ key, accessKeyId, keepDateKey, now })
  const signer = sigV4Signer({ keys, region: 'eu-west-1', service: 's3', now })
  await signs(signer)
  await plantDerived(key)
  await station('signed')
  await new Promise((resolve) => setTimeout(resolve, plan.idleMilliseconds))
  await station('idle')
  today = plan.days[1]
  await signs(signer)
  await station('after midnight')
  await key.close()
}

async function main(): Promise<void> {
  await goesIn()
  if (plan.plants) planted.push(await pinSourceOf(KeyUri.parse(plan.uri))({ kind: 'PIN', target: 'it' }))
  plantTexts()
  await station('imported')
  await opensAndSigns()
  await station('closed')
  process.exit(planted.length > 9 ? 1 : 0)
}

await main()
