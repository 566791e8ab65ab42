// SIGKILL at the system calls by which an import or a rotation changes anything: files, the token, AWS. At every instant a key
// in the device signs a GetCallerIdentity that the server accepts; the next run ends with one active key; no secret that the
// server gave out lies anywhere. Every tenth call here, every one in the long run. F-R01, F-R02.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { commandFile, ended, type Ran } from '../cli/hardkey.ts'
import { writeCount } from '../leaks/counts.ts'
import { contentOf } from '../leaks/situation.ts'
import { peer } from '../peers/peer.ts'
import { startVersitygw, type Versitygw } from '../peers/versitygw.ts'
import { AtGateway } from './at-gateway.ts'

const isLong = process.env.TEST_LONG === '1'
vi.setConfig({ testTimeout: isLong ? 7_200_000 : 600_000, hookTimeout: 120_000 })

/** Calls that change a file, a token or what a server knows. */
const changing =
  'write,writev,pwrite64,pwritev,ftruncate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,connect,sendto,sendmsg'
const step = isLong ? 1 : 10

interface Point {
  readonly call: string
  readonly when: number
}

async function traced(
  at: AtGateway,
  words: readonly string[],
  options: readonly string[],
  input = '',
): Promise<Ran & { readonly log: string }> {
  const { command } = await peer('strace')
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-killed-'))
  const log = join(folder, 'log')
  try {
    const all = ['-f', '-qq', '-o', log, ...options, '--', process.execPath, commandFile, ...words]
    // One thread for files, since strace counts the calls of each thread.
    const environment = at.situation.home.environment({ ...at.situation.environment(), UV_THREADPOOL_SIZE: '1' })
    const child = spawn(command, all, { env: environment, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    const ran = await ended(child)
    return { ...ran, log: readFileSync(log, 'latin1') }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** How often each call is made by the thread that makes it most, as points in a fixed order. */
function pointsIn(log: string): readonly Point[] {
  const counts = new Map<string, Map<string, number>>()
  for (const [, thread = '', call = ''] of log.matchAll(/^(\d+) +(\w+)\(/gm)) {
    const threads = counts.get(call) ?? new Map<string, number>()
    counts.set(call, threads.set(thread, (threads.get(thread) ?? 0) + 1))
  }
  const points = [...counts].flatMap(([call, threads]) =>
    Array.from({ length: Math.max(...threads.values()) }, (_, index) => ({ call, when: index + 1 })),
  )
  // The first of each kind may change nothing yet: a tenth of all is taken from the middle of each ten.
  return points.filter((_, index) => step === 1 || index % step === step >> 1)
}

const killing = ({ call, when }: Point): readonly string[] => [
  '-e',
  `trace=${call}`,
  '-e',
  `inject=${call}:signal=SIGKILL:when=${when}`,
]

let gateway: Versitygw
beforeAll(async () => {
  gateway = await startVersitygw()
})
afterAll(() => gateway?.stop())

/** Files of home and token in which a secret of this user lies. */
function leaks(at: AtGateway): readonly string[] {
  return at.situation.files().filter((file) => {
    const text = Buffer.from(contentOf(file)).toString('latin1')
    return at.secrets().some((secret) => text.includes(secret))
  })
}

describe.each(isLong ? (['token', 'keyset', 'TPM', 'service'] as const) : (['token'] as const))('in a %s', (kind) => {
  let at: AtGateway
  beforeAll(async () => {
    at = await AtGateway.make(kind, gateway)
  })
  afterAll(() => at?.remove())

  const toTheEnd = ['--yes', '--overlap', '0', '--grace', '0']

  it('F-R01: an import that is killed leaves no key or the whole one, and goes through when it is repeated', async () => {
    const input = at.key.secretAccessKey
    const { log, status } = await traced(at, at.importWords('k'), ['-e', `trace=${changing}`], input)
    expect(status).toBe(0)
    const points = pointsIn(log)
    let killed = 0
    for (const [index, point] of points.entries()) {
      const name = `k${index}`
      const ran = await traced(at, at.importWords(name), killing(point), input)
      killed += ran.status === 0 ? 0 : 1
      // The folder of records of a killed import may lack this record; where it is there, the import was over.
      const again = await at.run(at.importWords(name), { input })
      const isThere = again.stderr.includes('there is a key record')
      expect({ ...point, ...again, status: isThere ? 0 : again.status }).toMatchObject({ ...point, status: 0 })
      expect({ ...point, works: (await at.run(['whoami', name])).status }).toEqual({ ...point, works: 0 })
      expect({ ...point, leaks: leaks(at) }).toEqual({ ...point, leaks: [] })
    }
    await writeCount('kills', `import into a ${kind}`, { points: points.length, killed, 'key lost': 0, leaks: 0 })
    expect(killed).toBeGreaterThan(points.length / 2)
  })

  it('F-R02: a rotation that is killed leaves a key that works, and is gone on with', async () => {
    const { log, status } = await traced(at, ['rotate', 'prod', ...toTheEnd], ['-e', `trace=${changing}`])
    expect(status).toBe(0)
    const points = pointsIn(log)
    let killed = 0
    for (const point of points) {
      const ran = await traced(at, ['rotate', 'prod', ...toTheEnd], killing(point))
      killed += ran.status === 0 ? 0 : 1
      expect({ ...point, works: (await at.run(['whoami', 'prod'])).status }).toEqual({ ...point, works: 0 })
      const resumed = await at.run(['rotate', 'prod', '--resume', ...toTheEnd])
      expect({ ...point, ...resumed }).toMatchObject({ ...point, status: 0 })
      expect({ ...point, keys: [...(await at.keys())] }).toEqual({ ...point, keys: [[at.inRecord(), true]] })
      expect({ ...point, leaks: leaks(at) }).toEqual({ ...point, leaks: [] })
    }
    await writeCount('kills', `rotation in a ${kind}`, { points: points.length, killed, 'key lost': 0, leaks: 0 })
    expect(killed).toBeGreaterThan(points.length / 2)
  })
})
