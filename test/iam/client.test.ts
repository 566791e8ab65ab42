// The client of IAM against a server that checks every signature: what is asked, how often, and what is made of the answers.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type IamClient, iamClient } from '../../src/iam/client.ts'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { LoopbackIam } from './loopback-iam.ts'

let iam: LoopbackIam
let client: IamClient
let first: string
beforeEach(async () => {
  iam = await LoopbackIam.start()
  const key = iam.addKey()
  first = key.accessKeyId
  client = iamClient({ keys: secretDateKeys(key), endpoint: iam.url, sleep: async () => {} })
})
afterEach(async () => {
  client.close()
  await iam.close()
})

describe('a client of IAM', () => {
  it('lists, makes, switches off and deletes keys', async () => {
    const made = await client.createAccessKey('hk')
    expect(iam.given).toEqual([made.secret.lend((bytes) => Buffer.from(bytes).toString())])
    await client.setAccessKey('hk', made.accessKeyId, 'Inactive')
    expect(await client.listAccessKeys('hk')).toMatchObject([
      { accessKeyId: first, isActive: true, created: new Date('2026-01-02T03:04:05Z') },
      { accessKeyId: made.accessKeyId, isActive: false },
    ])
    await client.deleteAccessKey('hk', made.accessKeyId)
    expect([...iam.keys.keys()]).toEqual([first])
  })

  it('tells when a key was last used, and that it never was', async () => {
    const made = await client.createAccessKey('hk')
    expect(await client.lastUse(made.accessKeyId)).toEqual({})
    expect(await client.lastUse(first)).toMatchObject({ service: 'iam', region: 'us-east-1' })
  })

  it('puts an inline policy on a user and on a role, in place of one of the same name', async () => {
    for (const document of ['{"Version":"a"}', '{"Version":"2012-10-17"}']) {
      await client.putUserPolicy('hk', { name: 'stop', document })
      await client.putRolePolicy('reader', { name: 'stop', document })
    }
    const document = '{"Version":"2012-10-17"}'
    expect(Object.fromEntries(iam.policies)).toEqual({ 'user/hk/stop': document, 'role/reader/stop': document })
    const noRole = client.putRolePolicy('team/reader', { name: 'stop', document })
    await expect(noRole).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' })
  })

  it('sends CreateAccessKey once, whatever became of it, and the others up to three times', async () => {
    let asked = 0
    iam.fault = () => {
      asked += 1
      return 'lost'
    }
    await expect(client.createAccessKey('hk')).rejects.toMatchObject({ code: 'ERR_STS_UNREACHABLE' })
    expect(asked).toBe(1)
    await expect(client.listAccessKeys('hk')).rejects.toMatchObject({ code: 'ERR_STS_UNREACHABLE' })
    expect(asked).toBe(4)
  })

  it('names the right that is missing', async () => {
    iam.fault = () => ({ status: 403, code: 'AccessDenied' })
    await expect(client.deleteAccessKey('hk', first)).rejects.toMatchObject({ hint: /must allow iam:DeleteAccessKey/ })
  })

  it.each(['', 'a b', 'team/hk', 'x'.repeat(129)])('refuses "%s", which is no name of a user', async (name) => {
    await expect(client.listAccessKeys(name)).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' })
  })
})
