// Every command once, and the ways in which it fails: the same steps for every kind of device. In: the situation. Out: each
// step as it was recorded. Steps build on one another: the first checks the key in.

import { join } from 'node:path'
import { deliverySteps, rotationSteps, tellingSteps } from './life-steps.ts'
import { type Recorded, type Recording, recorded } from './recorded.ts'
import type { Services } from './services.ts'
import { region, type Situation } from './situation.ts'

/** What a step is there to print: credentials, the token of its endpoint, or a link that signs in. */
type Given = 'session' | 'token' | 'link'

export interface Step extends Recorded {
  readonly step: string
  /** Empty, or the code or status that it must fail with. */
  readonly expected: string
  readonly gives: Given | undefined
}

export interface Planned {
  readonly step: string
  readonly words: readonly string[]
  /** The code that it must fail with, or its status where it tells none. */
  readonly failure?: string
  readonly gives?: Given
  readonly input?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly visit?: Recording['visit']
}

/** What tools of Node print where it is asked for; `--verbose` is in the words. */
const debugging = { DEBUG: '*', NODE_DEBUG: 'http,https,tls,net,child_process' }
/** Under `child_process` Node itself prints the whole environment that a program is given. */
export const withoutChildren = { NODE_DEBUG: 'http,https,tls,net' }

/** Carries the PIN where a step takes it from the environment. */
export const pinVariable = 'CANARY_OF_THE_PIN'

const csvHead = 'Access key ID,Secret access key'

/** Where each use of a device and each session that was given out is told of. */
export const accountFile = (at: Situation): string => join(at.home.folder, 'account.jsonl')

/** Goes through all of it. */
export async function everyCommand(at: Situation, services: Services): Promise<readonly Step[]> {
  const steps: Step[] = []
  const told = { ...debugging, HARDKEY_ACCOUNT: accountFile(at), HARDKEY_CACHE_DIR: '' }
  for (const { step, words, failure, gives, input, environment, visit } of [
    ...checkIns(at),
    ...encryptedDelivery(at),
    ...tellingSteps(at),
    ...uses(at),
    ...deliverySteps(at, services),
    ...rotationSteps(at, services),
    ...failures(at),
    ...ends(at),
  ]) {
    const ran = await recorded(
      [...words.slice(0, 1), ...(takesVerbose(words) ? ['--verbose'] : []), ...words.slice(1)],
      {
        environment: at.home.environment({ ...at.environment(), ...told, ...environment }),
        folder: at.home.folder,
        input,
        visit,
      },
    )
    steps.push({ ...ran, step, expected: failure ?? '', gives })
  }
  return steps
}

const takesVerbose = ([word]: readonly string[]): boolean => word !== 'help' && word !== '--version'

function checkIns(at: Situation): readonly Planned[] {
  const { accessKeyId, secretAccessKey } = at.key
  const csv = at.source('key.csv', `${csvHead}\n${accessKeyId},${secretAccessKey}\n`)
  const object = { AccessKey: { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } }
  const json = at.source('key.json', JSON.stringify(object))
  const lines = `[p]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`
  const files = {
    AWS_SHARED_CREDENTIALS_FILE: at.source('credentials', lines),
    AWS_CONFIG_FILE: at.source('config', '[default]\nregion = eu-west-1\n'),
  }
  return [
    { step: 'import from stdin', words: at.importWords('prod', 'stdin'), input: secretAccessKey },
    { step: 'import from CSV', words: [...at.importWords('csv', `csv:${csv}`), '--remove-source'] },
    { step: 'import from JSON', words: [...at.importWords('json', `json:${json}`), '--json'] },
    {
      step: 'import from a profile, which it then writes',
      words: [...at.importWords('profile', 'profile:p'), '--remove-source', '--write-profile', 'p'],
      environment: files,
    },
  ]
}

