// What the demo of a clone adds to the command's own: foreign code that agrees. `hardkey demo --then` runs it while the
// STS still answers. In: the signed request and the throw-away secret as JSON on standard input, and the profile of
// AWS_PROFILE, whose credential_process is the command. Out: a line for each check. Fails when one does.

import { createHash, createHmac } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { SignatureV4 } from '@smithy/signature-v4'

/** The hash of node:crypto in the form that the signer wants. */
class Sha256 {
  #hash
  constructor(key) {
    this.#hash = key === undefined ? createHash('sha256') : createHmac('sha256', key)
  }
  update(data) {
    this.#hash.update(data)
  }
  async digest() {
    return this.#hash.digest()
  }
}

const { request, region, service, date, accessKeyId, secretAccessKey } = JSON.parse(await text(process.stdin))

const ours = signatureIn(request.headers)
const theirs = signatureIn((await signAgain()).headers)
if (ours !== theirs) throw new Error('@smithy/signature-v4 computes another signature')
tell('host', `@smithy/signature-v4, with the secret in memory ${theirs.slice(0, 8)}…, the same signature`)

// It tells of Node versions to come, which is not the demo's business.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
const client = new STSClient()
const { Arn } = await client.send(new GetCallerIdentityCommand())
client.destroy()
tell('SDK', `AWS SDK client, by credential_process, acts as ${Arn}`)

function tell(where, what) {
  process.stdout.write(`${where.padEnd(7)} ${what}\n`)
}

function signAgain() {
  const credentials = { accessKeyId, secretAccessKey }
  const signer = new SignatureV4({ region, service, credentials, sha256: Sha256, applyChecksum: false })
  const url = new URL(request.url)
  const names = /SignedHeaders=([^,]+)/.exec(header(request.headers, 'authorization'))[1].split(';')
  const headers = Object.fromEntries(names.map((name) => [name, header(request.headers, name) ?? url.host]))
  const { method, body } = request
  const query = Object.fromEntries(url.searchParams)
  const [year, month, day, hour, minute, second] = date.match(/\d\d(?:\d\d(?=\d{4}T))?/g)
  const signingDate = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return signer.sign({ method, headers, query, body, path: url.pathname, hostname: url.hostname }, { signingDate })
}

function signatureIn(headers) {
  return /Signature=([0-9a-f]{64})$/.exec(header(headers, 'authorization'))[1]
}

function header(headers, name) {
  return Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1]
}
