// By what a profile signs in, as the SDKs read the two files.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { profileNames } from '../../src/profiles/profile-names.ts'
import { botoSignIn, signInOf } from '../../src/profiles/sign-in.ts'

const folder = mkdtempSync(join(tmpdir(), 'hardkey-sign-in-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const files = { config: join(folder, 'config'), credentials: join(folder, 'credentials') }

const written = (config: string, credentials = ''): typeof files => {
  writeFileSync(files.config, config, { mode: 0o600 })
  writeFileSync(files.credentials, credentials, { mode: 0o600 })
  return files
}

describe('a profile signs in by', () => {
  it.each([
    ['[default]\nregion = x\ncredential_process = y\n', '', 'credential_process', 'config:3'],
    ['[profile default]\nsso_region = x\n', '', 'sso_region', 'config:2'],
    ['[default]\nregion = x\n', '[default]\nAWS_ACCESS_KEY_ID = x\n', 'aws_access_key_id', 'credentials:2'],
    ['[default]\nrole_arn = x\nsource_profile = other\n', '', 'role_arn', 'config:2'],
    ['[default]\nweb_identity_token_file = x\n', '', 'web_identity_token_file', 'config:2'],
    // What the SDKs for Python or Go read, and that for JavaScript does not.
    [
      '',
      '[DEFAULT]\naws_access_key_id = x\n[default]\nregion = y\n',
      'aws_access_key_id',
      'credentials:2 in [DEFAULT]',
    ],
    ['[profile default]\n[DEFAULT]\nrole_arn = x\n', '', 'role_arn', 'config:3 in [DEFAULT]'],
    ['[profile  default]\naws_access_key_id = x\n', '', 'aws_access_key_id', 'config:2'],
    ['[profile \t default]\naws_access_key_id = x\n', '', 'aws_access_key_id', 'config:2'],
    ['[profiles "default"]\naws_access_key_id = x\n', '', 'aws_access_key_id', 'config:2'],
    ['[ default ]\naws_access_key_id = x\n', '', 'aws_access_key_id', 'config:2'],
    ['[default]\ncredential_process : x = y\n', '', 'credential_process', 'config:2'],
    ['[default]\nregion = x\n  [profile other]\naws_access_key_id = y\n', '', 'aws_access_key_id', 'config:4'],
    ['# one\r[default]\raws_access_key_id = x\r', '', 'aws_access_key_id', 'config:1'],
  ])('%j and %j: %s', async (config, credentials, setting, place) => {
    expect(await signInOf(written(config, credentials), 'default')).toEqual({ setting, place: join(folder, place) })
  })

  it.each([
    [
      '[default]\nregion = x\noutput = json\n[profile other]\ncredential_process = y\n',
      '[other]\naws_access_key_id = x\n',
    ],
    ['[default]\ns3 =\n  role_arn = x\n', ''],
    ['', ''],
    ['[DEFAULT]\naws_access_key_id = x\n[profile other]\n', '[other]\n[DEFAULT]\naws_access_key_id = x\n'],
  ])('%j and %j: nothing', async (config, credentials) => {
    expect(await signInOf(written(config, credentials), 'default')).toBeUndefined()
  })

  it('cannot be said of a file that AWS tools read differently', async () => {
    await expect(signInOf(written('[default\nrole_arn = x\n'), 'default')).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
    })
  })
})

it('the profiles of both files have their names once', async () => {
  const config = '[default]\n[profile one]\n[services x]\n[sso-session y]\n'
  expect(await profileNames(written(config, '[one]\n[two]\n'))).toEqual(['default', 'one', 'two'])
})

describe('a file of boto 2', () => {
  const boto = (text: string): string[] => [join(folder, 'missing'), folder, written(text).config]

  it('has a key in [Credentials], with what [DEFAULT] gives it', async () => {
    const place = `${files.config}:3`
    const text = '[Boto]\n[Credentials]\naws_access_key_id: x\n'
    expect(await botoSignIn(boto(text))).toEqual({ setting: 'aws_access_key_id', place })
    expect(await botoSignIn(boto('[DEFAULT]\naws_access_key_id = x\n[Credentials]\n'))).toBeDefined()
  })

  it('has none elsewhere', async () => {
    const text = '[credentials]\naws_access_key_id = x\n[Credentials]\ngs_access_key_id = y\n'
    expect(await botoSignIn(boto(text))).toBeUndefined()
  })
})
