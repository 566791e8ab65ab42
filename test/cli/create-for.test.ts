// `import --create-for` and `--also-to`: a key that AWS makes goes straight into a device, into two or into none.

import { readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Rotating } from '../rotation/rotating.ts'

let at: Rotating
beforeEach(async () => {
  at = await Rotating.make()
})
afterEach(() => at.remove())

const place = (name: string): string =>
  `tink:file=${name}.keyset.json?kek=passphrase:&pin-source=file:${at.home.write('passphrase', 'correct horse\n')}`
const words = (name: string, ...more: readonly string[]): readonly string[] => {
  const settings = ['--region', 'eu-west-1', '--endpoint-url', at.iam.url]
  return ['import', name, '--to', place(name), ...settings, ...more]
}
const forUser = (): readonly string[] => ['--create-for', at.iam.userName, '--with', 'prod']

/** Everything that lies in the home folder. */
function allFiles(folder: string): readonly string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? allFiles(path) : [readFileSync(path, 'latin1')]
  })
}

describe('a key that AWS makes', () => {
  it('goes into the device, is waited for, and its secret is in no file and not told', async () => {
    at.iam.unsettledCalls = 2
    const ran = await at.home.run(words('fresh', ...forUser(), '--json'))
    expect(ran).toMatchObject({ status: 0, stderr: expect.stringContaining('waiting for up to 90 seconds') })
    const [secret = 'none was given'] = at.iam.given
    expect([...allFiles(at.home.folder), ran.stdout, ran.stderr].some((text) => text.includes(secret))).toBe(false)
    expect(await at.home.run(['whoami', 'fresh'])).toMatchObject({ status: 0 })
    expect(at.iam.active()).toEqual([at.first, JSON.parse(ran.stdout).accessKeyId])
  })

  it('is made by the key of an AWS profile that an option names', async () => {
    const { secret } = at.iam.keys.get(at.first) ?? expect.fail('there is no key')
    at.home.write('.aws/credentials', `[office]\naws_access_key_id = ${at.first}\naws_secret_access_key = ${secret}\n`)
    const ran = await at.home.run(words('fresh', '--create-for', at.iam.userName, '--admin-profile', 'office'))
    expect(ran).toMatchObject({ status: 0, stderr: expect.stringContaining(`${at.iam.userName} has ${at.first} too`) })
  })

  it('F-R04: is deleted at AWS again where the device does not take it', async () => {
    at.home.write('hardkey/keys/fresh.keyset.json', 'something else')
    const ran = await at.home.run(words('fresh', ...forUser()))
    expect(ran.status).not.toBe(0)
    expect([at.iam.active(), at.iam.given.length]).toEqual([[at.first], 1])
  })

  it('F-R04: is named where it cannot be deleted', async () => {
    at.home.write('hardkey/keys/fresh.keyset.json', 'something else')
    at.iam.fault = ({ action }) => (action === 'DeleteAccessKey' ? { status: 403, code: 'AccessDenied' } : undefined)
    const ran = await at.home.run(words('fresh', ...forUser()))
    const [, made = ''] = at.iam.active()
    expect(ran.stderr).toContain(`the new access key ${made} was not deleted`)
    expect(ran.stderr).toContain(`aws iam delete-access-key --user-name hk --access-key-id ${made}`)
  })

  it('F-R03: may exist where the answer is lost, and the message says how to look', async () => {
    at.iam.fault = ({ action }) => (action === 'CreateAccessKey' ? 'lost' : undefined)
    const ran = await at.home.run(words('fresh', ...forUser()))
    expect(ran).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('a key may have been made, whose secret is lost'),
    })
    expect(ran.stderr).toContain('aws iam list-access-keys --user-name hk')
    expect(at.iam.actions().filter((action) => action === 'CreateAccessKey')).toHaveLength(1)
  })

  it('is not made for a user who has two, of which a record here has one', async () => {
    const { accessKeyId } = at.iam.addKey()
    const ran = await at.home.run(words('fresh', ...forUser()))
    expect(ran.stderr).toContain(`has two access keys already: ${at.first} (the key of prod, `)
    expect(ran.stderr).toContain(`aws iam delete-access-key --user-name hk --access-key-id ${accessKeyId}\n`)
    expect([ran.status, at.iam.given]).toEqual([1, []])
  })

  it.each([
    [['--create-for', 'hk'], /needs --with NAME or --admin-profile PROFILE/],
    [['--with', 'prod'], /--with is for --create-for, which is missing/],
    [['--token-code', '123456'], /--token-code is for --create-for, which is missing/],
    [['--create-for', 'hk', '--with', 'prod', '--from', 'stdin'], /--create-for contradicts --from/],
    [
      ['--create-for', 'hk', '--with', 'prod', '--access-key-id', 'AKIAIOSFODNN7EXAMPLE'],
      /contradicts --access-key-id/,
    ],
  ])('is refused with %j', async (more, message) => {
    expect(await at.home.run(words('fresh', ...more))).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(message),
    })
    expect(at.iam.calls).toEqual([])
  })
})

