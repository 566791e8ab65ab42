// The form of each action: byte for byte what the AWS SDK's own client sends for the same input, and nothing else.

import {
  AssumeRoleCommand,
  GetCallerIdentityCommand,
  GetFederationTokenCommand,
  GetSessionTokenCommand,
  STSClient,
} from '@aws-sdk/client-sts'
import { describe, expect, it } from 'vitest'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { type StsClient, stsClient } from '../../src/sts/client.ts'
import type { AssumeRoleInput, GetFederationTokenInput, GetSessionTokenInput } from '../../src/sts/inputs.ts'
import { errorXml, mfaSerial, roleArn } from './answers.ts'
import { loopback } from './loopback.ts'

const identity = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'a secret for tests' }
const tokenCode = async (): Promise<string> => '123456'
const policy = `{"Version":"2012-10-17","Statement":[{"Sid":"it's (a) *test*! é~+/%","Effect":"Deny"}]}`

const assumeRole: AssumeRoleInput = {
  roleArn,
  roleSessionName: 'me+you=us,.@-_',
  policyArns: [{ arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }, { arn: 'arn:aws:iam::123456789012:policy/p/q' }],
  policy,
  durationSeconds: 900,
  tags: [
    { key: 'Team name', value: 'größer & kleiner'.replace('&', '+') },
    { key: 'empty', value: '' },
  ],
  transitiveTagKeys: ['Team name'],
  externalId: 'a/b:c@d=e',
  serialNumber: mfaSerial,
  tokenCode,
  sourceIdentity: 'me',
  providedContexts: [
    { providerArn: 'arn:aws:iam::aws:contextProvider/IdentityCenter', contextAssertion: 'a & b = "c"' },
  ],
  minimumSessionTokenSize: 0,
}
const getSessionToken: GetSessionTokenInput = {
  durationSeconds: 129_600,
  serialNumber: 'GAHT12345678',
  tokenCode,
  minimumSessionTokenSize: 4096,
}
const getFederationToken: GetFederationTokenInput = {
  name: 'bob',
  policy,
  policyArns: assumeRole.policyArns,
  durationSeconds: 900,
  tags: assumeRole.tags,
  minimumSessionTokenSize: 1,
}

/** The same input as the SDK spells it; the code in place of the callback. */
function sdkInput<Input>(input: object): Input {
  const spelled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(spelled)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [
        name === 'arn' ? name : name.replace(/^./, (first) => first.toUpperCase()),
        spelled(member),
      ]),
    )
  }
  // The cast: the test compares what comes of it.
  return { ...(spelled(input) as Input), ...('tokenCode' in input ? { TokenCode: '123456' } : {}) }
}

async function formsOf(
  ours: (client: StsClient) => Promise<unknown>,
  sdk: (client: STSClient) => Promise<unknown>,
): Promise<string[]> {
  const { url, requests } = await loopback(() => ({ status: 400, body: errorXml('Refused') }))
  await ours(stsClient({ keys: secretDateKeys(identity), region: 'eu-west-1', endpoint: url })).catch(() => undefined)
  const sdkClient = new STSClient({ region: 'eu-west-1', endpoint: url, credentials: identity })
  await sdk(sdkClient).catch(() => undefined)
  sdkClient.destroy()
  return requests.map(({ body }) => body)
}

describe('the form that is sent', () => {
  it('for GetCallerIdentity equals that of the AWS SDK', async () => {
    const [ours, sdks] = await formsOf(
      (client) => client.getCallerIdentity(),
      (client) => client.send(new GetCallerIdentityCommand({})),
    )
    expect(ours).toBe(sdks)
  })

  it.each([
    ['every parameter', assumeRole],
    ['what is needed', { roleArn, roleSessionName: 'me' }],
  ])('for AssumeRole with %s equals that of the AWS SDK', async (_, input: AssumeRoleInput) => {
    const [ours, sdks] = await formsOf(
      (client) => client.assumeRole(input),
      (client) => client.send(new AssumeRoleCommand(sdkInput(input))),
    )
    expect(ours).toBe(sdks)
  })

  it.each([
    ['every parameter', getSessionToken],
    ['none', {}],
  ])('for GetSessionToken with %s equals that of the AWS SDK', async (_, input: GetSessionTokenInput) => {
    const [ours, sdks] = await formsOf(
      (client) => client.getSessionToken(input),
      (client) => client.send(new GetSessionTokenCommand(sdkInput(input))),
    )
    expect(ours).toBe(sdks)
  })

  it('for GetFederationToken equals that of the AWS SDK', async () => {
    const [ours, sdks] = await formsOf(
      (client) => client.getFederationToken(getFederationToken),
      (client) => client.send(new GetFederationTokenCommand(sdkInput(getFederationToken))),
    )
    expect(ours).toBe(sdks)
  })

  it('holds only parameters that AssumeRole has', async () => {
    const [ours = ''] = await formsOf(
      (client) => client.assumeRole(assumeRole),
      async () => undefined,
    )
    const names = new Set([...new URLSearchParams(ours).keys()].map((name) => name.replace(/\.member\.\d+/, '')))
    expect([...names].sort()).toEqual(
      'Action DurationSeconds ExternalId MinimumSessionTokenSize Policy PolicyArns.arn ProvidedContexts.ContextAssertion ProvidedContexts.ProviderArn RoleArn RoleSessionName SerialNumber SourceIdentity Tags.Key Tags.Value TokenCode TransitiveTagKeys Version'.split(
        ' ',
      ),
    )
  })

  it('leaves an empty list out', async () => {
    const [ours] = await formsOf(
      (client) => client.getFederationToken({ name: 'bob', tags: [], policyArns: [] }),
      async () => undefined,
    )
    expect(ours).toBe('Action=GetFederationToken&Version=2011-06-15&Name=bob')
  })
})
