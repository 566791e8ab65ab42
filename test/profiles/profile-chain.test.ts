// From a profile to the line that asks hardkey, along source_profile: what is found, and what is refused with the way.

import { describe, expect, it } from 'vitest'
import { profileChain } from '../../src/profiles/profile-chain.ts'
import { awsFiles } from './aws-files.ts'

const line = 'credential_process = /usr/bin/hardkey credential-process prod --no-cache\n'
const role = (name: string): string => `role_arn = arn:aws:iam::111122223333:role/${name}\n`
const profile = (name: string, ...settings: string[]): string => `[profile ${name}]\n${settings.join('')}`
const source = (name: string): string => `source_profile = ${name}\n`

describe('the chain of a profile', () => {
  it('is the line of the profile itself', async () => {
    const files = awsFiles({ config: profile('a', line) })
    const { roles, words, where } = await profileChain(files, 'a')
    expect({ roles, words, where }).toEqual({
      roles: [],
      words: ['prod', '--no-cache'],
      where: `${files.config}:2`,
    })
  })

  it('has the roles in the order in which they are assumed, each with what its profile says', async () => {
    const more = 'role_session_name = n\nexternal_id = x-1\nduration_seconds = 1800\nsource_identity = me\n'
    const tags = 'session_tags = team = blue, stage=\ntransitive_session_tags = team,\n'
    const config = profile('a', role('a'), source('b'), more, tags) + profile('b', role('b'), source('c'))
    const { roles } = await profileChain(awsFiles({ config: config + profile('c', line) }), 'a')
    expect(roles).toEqual([
      expect.objectContaining({ roleArn: 'arn:aws:iam::111122223333:role/b', tags: undefined }),
      {
        roleArn: 'arn:aws:iam::111122223333:role/a',
        roleSessionName: 'n',
        externalId: 'x-1',
        durationSeconds: 1800,
        sourceIdentity: 'me',
        tags: [
          { key: 'team', value: 'blue' },
          { key: 'stage', value: '' },
        ],
        transitiveTagKeys: ['team'],
      },
    ])
  })

  it('goes to the source before the own line where there is a role, and not where there is none', async () => {
    const other = line.replace('prod', 'other')
    const config = profile('a', role('a'), source('c'), other) + profile('b', source('c'), other) + profile('c', line)
    const files = awsFiles({ config })
    const first = async (name: string): Promise<string | undefined> => (await profileChain(files, name)).words[0]
    expect([await first('a'), await first('b')]).toEqual(['prod', 'other'])
  })

  it('takes role and source from an included profile', async () => {
    const config = profile('a', 'include_profile = base\n') + profile('base', role('base'), source('c'))
    const { roles } = await profileChain(awsFiles({ config: config + profile('c', line) }), 'a')
    expect(roles.map(({ roleArn }) => roleArn)).toEqual(['arn:aws:iam::111122223333:role/base'])
  })

  it.each([
    ['B-050: goes round', profile('a', source('b')) + profile('b', role('b'), source('a')), 'circle: a -> b -> a'],
    ['B-050: leads to itself', profile('a', role('a'), source('a')), 'circle: a -> a'],
    ['leads to no profile', profile('a', source('b')), 'there is no AWS profile "b" (named in'],
    ['ends without a line', profile('a', source('b')) + profile('b'), 'no credential_process of hardkey (a -> b)'],
    ['asks another program', profile('a', 'credential_process = /bin/other x\n'), 'asks another program'],
    ['asks hardkey for something else', profile('a', 'credential_process = hardkey whoami prod\n'), 'asks another'],
    ['ends in a plaintext key', profile('a', 'aws_access_key_id = AKIA\n'), 'no credential_process of hardkey'],
    ['signs in by SSO', profile('a', 'sso_account_id = 1\n', line), 'signs in by sso_account_id'],
    ['has a credential_source', profile('a', role('a'), 'credential_source = Environment\n'), 'by credential_source'],
    [
      'has tags of another form',
      profile('a', role('a'), 'session_tags = team\n', line),
      'session_tags needs key=value',
    ],
    ['has a duration that is none', profile('a', role('a'), 'duration_seconds = 1h\n', line), 'must be a whole number'],
  ])('%s: is refused, and says so', async (_, config, says) => {
    await expect(profileChain(awsFiles({ config }), 'a')).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining(says),
    })
  })
})