describe('where IAM wants MFA', () => {
  const device = 'arn:aws:iam::111122223333:mfa/hk'
  const code = ['--token-code', '123456']
  beforeEach(() => {
    at.iam.wantsMfa = true
  })
  const inRecord = (): void => {
    const path = 'hardkey/keys/prod.json'
    at.home.write(path, JSON.stringify({ ...JSON.parse(at.home.read(path)), mfaSerial: device }))
  }
  const inProfile = (...more: readonly string[]): void => {
    const { secret } = at.iam.keys.get(at.first) ?? expect.fail('there is no key')
    const lines = [`aws_access_key_id = ${at.first}`, `aws_secret_access_key = ${secret}`, ...more]
    at.home.write('.aws/credentials', ['[office]', ...lines, ''].join('\n'))
  }
  const byProfile = (): readonly string[] => ['--create-for', at.iam.userName, '--admin-profile', 'office']

  it.each([
    ['the record of --with', inRecord, forUser],
    ['the profile of --admin-profile', () => inProfile(`mfa_serial = ${device}`), byProfile],
  ])('a code of the device in %s opens the session that makes the key', async (_where, name, asWhom) => {
    name()
    const ran = await at.home.run(words('fresh', ...asWhom(), ...code, '--json'))
    expect(ran).toMatchObject({ status: 0 })
    const opening = at.iam.calls.filter(({ action }) => action === 'GetSessionToken')
    expect(opening.map(({ by, form }) => [by, form.get('SerialNumber')])).toEqual([[at.first, device]])
    expect(at.iam.active()).toEqual([at.first, JSON.parse(ran.stdout).accessKeyId])
  })

  it('the device in --mfa-serial is that of the new record, and opens nothing', async () => {
    inRecord()
    const ran = await at.home.run(words('fresh', ...forUser(), ...code, '--mfa-serial', `${device}-new`))
    expect(ran).toMatchObject({ status: 0 })
    const opening = at.iam.calls.filter(({ action }) => action === 'GetSessionToken')
    expect(opening.map(({ form }) => form.get('SerialNumber'))).toEqual([device])
    expect(JSON.parse(at.home.read('hardkey/keys/fresh.json'))).toMatchObject({ mfaSerial: `${device}-new` })
  })

  it('no key is made where no code can be had', async () => {
    inRecord()
    const ran = await at.home.run(words('fresh', ...forUser()))
    expect(ran).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`no terminal to ask for the code of ${device}`),
    })
    expect(at.iam.actions()).toEqual([])
  })

  it('no key is made where a code is given, and the one who signs has no device', async () => {
    const ran = await at.home.run(words('fresh', ...forUser(), ...code, '--mfa-serial', device))
    expect(ran).toMatchObject({ status: 2, stderr: expect.stringContaining('AWS_MFA_SERIAL names one') })
    expect(at.iam.actions()).toEqual([])
  })

  it('temporary credentials in the profile sign as they are', async () => {
    inProfile('aws_session_token = of-an-earlier-session', `mfa_serial = ${device}`)
    const ran = await at.home.run(words('fresh', ...byProfile()))
    expect(ran.stderr).not.toContain('there is no terminal')
    expect(at.iam.actions()).not.toContain('GetSessionToken')
  })
})

describe('a second device', () => {
  it('gets the same key in the same sitting, under a record of its own', async () => {
    const ran = await at.home.run(
      words('fresh', ...forUser(), '--also-to', place('escrow'), '--also-name', 'safe', '--json'),
    )
    expect(ran).toMatchObject({ status: 0 })
    const { accessKeyId, also } = JSON.parse(ran.stdout)
    expect(also).toMatchObject([{ name: 'safe', accessKeyId }])
    for (const name of ['fresh', 'safe']) expect(await at.home.run(['whoami', name])).toMatchObject({ status: 0 })
    expect(at.iam.given).toHaveLength(1)
  })

  it('that turns out to be the first one is none: nothing is left, and no key at AWS', async () => {
    symlinkSync(at.home.records, join(at.home.folder, 'link'))
    const ran = await at.home.run(words('fresh', ...forUser(), '--also-to', place(`${at.home.folder}/link/fresh`)))
    expect(ran).toMatchObject({ status: 2, stderr: expect.stringContaining('--also-to is where --to is') })
    expect([readdirSync(at.home.records), at.iam.active()]).toEqual([['prod.json', 'prod.keyset.json'], [at.first]])
  })

  it('that fails leaves neither, and no key at AWS', async () => {
    at.home.write('hardkey/keys/escrow.keyset.json', 'something else')
    const ran = await at.home.run(words('fresh', ...forUser(), '--also-to', place('escrow')))
    expect(ran).toMatchObject({ stderr: expect.stringContaining('it goes to both devices or to none') })
    expect(ran.status).not.toBe(0)
    expect([at.keysets(), at.iam.active()]).toEqual([['escrow.keyset.json', 'prod.keyset.json'], [at.first]])
    expect(await at.home.run(['inspect', 'fresh'])).toMatchObject({ status: 2 })
  })

  it.each([
    [['--also-name', 'x'], /--also-name names the record of --also-to/],
    [['--from', 'device', '--also-to', 'embedded'], /which no device gives out/],
    [['--also-to', 'embedded', '--also-name', 'prod'], /there is a key record "prod" already/],
    [['--also-to', 'nowhere'], /--also-to "nowhere" is no device/],
    [['--also-to', 'tink:file=../keys/fresh.keyset.json?kek=passphrase:'], /--also-to is where --to is/],
  ])('is refused with %j before a secret is read', async (more, message) => {
    const ran = await at.home.run(words('fresh', ...more), { input: 'no secret' })
    expect(ran.stderr).toMatch(message)
    expect(ran.status).not.toBe(0)
  })
})

it('says after a file that it holds the secret still, and what makes one that no file has seen', async () => {
  const { secret } = at.iam.keys.get(at.first) ?? expect.fail('there is no key')
  at.home.write('keys.csv', `Access key ID,Secret access key\n${at.first},${secret}\n`)
  const ran = await at.home.run(words('again', '--from', 'csv:keys.csv'))
  expect(ran).toMatchObject({
    status: 0,
    stderr: expect.stringContaining(
      'note: keys.csv still holds the secret: remove it there; hardkey rotate again makes one that no file has seen\n',
    ),
  })
})
