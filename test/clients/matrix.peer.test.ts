// Each client on each way: it is the assumed role, by a session that hardkey has got, and signs with nothing else. In the long
// run also for longer than a session lasts.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ClientBench } from './bench.ts'
import { clientsOfRun, testOfOutliving, testOfWay, ways } from './matrix.ts'

let bench: ClientBench
beforeAll(async () => {
  bench = await ClientBench.make()
})
afterAll(() => bench?.close())

const isLong = process.env.TEST_LONG === '1'
const clients = clientsOfRun(isLong)

describe.each(clients.map((client) => [client.name, client] as const))('%s', (_, client) => {
  it.for(ways.map((way) => [testOfWay(way), way] as const))('%s', async ([, way], { task }) => {
    const seen = await bench.run(client, await bench.start(way))
    const reason = client.cannot?.[way]
    if (reason !== undefined && !seen.succeeded) {
      expect(seen.signers.size).toBe(0)
      task.meta.told = reason
      return
    }
    expect(seen, seen.stderr).toMatchObject({ succeeded: true, arns: [bench.sessionArn] })
    expect([...bench.sessions().keys()]).toEqual(expect.arrayContaining([...seen.signers.keys()]))
    task.meta.told = 'works'
  })
})

const patient = clients.filter((client) => isLong && client.endsAtOnce !== true)
// All of them wait at the same time.
vi.setConfig({ maxConcurrency: clients.length })

it.concurrent.each(patient.map((client) => [testOfOutliving(client), client] as const))(
  '%s',
  async (_, client) => {
    const variables = await bench.variables('serve --duration 15m')
    // Every 20 seconds, for 17 minutes.
    const seen = await bench.run(client, { variables }, 52)
    expect(seen, seen.stderr).toMatchObject({ succeeded: true, arns: [bench.sessionArn] })
    expect(seen.signers.size).toBeGreaterThan(1)
    const ends = bench.sessions()
    const late = [...seen.signers].filter(([accessKeyId, used]) => used > (ends.get(accessKeyId) ?? new Date(0)))
    expect(late).toEqual([])
  },
  30 * 60_000,
)
