// `hardkey configure` and the AWS profiles that stood there before, as a user finds them afterwards.

import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { CheckedIn } from './checked-in.ts'
import type { Ran } from './hardkey.ts'

// The check-in opens an embedded keyset, whose passphrase is slow to try on purpose.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let there: CheckedIn
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterAll(() => there.remove())

const configure = (...words: string[]): Promise<Ran> => there.home.run(['configure', 'prod', ...words])

describe('the region of an AWS profile', () => {
  beforeEach(async () => {
    there.home.write('.aws/config', '[profile own]\nregion = us-west-2 ; mine\n[profile new]\noutput = json\n')
    await configure('--region', 'eu-west-1')
  })

  it('stays as it was, and that it differs is said', async () => {
    const { stderr } = await configure('--profile', 'own')
    expect(there.home.read('.aws/config')).toMatch(/\[profile own\]\nregion = us-west-2 ; mine\ncredential_process = /)
    expect(stderr).toContain('note: the AWS profile own has region = us-west-2')
  })

  it('is that of the record where the profile has none', async () => {
    const { stderr } = await configure('--profile', 'new')
    expect(there.home.read('.aws/config')).toMatch(/output = json\ncredential_process = .*\nregion = eu-west-1\n/)
    expect(stderr).not.toContain('has region')
  })

  it('is named by each profile that says another one once the record changes', async () => {
    await configure('--profile', 'own')
    await configure('--profile', 'new')
    const { stderr } = await configure('--region', 'us-west-2')
    expect(stderr).toContain('note: the AWS profile new has region = eu-west-1')
    expect(stderr).not.toContain('profile own')
  })
})

describe('where what unlocks the device comes from', () => {
  const nobody = ['whoami', 'prod'] as const

  it('is kept in the record, so that nobody is asked', async () => {
    await configure('--unset', 'pin-source')
    const asked = await there.home.run(nobody)
    expect(asked.stderr).toContain('hardkey configure prod --pin-source SOURCE keeps it')
    const path = there.home.write('passphrase', 'correct horse\n')
    expect((await configure('--pin-source', `file:${path}`)).stdout).toBe(`set pin-source to file:${path}\n`)
    expect((await there.home.run(nobody)).status).toBe(0)
    expect((await configure()).stdout).toContain(`pin-source         file:${path}\n`)
  })

  it.each([
    ['fd:3', 'a descriptor is open in one run alone'],
    ['file:pass', 'write file:/'],
    ['1234', 'does not say where the PIN comes from'],
    ['|cat', 'command'],
  ])('is not %s', async (source, says) => {
    const before = there.home.read('hardkey/keys/prod.json')
    const { status, stderr } = await configure('--pin-source', source)
    expect(stderr).toContain(says)
    expect(status).toBe(2)
    expect(there.home.read('hardkey/keys/prod.json')).toBe(before)
  })
})
