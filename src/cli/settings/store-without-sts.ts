// A key of a store that has no STS. In: a record, the words of this run. Out: a refusal where STS or IAM would be asked,
// with what to do in the place of each command.

import { HardkeyError } from '../../errors.ts'
import type { RecordSettings } from '../../profiles/record.ts'
import type { CommandContext } from '../command.ts'

/** What needs STS or IAM for another reason than a session, and what to do in its place at a store that has neither. */
const withoutSts: Readonly<Record<string, readonly [lacks: string, remedy: string]>> = {
  whoami: ['so nobody tells who it is', 'see what it may do there: hardkey request NAME GET s3://'],
  policy: [
    'so these policies of AWS mean nothing there',
    'bound it by what the store has; hardkey policy NAME bucket is for both',
  ],
  rotate: [
    'so hardkey cannot make another there',
    'make one at the store, check it in by hardkey import under a new name, and hardkey forget this one',
  ],
  revoke: ['so hardkey cannot end it there', 'switch it off at the store; then hardkey forget NAME --from-device'],
}

/** A key of a store that has no STS is refused where one is asked, unless this run says where an STS is. */
export function refuseStoreWithoutSts({ args, environment }: CommandContext, { store }: RecordSettings): void {
  if (store === undefined || args.value('endpoint-url') !== undefined) return
  if (environment.endpoints.sts?.variable === 'AWS_ENDPOINT_URL_STS') return
  const [lacks, hint] = withoutSts[args.command] ?? [
    'which gives no temporary credentials',
    'sign with the key itself: hardkey presign, hardkey request, or signWithKey in a program',
  ]
  throw new HardkeyError('ERR_CONFIG_INVALID', `this key is of a store without STS, ${lacks}`, { hint })
}
