// What a run program finds in its environment: no other identity, nothing that unlocks a device, and the rest as it was.

import { describe, expect, it } from 'vitest'
import { programEnvironment } from '../../../src/cli/program/program-environment.ts'
import { KeyUri } from '../../../src/key/uri.ts'

const uri = KeyUri.parse('pkcs11:token=prod?module-path=/usr/lib/x.so&pin-source=env:MY_PIN')
const surroundings = { name: 'prod', uri, region: undefined, credentials: { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'x' } }
const of = (variables: Record<string, string>): Readonly<Record<string, string>> =>
  programEnvironment(variables, surroundings)

describe('a run program', () => {
  it.each([
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
    'AWS_SESSION_TOKEN',
    'AWS_SECURITY_TOKEN',
    'AWS_CREDENTIAL_EXPIRATION',
    'AWS_CREDENTIAL_FILE',
    'AWS_PROFILE',
    'AWS_DEFAULT_PROFILE',
    'AWS_ACCOUNT_ID',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_ROLE_ARN',
    'AWS_ROLE_SESSION_NAME',
    'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
    'AWS_CONTAINER_AUTHORIZATION_TOKEN',
    'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
    'AWS_EC2_METADATA_SERVICE_ENDPOINT',
    'AWS_BEARER_TOKEN_BEDROCK',
    'AMAZON_ACCESS_KEY_ID',
    'AMAZON_SECRET_ACCESS_KEY',
    'AMAZON_SESSION_TOKEN',
    'EC2_ACCESS_KEY',
    'EC2_SECRET_KEY',
    'MY_PIN',
    'HARDKEY_OPENS_KEYSET',
    'HARDKEY_PIN',
    '_HARDKEY_PROFILE_CHAIN',
    'VAULT_TOKEN',
    'BAO_TOKEN',
    'VAULT_CLIENT_KEY_BYTES',
  ])('has no %s', (name) => {
    expect(of({ [name]: 'x' })).not.toHaveProperty(name)
  })

  it.each([
    'AWS_CONFIG_FILE',
    'AWS_SHARED_CREDENTIALS_FILE',
    'AWS_CA_BUNDLE',
    'AWS_ENDPOINT_URL',
    'AWS_ENDPOINT_URL_S3',
    'AWS_MAX_ATTEMPTS',
    'AWS_PAGER',
    'AWS_REGION',
    'HARDKEY_HOME',
    'HARDKEY_CACHE_DIR',
    'HARDKEY_ACCOUNT',
    'HARDKEY_ASKPASS',
    'VAULT_ADDR',
    'NODE_OPTIONS',
    'PATH',
    'my_pin_count',
  ])('keeps %s', (name) => {
    expect(of({ [name]: 'x' })[name]).toBe('x')
  })

  it.each([
    [{}, '127.0.0.1,localhost', '127.0.0.1,localhost'],
    [{ NO_PROXY: 'a' }, 'a,127.0.0.1,localhost', 'a,127.0.0.1,localhost'],
    [{ no_proxy: 'b, localhost' }, 'b,localhost,127.0.0.1', 'b,localhost,127.0.0.1'],
    [{ NO_PROXY: 'a', no_proxy: 'b' }, 'a,127.0.0.1,localhost', 'b,127.0.0.1,localhost'],
    [{ NO_PROXY: '*' }, '*', '*'],
  ])('asks no proxy for this machine with %j', (variables, upper, lower) => {
    expect(of(variables)).toMatchObject({ NO_PROXY: upper, no_proxy: lower })
  })

  it('has both names of the region', () => {
    const found = programEnvironment({ AWS_DEFAULT_REGION: 'us-east-2' }, { ...surroundings, region: 'eu-west-1' })
    expect(found).toMatchObject({ AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'eu-west-1' })
  })
})
