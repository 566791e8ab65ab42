// SIGKILL at the system calls by which an import or a rotation changes anything: files, the token, AWS. At every instant a key
// in the device signs a GetCallerIdentity that the server accepts; the next run ends with one active key; no secret that the
// server gave out lies anywhere. Every tenth call here, every one in the long run. F-R01, F-R02.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { writeCount } from '../leaks/counts.ts'
import { Scanner } from '../leaks/scanner.ts'
import { contentOf } from '../leaks/situation.ts'
import { startMoto } from '../peers/moto.ts'
import { startVersitygw } from '../peers/versitygw.ts'
import { AtGateway, type IamServer } from './at-gateway.ts'
import { type KilledRun, Killer } from './killing.ts'

const isLong = process.env.TEST_LONG === '1'
vi.setConfig({ testTimeout: isLong ? 7_200_000 : 600_000 })

const step = isLong ? 1 : 10
/** Of the first ten calls, the fifth. */
const start = isLong ? 1 : 5
const form = isLong ? 'every call' : 'every tenth call'

const places = [
  ['token', 'versitygw'],
  ['token', 'moto'],
  ['keyset', 'versitygw'],
  ['TPM', 'versitygw'],
  ['service', 'versitygw'],
] as const

/** Both check signatures; an inactive key is refused by versitygw alone. */
const servers = { versitygw: startVersitygw, moto: () => startMoto() }

let killer: Killer
beforeAll(async () => {
  killer = await Killer.make()
})
afterAll(() => killer?.remove())

/** Files of home, token and runtime folder in which a secret of this user lies, in whatever form. */
function leaks(at: AtGateway): readonly string[] {
  const scanner = new Scanner(Object.fromEntries(at.secrets().map((secret, nth) => [nth, Buffer.from(secret)])))
  return at.situation.files().filter((file) => scanner.search(contentOf(file)).length > 0)
}

interface Seen {
  readonly kills: number
  readonly inToken: number
  readonly lost: unknown[]
  readonly leaks: unknown[]
}

/** Kills `run` at one call after the other; `look` says what is wrong afterwards. */
async function killedAtEach(
  at: AtGateway,
  run: (when: number) => Promise<KilledRun>,
  look: (when: number, seen: unknown[]) => Promise<void>,
): Promise<Seen> {
  const seen: Pick<Seen, 'lost' | 'leaks'> = { lost: [], leaks: [] }
  let [kills, inToken] = [0, 0]
  for (let when = start; seen.lost.length < 3; when += step) {
    const ran = await run(when)
    const { killedAt } = ran
    const wrong: unknown[] = []
    await look(when, wrong)
    if (wrong.length > 0) seen.lost.push([when, killedAt, ...wrong])
    const leaking = leaks(at)
    if (leaking.length > 0) seen.leaks.push([when, killedAt, ...leaking])
    if (killedAt === undefined) break
    kills += 1
    inToken += ran.inToken ? 1 : 0
  }
  return { ...seen, kills, inToken }
}

describe.each(places.slice(0, isLong ? undefined : 2))('in a %s, at %s', (kind, name) => {
  let server: IamServer & { stop(): Promise<void> }
  let at: AtGateway
  beforeAll(async () => {
    server = await servers[name]()
    at = await AtGateway.make(kind, server)
  })
  afterAll(async () => {
    await at?.remove()
    await server?.stop()
  })

  const toTheEnd = ['--yes', '--overlap', '0', '--grace', '0']
  const count = async (what: string, { kills, inToken, lost, leaks: found }: Seen): Promise<void> =>
    await writeCount('kills', `${what} a ${kind} at ${name}, ${form}`, {
      kills,
      "of these in SoftHSM's own file": inToken,
      'key lost': lost.length,
      leaks: found.length,
    })

  it('F-R01: an import that is killed leaves no key or the whole one, and goes through when it is repeated', async () => {
    const run = (when: number): Promise<KilledRun> => killer.run(at, at.importWords(`k${when}`), when)
    const seen = await killedAtEach(at, run, async (when, wrong) => {
      const again = await at.run(at.importWords(`k${when}`), { input: at.key.secretAccessKey })
      // What goes through has asked the server. Where the record is there already, the import was over.
      if (again.status === 0) return
      const isThere = again.stderr.includes('there is a key record')
      const whoami = await at.run(['whoami', `k${when}`])
      if (!isThere || whoami.status !== 0) wrong.push(again, whoami)
    })
    await count('import into', seen)
    expect(seen).toMatchObject({ lost: [], leaks: [] })
    expect(seen.kills).toBeGreaterThan(isLong ? 20 : 5)
  })

  it('F-R02: a rotation that is killed leaves a key that works, and is gone on with', async () => {
    const run = (when: number): Promise<KilledRun> => killer.run(at, ['rotate', 'prod', ...toTheEnd], when)
    const seen = await killedAtEach(at, run, async (_when, wrong) => {
      const whoami = await at.run(['whoami', 'prod'])
      if (whoami.status !== 0) wrong.push(whoami)
      const goOn = ['rotate', 'prod', '--resume', ...toTheEnd]
      const first = await at.run(goOn)
      // A key whose answer was lost goes when a person names it.
      const [, orphan] = /--delete-orphan (\w+)/.exec(first.stderr) ?? []
      const resumed = orphan === undefined ? first : await at.run([...goOn, '--delete-orphan', orphan])
      if (resumed.status !== 0) wrong.push(resumed)
      const keys = [...(await at.keys())]
      if (keys.length !== 1 || keys[0]?.[0] !== at.inRecord() || !keys[0][1]) wrong.push(keys)
    })
    await count('rotation in', seen)
    expect(seen).toMatchObject({ lost: [], leaks: [] })
    expect(seen.kills).toBeGreaterThan(isLong ? 50 : 10)
  })
})
