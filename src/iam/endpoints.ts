// Where IAM is: one endpoint for each partition, in one region. In: the partition of a region, or an endpoint.
// Out: the URL and the signing region. AWS General Reference, "AWS Identity and Access Management endpoints"; a test asks
// the rules inside the AWS CLI.

import { HardkeyError } from '../errors.ts'
import { checkedEndpointUrl } from '../query/endpoint-url.ts'
import { partitionOfRegion } from '../sts/partitions.ts'

export interface IamEndpointOptions {
  /** Any region of the partition; at an endpoint of its own the one that signs, us-east-1 by default. */
  readonly region?: string | undefined
  readonly useFipsEndpoint?: boolean | undefined
  readonly useDualstackEndpoint?: boolean | undefined
  /** In place of the partition's: https, or http on this machine. */
  readonly endpoint?: string | undefined
}

export interface IamEndpoint {
  /** With a path, at least `/`. */
  readonly url: string
  readonly signingRegion: string
  /** The host is IAM of AWS: its answers must look exactly as AWS's do. */
  readonly isAws: boolean
}

/** Hosts by what was asked for: plain, FIPS, dual stack, both. */
interface Hosts {
  readonly region: string
  readonly plain: string
  readonly fips?: string
  readonly dualstack?: string
  readonly both?: string
}

const gov = 'iam.us-gov.amazonaws.com'
const govDualstack = 'iam.us-gov.api.aws'
const usIso = 'us-iso-east-1.c2s.ic.gov'
const usIsoB = 'us-isob-east-1.sc2s.sgov.gov'

const hostsOf: ReadonlyMap<string, Hosts> = new Map<string, Hosts>([
  [
    'aws',
    {
      region: 'us-east-1',
      plain: 'iam.amazonaws.com',
      fips: 'iam-fips.amazonaws.com',
      dualstack: 'iam.global.api.aws',
      both: 'iam-fips.global.api.aws',
    },
  ],
  [
    'aws-cn',
    {
      region: 'cn-north-1',
      plain: 'iam.cn-north-1.amazonaws.com.cn',
      dualstack: 'iam.global.api.amazonwebservices.com.cn',
    },
  ],
  // GovCloud's ordinary endpoints are FIPS endpoints.
  ['aws-us-gov', { region: 'us-gov-west-1', plain: gov, fips: gov, dualstack: govDualstack, both: govDualstack }],
  ['aws-iso', { region: 'us-iso-east-1', plain: `iam.${usIso}`, fips: `iam-fips.${usIso}` }],
  ['aws-iso-b', { region: 'us-isob-east-1', plain: `iam.${usIsoB}`, fips: `iam-fips.${usIsoB}` }],
  ['aws-iso-e', { region: 'eu-isoe-west-1', plain: 'iam.eu-isoe-west-1.cloud.adc-e.uk' }],
  ['aws-iso-f', { region: 'us-isof-south-1', plain: 'iam.us-isof-south-1.csp.hci.ic.gov' }],
  ['aws-eusc', { region: 'eusc-de-east-1', plain: 'iam.eusc-de-east-1.amazonaws.eu' }],
])

/** @throws ERR_CONFIG_INVALID for what is no region, for an endpoint that cannot be, and for one that IAM does not have */
export function iamEndpoint(options: IamEndpointOptions): IamEndpoint {
  const { region = '', endpoint, useFipsEndpoint: fips = false, useDualstackEndpoint: dualstack = false } = options
  if (endpoint !== undefined) return givenEndpoint(endpoint, options)
  const partition = partitionOfRegion(region)
  const hosts = partition && hostsOf.get(partition.name)
  if (hosts === undefined) {
    throw new HardkeyError('ERR_CONFIG_INVALID', `"${region.slice(0, 64)}" is not an AWS region`, {
      hint: 'name a region of the partition, such as eu-west-1, us-gov-west-1 or cn-north-1',
    })
  }
  const host = hosts[fips ? (dualstack ? 'both' : 'fips') : dualstack ? 'dualstack' : 'plain']
  if (host !== undefined) return { url: `https://${host}/`, signingRegion: hosts.region, isAws: true }
  throw new HardkeyError('ERR_CONFIG_INVALID', `IAM of the partition ${partition?.name} has no such endpoint`, {
    hint: `leave out ${fips ? 'FIPS' : 'dual stack'}, or give the endpoint itself`,
  })
}

function givenEndpoint(endpoint: string, { region = 'us-east-1' }: IamEndpointOptions): IamEndpoint {
  const url = checkedEndpointUrl(endpoint, 'IAM')
  for (const { plain, fips, dualstack, both, region: signingRegion } of hostsOf.values()) {
    if ([plain, fips, dualstack, both].includes(url.hostname)) return { url: url.href, signingRegion, isAws: true }
  }
  return { url: url.href, signingRegion: region, isAws: false }
}
