// The client of IAM at moto, which checks signatures: keys are listed, made to the limit of two, switched off, deleted.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { type IamClient, iamClient } from '../../src/iam/client.ts'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { type Moto, startMoto } from '../peers/moto.ts'

let moto: Moto
let client: IamClient
beforeAll(async () => {
  moto = await startMoto()
  client = iamClient({ keys: secretDateKeys(moto), endpoint: moto.url })
})
afterAll(async () => {
  client?.close()
  await moto?.stop()
})

it('lists, makes to the limit, switches off and deletes', async () => {
  const other = { accessKeyId: expect.not.stringContaining(moto.accessKeyId) as string, isActive: true }
  const { accessKeyId, secret, userName } = await client.createAccessKey('hk')
  expect([secret.length, userName]).toEqual([40, 'hk'])
  secret.wipe()
  await expect(client.createAccessKey('hk')).rejects.toMatchObject({ serviceCode: 'LimitExceeded' })
  expect(await client.listAccessKeys('hk')).toMatchObject([{ accessKeyId: moto.accessKeyId, isActive: true }, other])
  await client.setAccessKey('hk', accessKeyId, 'Inactive')
  expect((await client.listAccessKeys('hk')).map(({ isActive }) => isActive)).toEqual([true, false])
  expect(await client.lastUse(moto.accessKeyId)).toBeDefined()
  await client.deleteAccessKey('hk', accessKeyId)
  await expect(client.deleteAccessKey('hk', accessKeyId)).rejects.toMatchObject({ serviceCode: 'NoSuchEntity' })
})
