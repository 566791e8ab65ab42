// The credential_process line in a profile: what writing and removing it leaves alone, and whom it asked before.

import { chmodSync, existsSync, lstatSync, statSync, symlinkSync } from 'node:fs'
import { parseKnownFiles } from '@smithy/shared-ini-file-loader'
import { describe, expect, it } from 'vitest'
import {
  checkCredentialProcess,
  profilesThatAsk,
  removeCredentialProcess,
  writeCredentialProcess,
} from '../../src/profiles/credential-process.ts'
import { credentialProcessLine } from '../../src/profiles/process-line.ts'
import { awsFiles, textOf } from './aws-files.ts'

const line = credentialProcessLine(['/usr/bin/hardkey'], 'prod')

describe('writing the line into a profile', () => {
  it('keeps everything else, and the AWS SDK finds line and region', async () => {
    const before = '# mine\n[default]\nregion = a ; why\n\n[profile p]\noutput = json\n# end\n'
    const files = awsFiles({ config: before })
    await writeCredentialProcess({ files, profile: 'p', line, region: 'eu-west-1' })
    const added = `output = json\ncredential_process = ${line}\nregion = eu-west-1\n`
    expect(textOf(files.config)).toBe(before.replace('output = json\n', added))
    const sdk = await parseKnownFiles({ filepath: files.credentials, configFilepath: files.config, ignoreCache: true })
    expect(sdk.p).toEqual({ output: 'json', credential_process: line, region: 'eu-west-1' })
  })

  it('makes the file, mode 0600, where there is none, and [default] for the default profile', async () => {
    const files = awsFiles({})
    await writeCredentialProcess({ files, profile: 'default', line })
    expect([textOf(files.config), statSync(files.config).mode & 0o777]).toEqual([
      `[default]\ncredential_process = ${line}\n`,
      0o600,
    ])
  })

  it('keeps the mode of the file, and leaves no lock behind', async () => {
    const files = awsFiles({ config: '[profile p]\n' })
    chmodSync(files.config, 0o640)
    await writeCredentialProcess({ files, profile: 'p', line })
    expect([statSync(files.config).mode & 0o777, existsSync(`${files.config}.hardkey-lock`)]).toEqual([0o640, false])
  })

  it('follows a link to the file that stands elsewhere, and keeps the link', async () => {
    const elsewhere = awsFiles({ config: '# mine\n' })
    const files = awsFiles({})
    symlinkSync(elsewhere.config, files.config)
    await writeCredentialProcess({ files, profile: 'p', line })
    expect([lstatSync(files.config).isSymbolicLink(), textOf(elsewhere.config)]).toEqual([
      true,
      `# mine\n\n[profile p]\ncredential_process = ${line}\n`,
    ])
  })

  it('replaces a line of hardkey', async () => {
    const files = awsFiles({ config: '[profile p]\ncredential_process = /old/hardkey credential-process old\n' })
    await writeCredentialProcess({ files, profile: 'p', line })
    expect(textOf(files.config)).toBe(`[profile p]\ncredential_process = ${line}\n`)
  })

  it("is refused where another program's line stands there", async () => {
    const before = '[profile p]\ncredential_process = /usr/bin/other\n'
    const files = awsFiles({ config: before })
    await expect(writeCredentialProcess({ files, profile: 'p', line })).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
    })
    expect(textOf(files.config)).toBe(before)
  })

  it.each([
    { credentials: '[p]\naws_access_key_id = AKIA\naws_secret_access_key = s\n' },
    { config: '[profile p]\nAWS_SECRET_ACCESS_KEY = s\n' },
    { credentials: '[DEFAULT]\naws_access_key_id = AKIA\n[p]\nregion = x\n' },
  ])('is refused while the profile keeps a plaintext key, which would win: %j', async (texts) => {
    const files = awsFiles(texts)
    await expect(checkCredentialProcess({ files, profile: 'p', line })).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      hint: expect.stringContaining('--remove-source'),
    })
  })

  it('is allowed where that plaintext key goes next', async () => {
    const files = awsFiles({ credentials: '[p]\naws_access_key_id = AKIA\naws_secret_access_key = s\n' })
    await writeCredentialProcess({ files, profile: 'p', line, plaintextKeyGoesNext: true })
    expect(textOf(files.config)).toContain(line)
  })

  it('is refused where a key in [DEFAULT] stays behind', async () => {
    const key = 'aws_access_key_id = AKIA\naws_secret_access_key = s\n'
    const files = awsFiles({ credentials: `[DEFAULT]\n${key}[p]\n${key}` })
    await expect(
      writeCredentialProcess({ files, profile: 'p', line, plaintextKeyGoesNext: true }),
    ).rejects.toMatchObject({ hint: expect.stringContaining(`${files.credentials}:2 in [DEFAULT]`) })
  })

  it.each(['/usr/bin/other', '/usr/bin/hardkey credential-process old'])(
    'is refused where the credentials file has the line %s, which would win',
    async (other) => {
      const files = awsFiles({ credentials: `[p]\ncredential_process = ${other}\n` })
      await expect(writeCredentialProcess({ files, profile: 'p', line })).rejects.toMatchObject({
        hint: expect.stringContaining(`${files.credentials}:2: remove it`),
      })
      const sdk = await parseKnownFiles({
        filepath: files.credentials,
        configFilepath: files.config,
        ignoreCache: true,
      })
      expect(sdk.p).toEqual({ credential_process: other })
    },
  )

  it('is refused for a name that AWS tools cannot read back', async () => {
    const writing = writeCredentialProcess({ files: awsFiles({}), profile: 'a]\n[b', line })
    await expect(writing).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' })
  })

  it('tells, when it is checked, which other record the profile asks until now', async () => {
    const asks = (name: string): string => `[profile p]\ncredential_process = /x/hardkey credential-process ${name}\n`
    const asked = async (config: string): Promise<string | undefined> =>
      (await checkCredentialProcess({ files: awsFiles({ config }), profile: 'p', line })).asked
    expect([await asked(asks('old')), await asked(asks('prod')), await asked('')]).toEqual([
      'old',
      undefined,
      undefined,
    ])
  })

  it('changes nothing when it is only checked', async () => {
    const files = awsFiles({})
    await checkCredentialProcess({ files, profile: 'p', line })
    expect(existsSync(files.config)).toBe(false)
  })

  it('loses none of ten lines that are written at the same time', async () => {
    const files = awsFiles({ config: '# mine\n' })
    const profiles = Array.from({ length: 10 }, (_, index) => `p${index}`)
    await Promise.all(profiles.map((profile) => writeCredentialProcess({ files, profile, line })))
    const sdk = await parseKnownFiles({ filepath: files.credentials, configFilepath: files.config, ignoreCache: true })
    expect(Object.keys(sdk).sort()).toEqual(profiles)
  })
})

