// What each client does where a trap is set, told on docs/clients.md; `exec` takes all of them away, which is a way of the
// matrix. And the rule of 26 minutes: boto3 takes credentials of the metadata service with little left for good beyond their
// end, so that hardkey gives none that have.

import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { peer } from '../peers/peer.ts'
import { serviceProxy } from '../peers/service-proxy.ts'
import { ClientBench, nowhere } from './bench.ts'
import { clientsOfRun, testOfTrap, traps } from './matrix.ts'
import { playTrap } from './traps.ts'

let bench: ClientBench
beforeAll(async () => {
  bench = await ClientBench.make()
})
afterAll(() => bench?.close())

const isLong = process.env.TEST_LONG === '1'

describe.each(clientsOfRun(isLong).map((client) => [client.name, client] as const))('%s', (_, client) => {
  it.for(traps.map((trap) => [testOfTrap(trap), trap] as const))('%s', async ([, trap], { task }) => {
    const found = await playTrap(bench, client, trap)
    expect([client.traps[trap]].flat()).toContain(found)
    task.meta.told = found
  })
})

const minute = 60_000

/** When boto3 means to need new credentials at the latest. */
async function endInBoto3(endpoint: string): Promise<Date> {
  const { command } = await peer('python')
  const program = 'import boto3; print(boto3.Session().get_credentials()._expiry_time.isoformat())'
  const env = bench.home.environment({ AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint })
  return new Date((await promisify(execFile)(command, ['-c', program], { env })).stdout.trim())
}

/** In whole seconds, which is what AWS gives. */
function inMinutes(minutes: number): Date {
  return new Date(Math.floor(Date.now() / 1000) * 1000 + minutes * minute)
}

it('boto3 stretches the end of credentials that have 12 minutes left', async () => {
  const end = inMinutes(12)
  const times = { LastUpdated: end.toISOString(), Expiration: end.toISOString().replace('.000', '') }
  const key = { AccessKeyId: 'ASIAEXAMPLE', SecretAccessKey: 'secret', Token: 'token' }
  const service = await serviceProxy({ url: `http://${nowhere}` })
  service.next(
    { body: Buffer.from('token') },
    { body: Buffer.from('role') },
    { body: Buffer.from(JSON.stringify({ Code: 'Success', Type: 'AWS-HMAC', ...key, ...times })) },
  )
  try {
    expect((await endInBoto3(`http://127.0.0.1:${service.port}/`)).getTime()).toBeGreaterThan(end.getTime())
  } finally {
    await service.close()
  }
})

/** What boto3 makes of a server that starts now. */
async function endFromServer(): Promise<Date> {
  const [, address = ''] = /ENDPOINT=(.*)/.exec(await bench.serve('serve --imds')) ?? []
  return endInBoto3(address)
}

it('serve --imds gives boto3 a session with its true end, more than 26 minutes off', async () => {
  const end = await endFromServer()
  expect(end.getTime() - Date.now()).toBeGreaterThan(26 * minute)
  expect([...bench.sessions().values()].map((date) => Math.floor(date.getTime() / 1000))).toContain(
    end.getTime() / 1000,
  )
})

it.each(isLong ? [25] : [])(
  'serve --imds gives boto3 no session with %d minutes left that another command keeps',
  async (left) => {
    const end = inMinutes(left)
    expect(await bench.keepSession(end)).toContain(end.toISOString().replace('.000', ''))
    // In its first minute a session that is short by itself serves those who start together.
    await sleep(minute)
    expect((await endFromServer()).getTime() - Date.now()).toBeGreaterThan(26 * minute)
  },
)
