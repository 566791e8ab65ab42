// The partitions of AWS. In: the name of a region or host. Out: the partition, with the endings of its host names.
// Source: the partition metadata that the AWS SDKs share; a test compares each row with `@aws-sdk/util-endpoints`.

/** One partition: regions that share accounts, and an ending of host names. */
export interface Partition {
  readonly name: string
  readonly regions: RegExp
  readonly dnsSuffix: string
  readonly dualStackDnsSuffix: string
}

const row = (name: string, regions: RegExp, dnsSuffix: string, dualStackDnsSuffix: string): Partition =>
  Object.freeze({ name, regions, dnsSuffix, dualStackDnsSuffix })

const aws = row('aws', /^(us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+$/, 'amazonaws.com', 'api.aws')

/** Every partition. All of them have FIPS and dual-stack endpoints. */
export const partitions: readonly Partition[] = Object.freeze([
  aws,
  row('aws-cn', /^cn-\w+-\d+$/, 'amazonaws.com.cn', 'api.amazonwebservices.com.cn'),
  row('aws-us-gov', /^us-gov-\w+-\d+$/, 'amazonaws.com', 'api.aws'),
  row('aws-iso', /^us-iso-\w+-\d+$/, 'c2s.ic.gov', 'api.aws.ic.gov'),
  row('aws-iso-b', /^us-isob-\w+-\d+$/, 'sc2s.sgov.gov', 'api.aws.scloud'),
  row('aws-iso-e', /^eu-isoe-\w+-\d+$/, 'cloud.adc-e.uk', 'api.cloud-aws.adc-e.uk'),
  row('aws-iso-f', /^us-isof-\w+-\d+$/, 'csp.hci.ic.gov', 'api.aws.hci.ic.gov'),
  row('aws-eusc', /^eusc-(de)-\w+-\d+$/, 'amazonaws.eu', 'api.amazonwebservices.eu'),
])

const shapeOfRegion = /^[a-z]{2,}(-[a-z]+)+-\d+$/

/**
 * The partition of a region. A region that no row knows, of the usual form, belongs to `aws`, as in the AWS SDKs: so a
 * region newer than this table works. Undefined for everything else: `eu-west`, `us-east-1a`, `aws-global`.
 */
export function partitionOfRegion(region: string): Partition | undefined {
  if (!shapeOfRegion.test(region)) return undefined
  return partitions.find((partition) => partition.regions.test(region)) ?? aws
}

/**
 * The region in the name of an AWS endpoint of STS; undefined for every other host. Hosts under the endings of AWS may
 * be a customer's own: a load balancer, an EC2 instance that runs another store.
 */
export function regionOfStsHost(host: string): string | undefined {
  // The global endpoint of the `aws` partition is in us-east-1; the others have none.
  if (host === 'sts.amazonaws.com') return 'us-east-1'
  const endings = partitions.flatMap((partition) => [partition.dnsSuffix, partition.dualStackDnsSuffix])
  // sts.REGION.ENDING, sts-fips.REGION.ENDING, and in a VPC: vpce-ID.sts.REGION.vpce.ENDING.
  const [, region, ending = ''] =
    /^(?:vpce-[\w-]+\.)?sts(?:-fips)?\.([a-z]+(?:-[a-z]+)+-\d+)\.(?:vpce\.)?(.+)$/.exec(host) ?? []
  return endings.includes(ending) ? region : undefined
}
