// GetCallerIdentity as a raw POST and a raw GET, both signed by a key in a keyset. No STS session, no SDK.
//
//   node rest.mjs ~/.config/hardkey/keys/edge.json eu-west-1

import { deviceDateKeys, openRecord, sigV4Signer } from 'hardkey'

const [record, region = 'us-east-1'] = process.argv.slice(2)
if (record === undefined) {
  console.error('usage: node rest.mjs RECORD.json [REGION]')
  process.exit(2)
}
const endpoint = process.env.AWS_ENDPOINT_URL_STS ?? `https://sts.${region}.amazonaws.com`
const action = 'Action=GetCallerIdentity&Version=2011-06-15'

const { key, accessKeyId } = await openRecord(record)
try {
  const signer = sigV4Signer({ keys: deviceDateKeys({ key, accessKeyId }), region, service: 'sts' })
  const requests = [
    await signer.sign({
      method: 'POST',
      url: `${endpoint}/`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: action,
    }),
    await signer.sign({ method: 'GET', url: `${endpoint}/?${action}` }),
  ]
  for (const request of requests) {
    const answer = await fetch(request.url, request)
    const arn = /<Arn>(.*)<\/Arn>/.exec(await answer.text())
    console.log(request.method, answer.status, arn?.[1])
  }
} finally {
  await key.close()
}
