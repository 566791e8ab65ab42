// A cluster of three, whose leader is killed twice while eight clients ask for 2,000 kDates. Each client logs in by AppRole
// and knows all three addresses; the clock is a parameter, so each kDate is of another day. F-V06 on a real cluster.

import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openKey } from '../../src/backends/open.ts'
import { vaultImporter } from '../../src/backends/vault/import.ts'
import type { HmacKey } from '../../src/key/hmac-key.ts'
import { Secret } from '../../src/key/secret.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { deviceDateKeys } from '../../src/sigv4/date-key.ts'
import { baoText } from '../peers/bao-client.ts'
import { type OpenBaoCluster, startOpenBaoCluster } from '../peers/openbao-cluster.ts'

const secret = Buffer.from('AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY')
const [clients, each] = [8, 250]
let cluster: OpenBaoCluster
let uri: KeyUri
let secretId: string

beforeAll(async () => {
  cluster = await startOpenBaoCluster()
  const query = { address: cluster.nodes.map(({ url }) => url).join(','), ca: cluster.caFile }
  const place = KeyUri.of('vault', { key: 'aws', mount: 'transit' }, query)
  await vaultImporter().import(place, Secret.join(secret), { pin: async () => Buffer.from(cluster.token) })
  await cluster.done('POST', 'sys/auth/approle', { type: 'approle' })
  const policy = 'path "transit/hmac/aws/sha2-256" { capabilities = ["update"] }'
  await cluster.done('PUT', 'sys/policies/acl/hosts', { policy })
  await cluster.done('POST', 'auth/approle/role/host', { token_policies: ['hosts'], token_ttl: '10m' })
  const role = await cluster.done('GET', 'auth/approle/role/host/role-id')
  const login = { login: 'approle', 'role-id': baoText(role, 'data', 'role_id') }
  uri = place.with({ query: login })
  secretId = baoText(await cluster.done('POST', 'auth/approle/role/host/secret-id', {}), 'data', 'secret_id')
})
afterAll(async () => cluster?.stop())

/** The day of a call as "YYYYMMDD", from 2020 on, another one for each. */
function dayOf(client: number, index: number): Date {
  return new Date(Date.UTC(2020, 0, 1 + client * each + index))
}

interface Figures {
  readonly milliseconds: number[]
  readonly wrong: string[]
  readonly lost: unknown[]
}

/** Asks for its days, one after the other. */
async function client(number: number, key: HmacKey, figures: Figures): Promise<void> {
  for (let index = 0; index < each; index += 1) {
    const day = dayOf(number, index)
    const date = day.toISOString().slice(0, 10).replaceAll('-', '')
    const keys = deviceDateKeys({ key, accessKeyId: 'AKIDEXAMPLE', now: () => day })
    const began = performance.now()
    try {
      const kDate = await keys.dateKey(date)
      const right = createHmac('sha256', secret).update(date).digest()
      if (!kDate.export().equals(right)) figures.wrong.push(date)
    } catch (error) {
      figures.lost.push(error)
    }
    figures.milliseconds.push(performance.now() - began)
    await sleep(10)
  }
}

/** Kills whoever leads once so many answers are there; gives the seconds until another leads, and brings it back. */
async function killLeaderAt(count: number, figures: Figures): Promise<number> {
  while (figures.milliseconds.length < count) await sleep(5)
  const leader = await cluster.leader()
  const began = performance.now()
  await cluster.kill(leader)
  await cluster.leader()
  const seconds = (performance.now() - began) / 1000
  await cluster.start(leader)
  return seconds
}

it('F-V06: 2,000 kDates by 8 clients, the leader killed twice: none wrong, none lost within its 30 s', async () => {
  const pin = async (): Promise<Uint8Array> => Buffer.from(secretId)
  const keys = await Promise.all(Array.from({ length: clients }, () => openKey(uri, { pin })))
  const figures: Figures = { milliseconds: [], wrong: [], lost: [] }
  const began = performance.now()
  const work = Promise.all(keys.map((key, number) => client(number, key, figures)))
  const elections = [await killLeaderAt(400, figures), await killLeaderAt(1200, figures)]
  await work
  const seconds = (performance.now() - began) / 1000
  await Promise.all(keys.map((key) => key.close()))
  const sorted = figures.milliseconds.toSorted((one, other) => one - other)
  const [median = 0, slowest = 0] = [sorted[sorted.length / 2], sorted.at(-1)]
  process.stdout.write(
    `fleet: ${sorted.length} kDates by ${clients} clients in ${seconds.toFixed(1)} s, ${figures.wrong.length} wrong, ` +
      `${figures.lost.length} lost; median ${median.toFixed(1)} ms, slowest ${(slowest / 1000).toFixed(1)} s; ` +
      `another leader after ${elections.map((one) => one.toFixed(1)).join(' and ')} s\n`,
  )
  // A call that is not answered within 30 s is lost: the default of timeoutMilliseconds.
  expect([sorted.length, figures.wrong, figures.lost]).toEqual([clients * each, [], []])
})
