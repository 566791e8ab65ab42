// `hardkey configure` and the AWS profiles that stood there before, as a user finds them afterwards.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CheckedIn } from './checked-in.ts'
import type { Ran } from './hardkey.ts'

// The check-in opens an embedded keyset, whose passphrase is slow to try on purpose.
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

describe('what a user mistypes or sets', () => {
  const run = (words: readonly string[], environment: Record<string, string> = {}): Promise<Ran> =>
    there.home.run(words, { environment })

  it.each([
    ['a region', ['whoami', 'prod', '--region', 'eu west'], {}, '(from --region)'],
    ['a region in a variable', ['whoami', 'prod'], { AWS_REGION: 'foo_bar' }, '(from AWS_REGION)'],
    ['a profile', ['whoami', '--profile', 'deply'], {}, 'hint: did you mean deploy'],
    ['a temporary folder', ['demo'], { TMPDIR: '/nonexist' }, '"/nonexist"'],
    ['a role', ['configure', 'prod', '--role-arn', 'foo'], {}, 'hint: '],
    ['a pipe', ['wrap', '--for', '/dev/stdin'], {}, 'fd:N or stdin'],
  ])('%s: is told by name', async (_, words, environment, says) => {
    there.home.write('.aws/config', '[profile deploy]\nregion = eu-west-1\n')
    const { status, stderr } = await run(words, environment)
    expect(stderr).toContain(says)
    expect([1, 2]).toContain(status)
  })

  it('is told of a region that AWS does not have, which is taken', async () => {
    const { stderr, status } = await configure('--region', 'mars', '--unset', 'endpoint-url')
    expect(stderr).toContain('note: "mars" is not the name of an AWS region')
    expect(status).toBe(0)
    await configure('--region', 'eu-west-1', '--endpoint-url', there.sts.url)
  })

  it('has no AWS files where they are /dev/null', async () => {
    const nowhere = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' }
    expect(await run(['whoami', 'prod'], nowhere)).toMatchObject({ status: 0, stderr: '' })
    const written = await run(['configure', 'prod', '--profile', 'p'], nowhere)
    expect([written.status, written.stderr]).toEqual([2, expect.stringContaining('/dev/null')])
  })

  it('signs as the user with a profile that has a role, and says so once', async () => {
    const line = 'credential_process = /usr/bin/hardkey credential-process prod\n'
    const role = 'role_arn = arn:aws:iam::111122223333:role/deploy\nsource_profile = own\n'
    there.home.write('.aws/config', `[profile own]\n${line}[profile deploy]\n${role}`)
    const { stderr, stdout } = await run(['whoami', '--profile', 'deploy'])
    expect(stdout).toContain('user/demo')
    expect(stderr.match(/signed by the key of the user/g)).toHaveLength(1)
  })
})
