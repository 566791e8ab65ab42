// How a new key is proved. In: --prove, --offline, settings. Out: what asks the service, signed by the device, and what is
// told of it.

import type { ProveKey } from '../../lifecycle/check-in.ts'
import { proveAtS3 } from '../../lifecycle/prove-s3.ts'
import type { RecordSettings } from '../../profiles/record.ts'
import { connect, connectSts } from '../aws/connection.ts'
import type { CommandContext } from '../command.ts'
import { allowPlainHttp } from '../request/request-url.ts'
import { networkSettings, stsSettings } from '../settings/settings.ts'

export interface ImportProof {
  readonly kind: 'sts' | 's3' | 'offline'
  readonly prove: ProveKey | undefined
  close(): void
}

/** What is told of a proof: the step, what stands in place of an identity, the command to type next. */
interface ProofText {
  readonly step: string
  readonly identity: string
  readonly next: string
}

export const proofTexts: Readonly<Record<ImportProof['kind'], ProofText>> = Object.freeze({
  sts: {
    step: 'ask STS who the key is, signed by the device',
    identity: 'unknown',
    next: 'hardkey whoami NAME',
  },
  s3: {
    step: 'ask the store for its buckets, signed by the device',
    identity: 'the store knows the key (it has no names)',
    next: 'hardkey request NAME GET s3://',
  },
  offline: { step: '', identity: 'not asked (--offline)', next: 'hardkey inspect NAME' },
})

/** @throws ERR_USAGE, ERR_CONFIG_INVALID: all that can be refused before a secret is read */
export async function importProof(context: CommandContext, settings: RecordSettings): Promise<ImportProof> {
  const { args, report, now } = context
  const kind = args.value('prove') ?? 'sts'
  if (kind !== 'sts' && kind !== 's3') throw args.wrong('--prove is sts or s3')
  const store = kind === 's3' ? storeOf(context, settings) : undefined
  if (args.has('offline')) {
    if (args.value('prove') === 'sts') throw args.wrong('--offline contradicts --prove sts')
    return { kind: 'offline', prove: undefined, close: () => {} }
  }
  if (store !== undefined) return await proofAtStore(context, store)
  const sts = connectSts(await stsSettings(context, {}), report.step)
  return {
    kind,
    prove: (keys, signal) => sts.client(keys, now).getCallerIdentity({ signal }),
    close: () => sts.close(),
  }
}

interface Store {
  readonly endpoint: string
  readonly region: string
}

/** A store without STS is where `--endpoint-url` says, be it asked now or not. */
function storeOf(context: CommandContext, { region, endpointUrl }: RecordSettings): Store {
  const { args } = context
  if (endpointUrl === undefined) throw args.wrong('--prove s3 needs --endpoint-url', 'give the address of the store')
  if (region === undefined) throw args.wrong('--prove s3 needs --region', "give the store's, or us-east-1")
  allowPlainHttp(context, endpointUrl)
  return { endpoint: endpointUrl, region }
}

async function proofAtStore(context: CommandContext, { endpoint, region }: Store): Promise<ImportProof> {
  const { args, now } = context
  const http = connect(await networkSettings(context), args.has('allow-http'))
  return {
    kind: 's3',
    prove: async (keys, signal) => {
      await proveAtS3({ keys, endpoint, region, http, now, signal })
      return undefined
    },
    close: () => http.close(),
  }
}
