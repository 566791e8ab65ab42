// Where STS is. In: a region, with FIPS or dual stack, or an endpoint. Out: the URL, the signing region, the partition.
// AWS STS Regional endpoints, AWS General Reference; the same answers as the rules inside the AWS SDK's STS client.

import { HardkeyError } from '../errors.ts'
import { checkedEndpointUrl } from '../query/endpoint-url.ts'
import { type Partition, partitionOfRegion, regionOfStsHost } from './partitions.ts'

export interface StsEndpointOptions {
  readonly region?: string | undefined
  readonly useFipsEndpoint?: boolean | undefined
  readonly useDualstackEndpoint?: boolean | undefined
  readonly endpoint?: string | undefined
}

export interface StsEndpoint {
  /** With a path, at least `/`. */
  readonly url: string
  readonly signingRegion: string
  /** `aws`, `aws-cn`, …; undefined at an endpoint that is not AWS's, with a region that is none of AWS's. */
  readonly partition: string | undefined
  /** The host is STS of AWS: its answers must look exactly as AWS's do. */
  readonly isAws: boolean
}

/**
 * The regional endpoint of STS, never the global one, whose sessions regions that are opted into refuse; or the given
 * endpoint, checked. An AWS endpoint signs for the region in its own name, whatever `region` says.
 *
 * @throws ERR_CONFIG_INVALID for a region of another form, an endpoint that is neither https nor http on this machine,
 * and FIPS or dual stack beside an endpoint
 */
export function stsEndpoint(options: StsEndpointOptions): StsEndpoint {
  if (options.endpoint !== undefined) return givenEndpoint(options.endpoint, options)
  const region = options.region ?? ''
  const partition = partitionOfRegion(region)
  if (partition === undefined) throw noRegion(region)
  return {
    url: `https://${hostOf(partition, region, options.useFipsEndpoint === true, options.useDualstackEndpoint === true)}/`,
    signingRegion: region,
    partition: partition.name,
    isAws: true,
  }
}

function hostOf(partition: Partition, region: string, fips: boolean, dualstack: boolean): string {
  const ending = dualstack ? partition.dualStackDnsSuffix : partition.dnsSuffix
  // GovCloud's ordinary endpoints are FIPS endpoints; only its dual-stack ones have a name of their own.
  const ownName = fips && !(partition.name === 'aws-us-gov' && !dualstack)
  return `${ownName ? 'sts-fips' : 'sts'}.${region}.${ending}`
}

function noRegion(region: string): HardkeyError {
  return new HardkeyError(
    'ERR_CONFIG_INVALID',
    region === '' ? 'no region is given' : `"${region.slice(0, 64)}" is not an AWS region`,
    { hint: 'name the region as AWS does, such as eu-west-1, us-gov-west-1 or cn-north-1' },
  )
}

function givenEndpoint(endpoint: string, options: StsEndpointOptions): StsEndpoint {
  if (options.useFipsEndpoint === true || options.useDualstackEndpoint === true) {
    throw new HardkeyError('ERR_CONFIG_INVALID', 'an endpoint of its own excludes FIPS and dual stack', {
      hint: 'leave out the endpoint, or give the FIPS or dual-stack endpoint itself',
    })
  }
  const url = checkedEndpointUrl(endpoint, 'STS')
  const ownRegion = regionOfStsHost(url.hostname)
  const signingRegion = ownRegion ?? options.region ?? ''
  // Other stores name regions as they like: `garage`, `auto`. The name becomes a part of the credential scope.
  if (!/^[a-z0-9-]{1,64}$/.test(signingRegion)) throw noRegion(signingRegion)
  return {
    url: url.href,
    signingRegion,
    partition: partitionOfRegion(signingRegion)?.name,
    isAws: ownRegion !== undefined,
  }
}
