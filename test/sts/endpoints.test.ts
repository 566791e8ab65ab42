// Endpoints of STS against the AWS SDK's own partition metadata and the rule set inside its STS client.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { STSClient } from '@aws-sdk/client-sts'
import { partition as sdkPartition } from '@aws-sdk/util-endpoints'
import { describe, expect, it } from 'vitest'
import { stsEndpoint } from '../../src/sts/endpoints.ts'
import { partitionOfRegion, partitions } from '../../src/sts/partitions.ts'

const require = createRequire(import.meta.url)

/** Every region that the SDK knows, from the file it keeps them in. */
function sdkRegions(): string[] {
  const core = join(require.resolve('@aws-sdk/core/package.json'), '..')
  const source = readFileSync(join(core, 'dist-es/submodules/client/util-endpoints/lib/aws/partitions.js'), 'utf8')
  return [...source.matchAll(/"([a-z]+(?:-[a-z]+)+-\d)": \{/g)].map(([, region]) => String(region))
}

const newRegions = ['us-north-9', 'cn-west-2', 'us-gov-north-1', 'us-isof-west-3', 'eusc-de-west-2', 'zz-anywhere-1']

function sdkUrl(region: string, useFipsEndpoint: boolean, useDualstackEndpoint: boolean): string {
  const { endpointProvider } = new STSClient({ region }).config
  const parameters = {
    Region: region,
    UseFIPS: useFipsEndpoint,
    UseDualStack: useDualstackEndpoint,
    UseGlobalEndpoint: false,
  }
  return endpointProvider(parameters).url.href
}

describe('the partition table', () => {
  it('knows regions to try', () => expect(sdkRegions().length).toBeGreaterThan(40))

  it.each([...sdkRegions(), ...newRegions])('has the row of the SDK for %s', (region) => {
    const { name, dnsSuffix, dualStackDnsSuffix } = sdkPartition(region)
    expect(partitionOfRegion(region)).toMatchObject({ name, dnsSuffix, dualStackDnsSuffix })
  })

  it('has every partition of the SDK and no other', () => {
    const names = new Set(sdkRegions().map((region) => sdkPartition(region).name))
    expect(new Set(partitions.map(({ name }) => name))).toEqual(names)
  })

  it.each(partitions)('$name has FIPS and dual-stack endpoints at the SDK too', ({ name }) => {
    const region = sdkRegions().find((one) => sdkPartition(one).name === name) ?? ''
    expect(sdkPartition(region)).toMatchObject({ supportsFIPS: true, supportsDualStack: true })
  })
})

describe('the endpoint of a region', () => {
  const kinds = [
    { kind: 'plain', useFipsEndpoint: false, useDualstackEndpoint: false },
    { kind: 'FIPS', useFipsEndpoint: true, useDualstackEndpoint: false },
    { kind: 'dual-stack', useFipsEndpoint: false, useDualstackEndpoint: true },
    { kind: 'FIPS and dual-stack', useFipsEndpoint: true, useDualstackEndpoint: true },
  ]
  it.each(kinds)(
    'is the $kind one that the SDK takes, in every region',
    ({ useFipsEndpoint, useDualstackEndpoint }) => {
      const regions = [...sdkRegions(), ...newRegions]
      const ours = regions.map((region) => stsEndpoint({ region, useFipsEndpoint, useDualstackEndpoint }).url)
      expect(ours).toEqual(regions.map((region) => sdkUrl(region, useFipsEndpoint, useDualstackEndpoint)))
    },
  )

  it('F-H16: signs for the region and names its partition', () => {
    expect(stsEndpoint({ region: 'cn-north-1' })).toEqual({
      url: 'https://sts.cn-north-1.amazonaws.com.cn/',
      signingRegion: 'cn-north-1',
      partition: 'aws-cn',
      isAws: true,
    })
  })

  it.each(['eu-west', 'us-east-1a', '', 'aws-global', 'US-EAST-1', 'us-east-1/', 'us east 1'])(
    'B-046 refuses the region %j',
    (region) => {
      expect(() => stsEndpoint({ region })).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
    },
  )
})

describe('an endpoint of its own', () => {
  it.each([
    ['https://sts.eu-west-1.amazonaws.com', 'eu-west-1', true],
    ['https://sts-fips.us-gov-west-1.api.aws', 'us-gov-west-1', true],
    ['https://sts.amazonaws.com', 'us-east-1', true],
    ['https://vpce-0a1-b2c.sts.us-west-2.vpce.amazonaws.com', 'us-west-2', true],
    ['https://sts.cn-north-1.amazonaws.com.cn', 'cn-north-1', true],
    ['https://store.example.net:9000', 'ap-south-1', false],
    ['http://127.0.0.1:5555', 'ap-south-1', false],
    ['http://[::1]:5555/sts', 'ap-south-1', false],
    ['http://localhost', 'ap-south-1', false],
    ['https://sts.eu-west-1.amazonaws.com.example.net', 'ap-south-1', false],
    ['https://ec2-192-0-2-1.compute-1.amazonaws.com:9000', 'ap-south-1', false],
    ['https://sts.lb-1.elb.eu-west-1.amazonaws.com', 'ap-south-1', false],
  ])('F-H16: %s signs for %s', (endpoint, signingRegion, isAws) => {
    expect(stsEndpoint({ endpoint, region: 'ap-south-1' })).toMatchObject({ signingRegion, isAws })
  })

  it('takes the names of regions that other stores have', () => {
    const found = stsEndpoint({ endpoint: 'https://store.example.net', region: 'garage' })
    expect(found).toMatchObject({ signingRegion: 'garage', partition: undefined })
  })

  it.each([
    ['http://store.example.net', 'is not https'],
    ['http://169.254.169.254', 'link-local'],
    ['https://169.254.169.254', 'link-local'],
    ['https://[fd00:ec2::254]', 'link-local'],
    ['https://[::ffff:169.254.169.254]', 'link-local'],
    ['http://2852039166', 'link-local'],
    ['ftp://127.0.0.1', 'is not https'],
    ['https://user:secret@store.example.net', 'user name or password'],
    ['https://store.example.net/?a=b', 'a query'],
    ['sts.eu-west-1.amazonaws.com', 'is not a URL'],
    ['http://127.0.0.1.example.net', 'is not https'],
  ])('B-051 refuses %s', (endpoint, why) => {
    const refusal = { code: 'ERR_CONFIG_INVALID', message: expect.stringContaining(why) }
    expect(() => stsEndpoint({ endpoint, region: 'eu-west-1' })).toThrow(expect.objectContaining(refusal))
  })

  it.each([{ useFipsEndpoint: true }, { useDualstackEndpoint: true }])('excludes %j, as at the SDK', (kind) => {
    const options = { endpoint: 'https://store.example.net', region: 'eu-west-1', ...kind }
    expect(() => stsEndpoint(options)).toThrow('excludes FIPS and dual stack')
  })

  it.each(['', undefined, 'a/b', 'a b'])('refuses to sign for the region %j', (region) => {
    expect(() => stsEndpoint({ endpoint: 'https://store.example.net', region })).toThrow('region')
  })
})
