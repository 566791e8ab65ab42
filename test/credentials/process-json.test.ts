// The line that a credential_process prints, as every AWS SDK reads it.

import { describe, expect, it } from 'vitest'
import { processJson } from '../../src/credentials/process-json.ts'

const credentials = {
  accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'secret "quoted" \\ \u2028',
  sessionToken: 'token',
  expiration: new Date('2026-11-24T12:00:00.999Z'),
  accountId: '012345678901',
}

describe('the JSON of a credential_process', () => {
  it('has the members that AWS tools read', () => {
    expect(JSON.parse(processJson(credentials))).toEqual({
      Version: 1,
      AccessKeyId: 'ASIAIOSFODNN7EXAMPLE',
      SecretAccessKey: 'secret "quoted" \\ \u2028',
      SessionToken: 'token',
      Expiration: '2026-11-24T12:00:00Z',
      AccountId: '012345678901',
    })
  })

  it('leaves the account out where it is not known', () => {
    const { accountId: _, ...withoutAccount } = credentials
    expect(JSON.parse(processJson(withoutAccount))).not.toHaveProperty('AccountId')
  })

  it('is one line', () => {
    expect(processJson(credentials)).not.toMatch(/[\r\n]/)
  })
})
