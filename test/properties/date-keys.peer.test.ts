// Every day of a century against Python's hmac, through the guard that lets only near dates pass.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory/backend.ts'
import { openKey } from '../../src/backends/open.ts'
import { deviceDateKeys } from '../../src/sigv4/date-key.ts'
import { builtEnvironment, peer } from '../peers/peer.ts'
import { officialKey } from '../vectors/describe-official-vectors.ts'

it('gives the DateKey of every day from 2000 to 2100 as Python computes it', async () => {
  const expected = await pythonDateKeys()
  expect(expected).toHaveLength(36_890)
  const key = await openKey('memory:', { pin: async () => officialKey(), backends: [memoryBackend()] })
  let today = new Date(0)
  const keys = deviceDateKeys({ key, accessKeyId: 'AKIDEXAMPLE', now: () => today })
  for (const { date, hex } of expected) {
    today = new Date(`${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}T12:00:00Z`)
    expect((await keys.dateKey(date)).export().toString('hex'), date).toBe(hex)
  }
  await key.close()
})

async function pythonDateKeys(): Promise<{ date: string; hex: string }[]> {
  const { command } = await peer('python')
  const oracle = spawnSync(command, [join(import.meta.dirname, 'date_keys.py')], {
    input: Buffer.from(officialKey()).toString('hex'),
    env: builtEnvironment(),
    maxBuffer: 2 ** 26,
    encoding: 'utf8',
  })
  if (oracle.status !== 0) throw new Error(`python failed: ${oracle.stderr}`)
  return oracle.stdout
    .trimEnd()
    .split('\n')
    .map((line) => ({ date: line.slice(0, 8), hex: line.slice(9) }))
}
