// Who a program with the AWS SDK for JavaScript v3 is, by its default chain. In: the folder of a release, the address of STS,
// and how many times to ask, 20 seconds apart. Out: the ARN on standard output, each time.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const [folder, endpoint, times] = process.argv.slice(2)
const { GetCallerIdentityCommand, STSClient } = createRequire(join(folder, 'package.json'))('@aws-sdk/client-sts')

const sts = new STSClient({ endpoint })
for (let turn = 0; turn < Number(times); turn += 1) {
  if (turn > 0) await sleep(20_000)
  const { Arn } = await sts.send(new GetCallerIdentityCommand())
  process.stdout.write(`${Arn}\n`)
}
