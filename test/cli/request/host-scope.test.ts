// Region and service by the name of the host, and nothing where it does not tell.

import { describe, expect, it } from 'vitest'
import { hostScope } from '../../../src/cli/request/host-scope.ts'

describe('a host', () => {
  it.each([
    ['sts.eu-west-1.amazonaws.com', 'sts', 'eu-west-1'],
    ['STS.EU-WEST-1.amazonaws.com:443', 'sts', 'eu-west-1'],
    ['bucket.s3.eu-central-1.amazonaws.com', 's3', 'eu-central-1'],
    ['my.bucket.s3.dualstack.us-east-2.amazonaws.com', 's3', 'us-east-2'],
    ['s3-fips.us-gov-west-1.amazonaws.com', 's3', 'us-gov-west-1'],
    ['sqs.cn-north-1.amazonaws.com.cn', 'sqs', 'cn-north-1'],
    ['a1b2c3.execute-api.ap-south-1.amazonaws.com', 'execute-api', 'ap-south-1'],
    ['email.eu-west-1.amazonaws.com', 'ses', 'eu-west-1'],
    ['a1b2c3-ats.iot.eu-west-1.amazonaws.com', 'iotdata', 'eu-west-1'],
    ['iot.eu-west-1.amazonaws.com', 'iot', 'eu-west-1'],
    ['bedrock-runtime.us-east-1.amazonaws.com', 'bedrock', 'us-east-1'],
    ['ap-123456789012.s3-accesspoint-fips.us-east-1.amazonaws.com', 's3', 'us-east-1'],
    ['123456789012.s3-control.dualstack.eu-west-1.amazonaws.com', 's3', 'eu-west-1'],
    ['sts.us-iso-east-1.c2s.ic.gov', 'sts', 'us-iso-east-1'],
    ['lambda.eu-west-1.api.aws', 'lambda', 'eu-west-1'],
    ['iam.amazonaws.com', 'iam', 'us-east-1'],
    ['b--use1-az5--x-s3.s3express-use1-az5.us-east-1.amazonaws.com', 's3express', 'us-east-1'],
    ['bucket.s3.amazonaws.com', 's3', 'us-east-1'],
  ])('%s is of %s in %s', (host, service, region) => {
    expect(hostScope(host)).toEqual({ service, region })
  })

  it.each(['example.com', '127.0.0.1:9000', 'amazonaws.com', 'nobody.amazonaws.com', 's3.amazonaws.com.evil.example'])(
    '%s tells nothing',
    (host) => {
      expect(hostScope(host)).toEqual({ service: undefined, region: undefined })
    },
  )
})
