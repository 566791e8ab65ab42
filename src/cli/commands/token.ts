// `hardkey token NAME KIND`: a password made by a signature, to log in to a database, cache, Kafka or Kubernetes.
// Out: the token; for eks the ExecCredential that kubectl reads, as `aws eks get-token` prints it. Nothing is sent.

import type { HardkeyError } from '../../errors.ts'
import type { DateKeySource } from '../../sigv4/date-key.ts'
import { elastiCacheToken, memoryDbToken } from '../../sigv4/tokens/cache.ts'
import { dsqlToken } from '../../sigv4/tokens/dsql.ts'
import type { LoginToken, TokenOptions } from '../../sigv4/tokens/login-token.ts'
import { mskToken } from '../../sigv4/tokens/msk.ts'
import { rdsToken } from '../../sigv4/tokens/rds.ts'
import { eksToken } from '../../sts/eks-token.ts'
import { quoted } from '../args.ts'
import type { CommandContext } from '../command.ts'
import { withDateKeys } from '../device/date-keys.ts'
import { type NamedKey, namedKey } from '../device/open-key.ts'
import { durationOption } from '../settings/durations.ts'
import { regionSetting } from '../settings/settings.ts'

/** Makes the token of one kind, its options checked already. */
type MakeToken = (common: TokenOptions) => Promise<LoginToken>

interface Kind {
  /** By which the token is signed. */
  readonly service: string
  /** Its options. */
  readonly takes: readonly string[]
  readonly make: (context: CommandContext) => MakeToken
}

const kinds: Readonly<Record<string, Kind>> = Object.freeze({
  rds: { service: 'rds-db', takes: ['hostname', 'port', 'username'], make: rds },
  dsql: { service: 'dsql', takes: ['hostname', 'admin', 'expires-in'], make: dsql },
  elasticache: { service: 'elasticache', takes: ['cache-name', 'user-id', 'serverless'], make: elastiCache },
  memorydb: { service: 'memorydb', takes: ['cache-name', 'user-id'], make: memoryDb },
  msk: { service: 'kafka-cluster', takes: [], make: () => mskToken },
  eks: { service: 'sts', takes: ['cluster-name'], make: eks },
})

const everyOption = [
  'hostname',
  'port',
  'username',
  'admin',
  'expires-in',
  'cache-name',
  'user-id',
  'serverless',
  'cluster-name',
]

/** Prints the token. */
export async function token(context: CommandContext): Promise<number> {
  const { args, environment, output, report, now, signal } = context
  const word = args.word('KIND')
  const kind = Object.hasOwn(kinds, word) ? kinds[word] : undefined
  if (kind === undefined)
    throw args.wrong(`there is no token ${quoted(word)}`, `the kinds are ${Object.keys(kinds).join(', ')}`)
  const other = everyOption.find((option) => !kind.takes.includes(option) && args.has(option))
  if (other !== undefined) throw args.wrong(`a token for ${word} does not take --${other}`)
  const make = kind.make(context)
  const named = await namedKey(context)
  const region = await tokenRegion(context, named)
  const made = await withDateKeys(context, named, {
    scope: { region, service: kind.service },
    prepare: async () => undefined,
    use: (keys: DateKeySource) => make({ keys, region, now, signal }),
  })
  if (output.isTerminal()) report.warning('this shows a password on the terminal, good until it expires')
  const expiration = `${made.expiration.toISOString().slice(0, 19)}Z`
  if (word === 'eks') output.json(execCredential(made.token, expiration, environment.kubernetesExecInfo))
  else if (args.has('json')) output.json({ token: made.token, expiration })
  else output.line(made.token)
  report.step(`the token expires at ${expiration}`)
  return 0
}

async function tokenRegion(context: CommandContext, named: NamedKey): Promise<string> {
  const region = (await regionSetting(context, named.settings))?.value
  if (region === undefined) throw context.args.wrong('the region is not known', 'give --region')
  return region
}

function rds(context: CommandContext): MakeToken {
  const [hostname, username] = [needed(context, 'hostname'), needed(context, 'username')]
  const text = needed(context, 'port')
  if (!/^[0-9]{1,5}$/.test(text)) throw context.args.wrong('--port is not a number')
  return (common) => rdsToken({ ...common, hostname, username, port: Number(text) })
}

function dsql(context: CommandContext): MakeToken {
  const hostname = needed(context, 'hostname')
  const expiresIn = durationOption(context.args, 'expires-in')
  return (common) => dsqlToken({ ...common, hostname, admin: context.args.has('admin'), expiresIn })
}

function elastiCache(context: CommandContext): MakeToken {
  const [cacheName, userId] = [needed(context, 'cache-name'), needed(context, 'user-id')]
  return (common) => elastiCacheToken({ ...common, cacheName, userId, serverless: context.args.has('serverless') })
}

function memoryDb(context: CommandContext): MakeToken {
  const [cacheName, userId] = [needed(context, 'cache-name'), needed(context, 'user-id')]
  return (common) => memoryDbToken({ ...common, cacheName, userId })
}

function eks(context: CommandContext): MakeToken {
  const clusterName = needed(context, 'cluster-name')
  return (common) => eksToken({ ...common, clusterName })
}

function needed({ args }: CommandContext, option: string): string {
  const value = args.value(option)
  if (value === undefined) throw missing(args, option)
  return value
}

function missing(args: CommandContext['args'], option: string): HardkeyError {
  return args.wrong(`a token for ${args.word('KIND')} needs --${option}`)
}

/** In the version that kubectl asks for; without a word of it the older one, as the AWS CLI. */
function execCredential(made: string, expirationTimestamp: string, execInfo: string | undefined): object {
  const asked = /"apiVersion"\s*:\s*"client\.authentication\.k8s\.io\/(v1|v1beta1)"/.exec(execInfo ?? '')?.[1]
  return {
    kind: 'ExecCredential',
    apiVersion: `client.authentication.k8s.io/${asked ?? 'v1beta1'}`,
    spec: {},
    status: { expirationTimestamp, token: made },
  }
}
