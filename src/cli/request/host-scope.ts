// Region and service of a request, for its credential scope. In: the URL's host. Out: what an AWS host name says of
// both. AWS General Reference, "Service endpoints": SERVICE.REGION.amazonaws.com and its sisters. Any other host says
// nothing.

import { partitionOfRegion, partitions } from '../../sts/partitions.ts'

/** What a host name says; undefined where it does not. */
export interface HostScope {
  readonly service: string | undefined
  readonly region: string | undefined
}

/** Services with one endpoint for the whole `aws` partition, all signed for us-east-1. */
const globalServices: readonly string[] = ['cloudfront', 'iam', 'organizations', 'route53', 's3', 'sts']

/** Where the signing name is not the name in the host: as botocore's service models have it. */
const signingNames: Readonly<Record<string, string>> = Object.freeze({
  'bedrock-agent': 'bedrock',
  'bedrock-agent-runtime': 'bedrock',
  'bedrock-runtime': 'bedrock',
  email: 'ses',
  'memory-db': 'memorydb',
  'models-v2-lex': 'lex',
  pinpoint: 'mobiletargeting',
  'runtime-v2-lex': 'lex',
  's3-accesspoint': 's3',
  's3-control': 's3',
  transcribestreaming: 'transcribe',
})

/** Region and service by the host, without the port. */
export function hostScope(host: string): HostScope {
  const nothing = { service: undefined, region: undefined }
  const name = host.toLowerCase().replace(/:[0-9]+$/, '')
  const ending = partitions
    .flatMap(({ dnsSuffix, dualStackDnsSuffix }) => [`.${dnsSuffix}`, `.${dualStackDnsSuffix}`])
    .filter((suffix) => name.endsWith(suffix))
    .sort((one, other) => other.length - one.length)[0]
  if (ending === undefined) return nothing
  const front = name.slice(0, -ending.length)
  const labels = front.split('.').filter((label) => label !== 'dualstack' && label !== 'vpce')
  const last = labels.at(-1) ?? ''
  if (partitionOfRegion(last) === undefined) {
    const service = signingName(last)
    return globalServices.includes(service) ? { service, region: 'us-east-1' } : nothing
  }
  const service = labels.at(-2)
  // S3 Express One Zone: BUCKET--x.s3express-ZONE.REGION, and s3express-control.REGION.
  if (/^s3express-/.test(service ?? '')) return { service: 's3express', region: last }
  // AWS IoT: ID-ats.iot.REGION takes messages, iot.REGION administers.
  if (service === 'iot' && /-ats$/.test(labels.at(-3) ?? '')) return { service: 'iotdata', region: last }
  return { service: service === undefined ? undefined : signingName(service), region: last }
}

function signingName(label: string): string {
  const plain = label.replace(/-fips$/, '')
  return Object.hasOwn(signingNames, plain) ? (signingNames[plain] ?? plain) : plain
}
