// What is read of the environment, by platform, and what is not.

import { describe, expect, it } from 'vitest'
import { readEnvironment } from '../../../src/cli/settings/environment.ts'

const read = (variables: Record<string, string>, platform: NodeJS.Platform = 'linux') =>
  readEnvironment(variables, platform, () => (platform === 'win32' ? 'C:\\Users\\me' : '/home/me'))

describe('the folder of hardkey', () => {
  it.each([
    [{}, '/home/me/.config/hardkey'],
    [{ XDG_CONFIG_HOME: '/cfg' }, '/cfg/hardkey'],
    [{ XDG_CONFIG_HOME: 'relative' }, '/home/me/.config/hardkey'],
    [{ HARDKEY_HOME: '/srv/keys', XDG_CONFIG_HOME: '/cfg' }, '/srv/keys'],
    [{ HARDKEY_HOME: '' }, '/home/me/.config/hardkey'],
  ] as const)('with %j is %s', (variables, folder) => {
    expect(read(variables).hardkeyHome).toBe(folder)
  })

  it.each(['', 'here', '.'])('is not looked for below the folder of the moment, where HOME is %j', (home) => {
    const why = expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining('home folder') })
    expect(() => readEnvironment({}, 'linux', () => home)).toThrow(why)
  })

  it('on Windows lies under APPDATA', () => {
    expect(read({ APPDATA: 'C:\\Data' }, 'win32').hardkeyHome).toBe('C:\\Data\\hardkey')
    expect(read({}, 'win32').hardkeyHome).toBe('C:\\Users\\me\\AppData\\Roaming\\hardkey')
  })
})

describe('F-D08: a user without a home folder', () => {
  const { hardkeyHome, stateHome, awsConfigFile, awsCredentialsFile, botocoreFiles, vault } = readEnvironment(
    {},
    'linux',
    () => undefined,
  )

  it('has nothing that would lie in one', () => {
    expect([hardkeyHome, stateHome, vault.tokenFile(), ...vault.configFiles()]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    const { config, credentials, boto } = botocoreFiles()
    const files = [awsConfigFile, awsCredentialsFile, config, credentials, ...boto]
    expect(files.filter((path) => path !== '/etc/boto.cfg')).toEqual(Array(5).fill('/dev/null'))
  })

  it('has what a variable names', () => {
    const variables = { HARDKEY_HOME: '/srv/keys', XDG_STATE_HOME: '/srv/state', AWS_CONFIG_FILE: '/srv/aws' }
    expect(readEnvironment(variables, 'linux', () => undefined)).toMatchObject({
      hardkeyHome: '/srv/keys',
      stateHome: '/srv/state/hardkey',
      awsConfigFile: '/srv/aws',
    })
  })
})

describe('a variable', () => {
  it('of AWS comes before its older name', () => {
    const both = { AWS_REGION: 'a', AWS_DEFAULT_REGION: 'b', AWS_PROFILE: 'p', AWS_DEFAULT_PROFILE: 'q' }
    expect(read(both)).toMatchObject({ region: 'a', profile: 'p' })
  })

  it('with a proxy is taken in both cases, but HTTP_PROXY in small letters alone', () => {
    expect(read({ https_proxy: 'http://p:1', HTTP_PROXY: 'http://q:1', no_proxy: 'x' }).proxy).toEqual({
      https: 'http://p:1',
      http: undefined,
      noProxy: 'x',
    })
  })

  it.each([
    [{ AWS_USE_FIPS_ENDPOINT: 'yes' }, 'AWS_USE_FIPS_ENDPOINT is neither true nor false'],
    [{ AWS_MAX_ATTEMPTS: '0' }, 'AWS_MAX_ATTEMPTS is not a number'],
    [{ AWS_PROFILE: 'a\nb' }, 'AWS_PROFILE has a control character'],
  ])('as in %j is refused by name', (variables, message) => {
    expect(() => read(variables)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining(message) }),
    )
  })

  it('B-104: with a key is not read at all', () => {
    const keys = { AWS_ACCESS_KEY_ID: 'AKIAcanary', AWS_SECRET_ACCESS_KEY: 'canary', AWS_SESSION_TOKEN: 'canary' }
    expect(JSON.stringify(read(keys))).not.toContain('canary')
  })

  it('of AWS, hardkey or Node is not handed to programs that we start', () => {
    const variables = { PATH: '/bin', AWS_PROFILE: 'p', HARDKEY_HOME: '/h', NODE_OPTIONS: '--inspect' }
    expect(read(variables).forPrograms).toEqual({ PATH: '/bin' })
  })

  it('F-W09: NODE_OPTIONS with a switch that shows memory is noticed', () => {
    const NODE_OPTIONS = '--max-old-space-size=100 --inspect=0 --report-on-signal --heapsnapshot-signal=SIGUSR2'
    expect(read({ NODE_OPTIONS }).dumpingOptions).toEqual(['--inspect', '--report-on-signal', '--heapsnapshot-signal'])
  })
})