describe('the profiles that ask for a record', () => {
  it('are those with its line, in the order of the file', async () => {
    const others = '[profile q]\ncredential_process = /x/hardkey credential-process other\n[profile r]\nregion = x\n'
    const config = `[profile z]\ncredential_process = ${line}\n${others}[default]\ncredential_process = ${line}\n`
    expect(await profilesThatAsk(awsFiles({ config }), 'prod')).toEqual(['z', 'default'])
  })
})

describe('removing the line', () => {
  it('takes the lines of this record from every profile and leaves the rest byte for byte', async () => {
    const others = '[profile q]\ncredential_process = /x/hardkey credential-process other\n'
    const files = awsFiles({ config: `[default]\nregion = x\ncredential_process = ${line}\n${others}` })
    expect(await removeCredentialProcess(files, 'prod')).toEqual(['default'])
    expect(textOf(files.config)).toBe(`[default]\nregion = x\n${others}`)
  })

  it.each([
    ['', ''],
    ['[default]\noutput = json\n', '[keep]\naws_access_key_id = A\n'],
  ])('takes what was written for it again, with an empty section of that profile: after %j', async (config, other) => {
    const files = awsFiles({ config, credentials: `[p]\n${other}` })
    await writeCredentialProcess({ files, profile: 'p', line, region: 'eu-west-1' })
    expect(await removeCredentialProcess(files, 'prod', 'eu-west-1')).toEqual(['p'])
    expect([textOf(files.config), textOf(files.credentials)]).toEqual([config, other])
  })

  it.each(['region = us-west-2', 'output = json', '# mine', 's3 =\n  addressing_style = path'])(
    'keeps a profile that has %j besides',
    async (more) => {
      const files = awsFiles({ config: `[profile p]\n${more}\n` })
      await writeCredentialProcess({ files, profile: 'p', line })
      await removeCredentialProcess(files, 'prod', 'eu-west-1')
      expect(textOf(files.config)).toBe(`[profile p]\n${more}\n`)
    },
  )

  it('does nothing where there is none', async () => {
    const files = awsFiles({ config: '[default]\n' })
    expect(await removeCredentialProcess(files, 'prod')).toEqual([])
  })
})

it('tells of a key URI that was asked before without the PIN in it', async () => {
  const asks = (uri: string) => `[profile p]\ncredential_process = /usr/bin/hardkey credential-process "${uri}"\n`
  const before = (uri: string) => checkCredentialProcess({ files: awsFiles({ config: asks(uri) }), profile: 'p', line })
  expect((await before('pkcs11:token=x?pin-value=987654')).asked).toBe('pkcs11:token=x')
  expect((await before('pkcs11:token=%zz?pin-value=987654')).asked).toBe('pkcs11:…')
})
