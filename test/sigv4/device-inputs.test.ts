// What reaches the device through every way of signing, whatever date a caller asks for.

import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { HardkeyError } from '../../src/errors.ts'
import { deviceDateKeys } from '../../src/sigv4/date-key.ts'
import { sigV4Signer } from '../../src/sigv4/signer.ts'
import { mskToken } from '../../src/sigv4/tokens/msk.ts'
import { rdsToken } from '../../src/sigv4/tokens/rds.ts'
import { eksToken } from '../../src/sts/eks-token.ts'
import { countedKey } from './counted-key.ts'

const noon = new Date('2026-11-24T12:00:00Z')
const now = (): Date => noon
const url = 'https://b.example.com/k'
const database = { hostname: 'db', port: 1, username: 'a' }

const date = fc.oneof(
  fc.date({ noInvalidDate: false }),
  fc.integer({ min: -4, max: 4 }).map((days) => new Date(noon.getTime() + days * 86_400_000)),
)

it('is the date of yesterday, today or tomorrow and nothing else, by every form and token', async () => {
  const { key, asked } = await countedKey()
  const keys = deviceDateKeys({ key, accessKeyId: 'AKIDEXAMPLE', keepDateKey: false, now })
  const signer = sigV4Signer({ keys, region: 'eu-west-1', service: 's3', now })
  const ways: readonly ((at: Date) => Promise<unknown>)[] = [
    (at) => signer.sign({ method: 'GET', url }, { date: at }),
    (at) => signer.presign({ method: 'GET', url }, { date: at, expiresIn: 1 }),
    (at) => signer.signChunked({ method: 'PUT', url, body: [] }, { date: at, length: 0 }),
    (at) => signer.signEvents({ method: 'POST', url, body: [] }, { date: at }),
    (at) => signer.postPolicy({ url, bucket: 'b', key: 'k' }, { date: at, expiresIn: 1 }),
    (at) => rdsToken({ keys, region: 'eu-west-1', now: () => at, ...database }),
    (at) => mskToken({ keys, region: 'eu-west-1', now: () => at }),
    (at) => eksToken({ keys, region: 'eu-west-1', now: () => at, clusterName: 'c' }),
  ]
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...ways), date, async (way, at) => {
      await way(at).catch((error: unknown) => expect(error).toBeInstanceOf(HardkeyError))
    }),
    { numRuns: 1000 },
  )
  expect([...new Set(asked)].sort()).toEqual(['20261123', '20261124', '20261125'])
})