/** A key that is encrypted as in an office, and opened in the device. */
function encryptedDelivery(at: Situation): readonly Planned[] {
  const device = at.deviceUri()
  if (device === undefined) {
    return [{ step: 'wrapping key', words: ['wrapping-key', at.uri('prod')], failure: 'ERR_BACKEND_UNSUPPORTED' }]
  }
  const [wrappingKey, wrapped] = [`${at.home.folder}/wrapping-key.json`, `${at.home.folder}/wrapped.json`]
  const create = at.kind === 'token' ? ['--create'] : []
  const secret = ['--access-key-id', at.key.accessKeyId, '--from', 'stdin']
  const settings = ['--region', region, '--endpoint-url', at.sts.url]
  return [
    { step: 'wrapping key', words: ['wrapping-key', device, ...create, '--out', wrappingKey] },
    { step: 'wrap', words: ['wrap', '--for', wrappingKey, ...secret, '--out', wrapped], input: at.key.secretAccessKey },
    { step: 'import of a wrapped key', words: ['import', 'edge', '--to', device, '--wrapped', wrapped, ...settings] },
  ]
}

function uses(at: Situation): readonly Planned[] {
  const fromEnvironment = ['--pin-source', `env:${pinVariable}`]
  const pin = { [pinVariable]: Buffer.from(at.items().PIN ?? []).toString() }
  const s3 = 'https://s3.eu-west-1.amazonaws.com/bucket/key'
  const sts = ['--service', 'sts']
  const asking = [at.sts.url, ...sts, '--header', 'content-type: application/x-www-form-urlencoded']
  return [
    { step: 'whoami', words: ['whoami', 'prod'] },
    { step: 'PIN from a variable', words: ['whoami', 'prod', ...fromEnvironment], environment: pin },
    {
      step: 'request',
      words: ['request', 'prod', 'POST', ...asking, '--body', 'Action=GetCallerIdentity&Version=2011-06-15'],
    },
    { step: 'request that is shown', words: ['request', 'prod', 'GET', at.sts.url, ...sts, '--dry-run'] },
    { step: 'presign', words: ['presign', 'prod', s3, '--expires', '7d'] },
    { step: 'token', words: ['token', 'prod', 'rds', '--hostname', 'db', '--port', '5432', '--username', 'app'] },
    { step: 'token for kubectl', words: ['token', 'prod', 'eks', '--cluster-name', 'blue'] },
    { step: 'explain', words: ['explain', 'prod', 'GET', s3] },
    { step: 'help', words: ['help'] },
    { step: 'version', words: ['--version'] },
    { step: 'demo', words: ['demo'] },
  ]
}

function failures(at: Situation): readonly Planned[] {
  const { secretAccessKey } = at.key
  const unknown = at.importWords('twice', 'stdin')
  return [
    {
      step: 'missing key',
      words: ['whoami', at.uri('none'), '--access-key-id', at.key.accessKeyId, '--region', 'eu-west-1'],
      failure: 'ERR_KEY_NOT_FOUND',
    },
    {
      step: 'STS away',
      words: ['whoami', 'prod', '--endpoint-url', 'http://127.0.0.1:9/'],
      failure: 'ERR_STS_UNREACHABLE',
    },
    {
      step: 'import under a name that is taken',
      words: at.importWords('prod', 'stdin'),
      input: secretAccessKey,
      failure: 'ERR_KEY_EXISTS',
    },
    {
      step: 'import of two secrets',
      words: unknown,
      input: `${secretAccessKey}\n${secretAccessKey}`,
      failure: 'ERR_SECRET_INVALID',
    },
    {
      step: 'import of a setting',
      words: unknown,
      input: `aws_secret_access_key=${secretAccessKey}`,
      failure: 'ERR_SECRET_INVALID',
    },
    {
      step: 'import that STS refuses',
      words: unknown,
      input: [...secretAccessKey].reverse().join(''),
      failure: 'ERR_STS_REFUSED',
    },
  ]
}

function ends(at: Situation): readonly Planned[] {
  const other = at.source('other-pin', 'another-PIN-than-it')
  const unlock = ['--pin-source', `file:${at.source('pin-again', 'canary-pin-8431')}`]
  return [
    { step: 'forget', words: ['forget', 'csv', '--from-device', '--yes', ...unlock] },
    { step: 'forget the record alone', words: ['forget', 'json', '--yes'] },
    // Last: a token then wants a person for the next PIN.
    { step: 'wrong PIN', words: ['whoami', 'prod', '--pin-source', `file:${other}`], failure: 'ERR_PIN_INCORRECT' },
  ]
}
