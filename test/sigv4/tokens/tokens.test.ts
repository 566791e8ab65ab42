import { expect, it } from 'vitest'
import { deviceDateKeys, secretDateKeys } from '../../../src/sigv4/date-key.ts'
import { elastiCacheToken } from '../../../src/sigv4/tokens/cache.ts'
import { dsqlToken } from '../../../src/sigv4/tokens/dsql.ts'
import { rdsToken } from '../../../src/sigv4/tokens/rds.ts'
import { eksToken } from '../../../src/sts/eks-token.ts'
import { countedKey } from '../counted-key.ts'

const noon = new Date('2026-11-24T12:00:00Z')
const keys = secretDateKeys({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' })
const common = { keys, region: 'eu-west-1', now: () => noon }

it('asks a device once for the tokens of a day', async () => {
  const { key, asked } = await countedKey()
  const device = { ...common, keys: deviceDateKeys({ key, accessKeyId: 'AKIDEXAMPLE', now: () => noon }) }
  for (const port of [1, 2]) await rdsToken({ ...device, hostname: 'db.example.com', port, username: 'app' })
  expect(asked).toEqual(['20261124'])
})

it('tells when a token expires', async () => {
  const { expiration } = await rdsToken({ ...common, hostname: 'db.example.com', port: 5432, username: 'app' })
  expect(expiration).toEqual(new Date('2026-11-24T12:15:00Z'))
  expect((await eksToken({ ...common, clusterName: 'c' })).expiration).toEqual(new Date('2026-11-24T12:14:00Z'))
})

it('asks STS of the partition that a cluster is in', async () => {
  const { token } = await eksToken({ ...common, region: 'cn-north-1', clusterName: 'c' })
  const url = Buffer.from(token.slice('k8s-aws-v1.'.length), 'base64url').toString()
  expect(url).toMatch(/^https:\/\/sts\.cn-north-1\.amazonaws\.com\.cn\/\?Action=GetCallerIdentity/)
})

it.each([
  ['a host with a path', () => rdsToken({ ...common, hostname: 'db.example.com/x?a', port: 1, username: 'a' })],
  ['a port that is none', () => rdsToken({ ...common, hostname: 'db.example.com', port: 0, username: 'a' })],
  ['a user without a name', () => rdsToken({ ...common, hostname: 'db.example.com', port: 1, username: '' })],
  ['an endpoint in place of a cache', () => elastiCacheToken({ ...common, cacheName: 'a.b.com:1', userId: 'a' })],
  ['a life of eight days', () => dsqlToken({ ...common, hostname: 'x.on.aws', expiresIn: 691_200 })],
  ['a cluster that has no name', () => eksToken({ ...common, clusterName: '' })],
])('refuses %s', async (_, token) => {
  await expect(token()).rejects.toMatchObject({ code: 'ERR_REQUEST_INVALID' })
})
