// The settings of a profile against the AWS SDK's own reader, and what is refused.

import { chmodSync, mkdirSync } from 'node:fs'
import { loadSharedConfigFiles, parseKnownFiles } from '@smithy/shared-ini-file-loader'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HardkeyError } from '../../src/errors.ts'
import { profileSettings } from '../../src/profiles/aws-config.ts'
import { awsFiles } from './aws-files.ts'
import { iniText } from './ini-text.ts'

const names = [
  'a',
  'b',
  'region',
  's3',
  's3.a',
  's3.region',
  'default',
  'profile',
  'services',
  'x-y',
  'ä',
  '[',
  ']',
  '.',
]

describe('the settings of a profile', () => {
  it('are those that the AWS SDK reads, on 500 random pairs of files', async () => {
    await fc.assert(
      fc.asyncProperty(
        iniText(),
        iniText(),
        fc.constantFrom('default', 'a', 'b'),
        async (config, credentials, name) => {
          const files = awsFiles({ config, credentials })
          const settings = await profileSettings(files, name).catch(onlyRefusals)
          if (settings === undefined) return
          const sdk = await parseKnownFiles({
            filepath: files.credentials,
            configFilepath: files.config,
            ignoreCache: true,
          })
          const ours = names.map((one) => settings.get(one))
          expect(ours).toEqual(names.map((one) => sdk[name]?.[one]))
        },
      ),
      { numRuns: 500 },
    )
  })

  it('come from config, with those of credentials over them', async () => {
    const files = awsFiles({ config: '[profile a]\nregion = x\noutput = y\n', credentials: '[a]\nregion = z\n' })
    const settings = await profileSettings(files, 'a')
    expect([settings.get('region'), settings.get('output')]).toEqual(['z', 'y'])
  })

  it('say on which line they stand', async () => {
    const files = awsFiles({ config: '# mine\n[profile a]\nregion = x\n' })
    const settings = await profileSettings(files, 'a')
    expect(settings.where('region')).toBe(`${files.config}:3`)
  })

  it('never hold the secret or the session token', async () => {
    const files = awsFiles({ credentials: '[a]\naws_secret_access_key = s\naws_session_token = t\nregion = x\n' })
    const settings = await profileSettings(files, 'a')
    expect([settings.get('aws_secret_access_key'), settings.get('aws_session_token')]).toEqual([undefined, undefined])
  })

  it('are none for a profile that neither file has, and for files that do not exist', async () => {
    const settings = await profileSettings(awsFiles({}), 'a')
    expect([settings.exists, settings.get('region')]).toEqual([false, undefined])
  })

  it('take the endpoint of a service from its block before that of the profile', async () => {
    const config =
      '[profile a]\nservices = local\nendpoint_url = http://x\n[services local]\nsts =\n  endpoint_url = http://y\n'
    const settings = await profileSettings(awsFiles({ config }), 'a')
    expect([settings.endpoint('sts')?.url, settings.endpoint('s3')?.url]).toEqual(['http://y', 'http://x'])
  })

  it('say on which line an endpoint stands', async () => {
    const config =
      '[profile a]\nservices = local\nendpoint_url = http://x\n[services local]\nsts =\n  endpoint_url = http://y\n'
    const files = awsFiles({ config })
    const settings = await profileSettings(files, 'a')
    expect([settings.endpoint('sts')?.where, settings.endpoint('s3')?.where]).toEqual([
      `${files.config}:6`,
      `${files.config}:3`,
    ])
  })

  it('take what they do not say themselves from the profiles that they include, the nearest first', async () => {
    const config =
      '[profile a]\ninclude_profile = b\nregion = x\n[profile b]\ninclude_profile = c\nregion = y\noutput = b\n' +
      '[profile c]\noutput = c\nmfa_serial = m\n'
    const files = awsFiles({ config })
    const settings = await profileSettings(files, 'a')
    expect(['region', 'output', 'mfa_serial'].map((name) => settings.get(name))).toEqual(['x', 'b', 'm'])
    expect(settings.where('mfa_serial')).toBe(`${files.config}:10`)
  })

  it('B-050: are refused where profiles include each other, with the way round', async () => {
    const config =
      '[profile a]\ninclude_profile = b\n[profile b]\ninclude_profile = c\n[profile c]\ninclude_profile = b\n'
    await expect(profileSettings(awsFiles({ config }), 'a')).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: 'include_profile goes round in a circle: b -> c -> b',
    })
  })

  it('name the line that includes a profile that there is not', async () => {
    const files = awsFiles({ config: '[profile a]\ninclude_profile = b\n' })
    await expect(profileSettings(files, 'a')).rejects.toMatchObject({
      message: `there is no AWS profile "b" (named in ${files.config}:2)`,
    })
  })

  it('read a flag and a number, and name file and line of what is neither', async () => {
    const files = awsFiles({ config: '[profile a]\nuse_fips_endpoint = True\nmax_attempts = many\n' })
    const settings = await profileSettings(files, 'a')
    expect(settings.flag('use_fips_endpoint')).toBe(true)
    expect(() => settings.number('max_attempts')).toThrow(`${files.config}:3: max_attempts must be a whole number`)
  })

  it.each([
    ['a line without =', '[profile a]\nregion\n', 2],
    ['a section that is not closed', '[profile b]\n[profile a\nregion = x\n', 2],
    ['a section twice', '[profile a]\nregion = x\n[profile a]\noutput = y\n', 3],
    ['a name twice', '[profile a]\nregion = x\nregion = y\n', 3],
    ['a continued line', '[profile a]\ncredential_process = x\n  and more\n', 3],
  ])('B-042: are refused by file and line where the profile has %s', async (_, config, line) => {
    const files = awsFiles({ config })
    const reading = profileSettings(files, 'a')
    await expect(reading).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining(`${files.config}:${line}: `),
    })
  })

  it('do not mind what is malformed in another profile', async () => {
    const files = awsFiles({ config: '[profile b]\nnonsense\n[profile a]\nregion = x\n' })
    expect((await profileSettings(files, 'a')).get('region')).toBe('x')
  })

  it('B-040: are refused where others can change the file, and where it is a folder', async () => {
    const files = awsFiles({ config: '[profile a]\n' })
    chmodSync(files.config, 0o666)
    mkdirSync(files.credentials)
    await expect(profileSettings(files, 'a')).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' })
    chmodSync(files.config, 0o600)
    await expect(profileSettings(files, 'a')).rejects.toMatchObject({
      message: expect.stringContaining('regular file'),
    })
  })

  it('are those of [profile default] alone where there is a [default] as well, as in the SDK', async () => {
    const files = awsFiles({ config: '[default]\nregion = x\n[profile default]\noutput = y\n' })
    const { configFile } = await loadSharedConfigFiles({ configFilepath: files.config, ignoreCache: true })
    const settings = await profileSettings(files, 'default')
    expect({ region: settings.get('region'), output: settings.get('output') }).toEqual({
      region: undefined,
      ...configFile.default,
    })
  })
})

/** Stricter than the SDK on purpose: where AWS tools disagree, we refuse. */
function onlyRefusals(error: unknown): undefined {
  if (error instanceof HardkeyError && error.code === 'ERR_CONFIG_INVALID') return undefined
  throw error
}
