// Two clients of the AWS SDK with temporary credentials from a key in Vault or OpenBao: one by GetSessionToken, one by
// AssumeRole. Both refresh by themselves for as long as the key is open.
//
//   node sdk.mjs ~/.config/hardkey/keys/fleet.json arn:aws:iam::111122223333:role/edge eu-west-1

import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { fromHardkey, openRecord } from 'hardkey'

const [record, roleArn, region = 'us-east-1'] = process.argv.slice(2)
if (roleArn === undefined) {
  console.error('usage: node sdk.mjs RECORD.json ROLE-ARN [REGION]')
  process.exit(2)
}
const endpoint = process.env.AWS_ENDPOINT_URL_STS

const { key, accessKeyId } = await openRecord(record)
try {
  const ways = [
    { action: 'GetSessionToken', durationSeconds: 3600 },
    { action: 'AssumeRole', roleArn, roleSessionName: 'example' },
  ]
  for (const sts of ways) {
    const credentials = fromHardkey({ key, accessKeyId, region, endpoint, sts })
    const client = new STSClient({ region, endpoint, credentials })
    const { Arn } = await client.send(new GetCallerIdentityCommand({}))
    console.log(sts.action, Arn)
    client.destroy()
  }
} finally {
  await key.close()
}
