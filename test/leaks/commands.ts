// Every command once, and the ways in which it fails: the same steps for every kind of device. In: the situation. Out: each
// step as it was recorded. Steps build on one another: the first checks the key in.

import { type Recorded, recorded } from './recorded.ts'
import type { Situation } from './situation.ts'

export interface Step extends Recorded {
  readonly step: string
  /** Empty, or the code that it must fail with. */
  readonly expected: string
}

interface Planned {
  readonly step: string
  readonly words: readonly string[]
  /** The code that it must fail with. */
  readonly failure?: string
  readonly input?: string
  readonly environment?: Readonly<Record<string, string>>
}

/** What tools of Node print where it is asked for; `--verbose` is in the words. */
const debugging = { DEBUG: '*', NODE_DEBUG: 'http,https,tls,net,child_process' }

/** Carries the PIN where a step takes it from the environment. */
export const pinVariable = 'CANARY_OF_THE_PIN'

const role = 'arn:aws:iam::111122223333:role/deploy'
const csvHead = 'Access key ID,Secret access key'

/** Goes through all of it. */
export async function everyCommand(at: Situation): Promise<readonly Step[]> {
  const steps: Step[] = []
  for (const { step, words, failure, input, environment } of [
    ...checkIns(at),
    ...delivery(at),
    ...uses(at),
    ...failures(at),
    ...ends(at),
  ]) {
    const ran = await recorded([...words, ...(takesVerbose(words) ? ['--verbose'] : [])], {
      environment: at.home.environment({ ...at.environment(), ...debugging, ...environment }),
      folder: at.home.folder,
      input,
    })
    steps.push({ ...ran, step, expected: failure ?? '' })
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
function delivery(at: Situation): readonly Planned[] {
  const device = at.deviceUri()
  if (device === undefined) {
    return [{ step: 'wrapping key', words: ['wrapping-key', at.uri('prod')], failure: 'ERR_BACKEND_UNSUPPORTED' }]
  }
  const [wrappingKey, wrapped] = [`${at.home.folder}/wrapping-key.json`, `${at.home.folder}/wrapped.json`]
  const create = at.kind === 'token' ? ['--create'] : []
  const secret = ['--access-key-id', at.key.accessKeyId, '--from', 'stdin']
  const settings = ['--region', 'eu-west-1', '--endpoint-url', at.sts.url]
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
    { step: 'devices', words: ['devices', '--json'] },
    { step: 'list', words: ['list', '--json'] },
    { step: 'inspect', words: ['inspect', 'prod', '--json'] },
    { step: 'whoami', words: ['whoami', 'prod'] },
    { step: 'PIN from a variable', words: ['whoami', 'prod', ...fromEnvironment], environment: pin },
    { step: 'session', words: ['credential-process', 'prod'] },
    { step: 'session of a role', words: ['credential-process', 'prod', '--role-arn', role] },
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
  const other = at.source('other-pin', 'another PIN than it')
  const unlock = ['--pin-source', `file:${at.source('pin-again', 'canary-pin-8431')}`]
  return [
    { step: 'forget', words: ['forget', 'csv', '--from-device', '--yes', ...unlock] },
    { step: 'forget the record alone', words: ['forget', 'json', '--yes'] },
    // Last: a token then wants a person for the next PIN.
    { step: 'wrong PIN', words: ['whoami', 'prod', '--pin-source', `file:${other}`], failure: 'ERR_PIN_INCORRECT' },
  ]
}
