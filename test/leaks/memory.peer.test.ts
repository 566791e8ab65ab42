// What is left in memory of the secrets, at every station of a key's life: the process of the library and that of the module
// are searched from outside (L-7), and so is what the process can be made to tell of itself (L-9).

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type LeakCount, leakCount } from './counts.ts'
import { dumpEnds } from './dumps.ts'
import { copiesByItem, mayRead, memoryOf } from './process-memory.ts'
import { Scanner } from './scanner.ts'
import { contentOf, derivedItems, type Kind, kinds, permanentItems, Situation } from './situation.ts'
import { days, type Station, stations, throughStations } from './stations.ts'
import type { Plan } from './stations-child.ts'

type Copies = Readonly<Record<string, number>>
interface Found {
  readonly own: Copies
  readonly module: Copies
  /** That the process of the module was looked into at all: its own variables are seen. */
  readonly sawModule: boolean
}

function scannerOf({ key }: Situation): Scanner {
  const [first, second] = days.map((day) => derivedItems(key.secretAccessKey, new Date(day)))
  const tomorrow = Object.fromEntries(Object.entries(second ?? {}).map(([name, bytes]) => [`next ${name}`, bytes]))
  return new Scanner({ ...permanentItems(key.secretAccessKey), ...first, ...tomorrow })
}

async function searched(kind: Kind, count: LeakCount, changes: Partial<Plan>): Promise<Record<Station, Found>> {
  const at = await Situation.make(kind)
  const scanner = scannerOf(at)
  const known = new Scanner({ variable: Buffer.from('SOFTHSM2_CONF') })
  const found: [Station, Found][] = []
  const look = changes.plants === true ? count.control : count.look
  const copies = (pid: number): Copies => copiesByItem(memoryOf(pid, (piece) => look(scanner, piece)))
  try {
    await throughStations(at, changes, ({ station, pid, children }) => {
      const readable = children.filter(mayRead)
      const sawModule = readable.some((child) => memoryOf(child, (piece) => known.search(piece)).length > 0)
      found.push([station, { own: copies(pid), module: Object.assign({}, ...readable.map(copies)), sawModule }])
    })
  } finally {
    await at.remove()
  }
  // Each station was reached, or throughStations throws.
  return Object.fromEntries(found) as Record<Station, Found>
}

/** One SigningKey, which lies as the two padded blocks of HMAC. */
const signingKey = (name: string): Copies => ({ [`${name}, HMAC pad 0x36`]: 1, [`${name}, HMAC pad 0x5c`]: 1 })

/** What an open key itself holds: a keyset its secret; a TPM is given the auth value anew for each use, so it is kept. */
const held: Readonly<Record<Kind, Copies>> = { token: {}, keyset: { secret: 1 }, TPM: { PIN: 1 }, service: {} }

/** What may be there: what an open key holds, the DateKey of the day where it is kept, one SigningKey. */
function allowed(kind: Kind, keepDateKey: boolean): Record<Station, Copies> {
  const opened = held[kind]
  const dateKey = (name: string): Copies => (keepDateKey ? { [name]: 1 } : {})
  const signed = { ...opened, ...dateKey('kDate'), ...signingKey('kSigning of s3') }
  const next = { ...opened, ...dateKey('next kDate'), ...signingKey('next kSigning of s3') }
  return { imported: {}, opened, signed, idle: signed, 'after midnight': next, closed: {} }
}

/**
 * What comes over HTTP lies in buffers of Node's own that nobody can wipe, until a later answer overwrites them: the static
 * buffer of the parser and the record buffer of OpenSSL. A token is the value of a header, and so a string.
 */
function withoutNodes(kind: Kind, copies: Copies): Copies {
  if (kind !== 'service') return copies
  const isNodes = (item: string): boolean => item === 'PIN' || /^(?:next )?kDate, base64/.test(item)
  return Object.fromEntries(Object.entries(copies).filter(([item]) => !isNodes(item)))
}

const total = (copies: Copies): number => Object.values(copies).reduce((sum, count) => sum + count, 0)

const ways = [...kinds, 'service' as const].flatMap((kind) =>
  [true, false].map((keepDateKey) => ({ kind, keepDateKey })),
)

describe.each(ways)('a key in a $kind, DateKey kept: $keepDateKey', ({ kind, keepDateKey }) => {
  const count = leakCount(`L-7 ${kind}, DateKey ${keepDateKey ? 'kept' : 'dropped'}: memory at six stations`)
  let found: Record<Station, Found>
  beforeAll(async () => {
    found = await searched(kind, count, { keepDateKey })
  })

  it.each(stations)('L-7: when it is %s, memory holds the one copy that is in use, and nothing else', (station) => {
    expect(withoutNodes(kind, found[station].own)).toEqual(allowed(kind, keepDateKey)[station])
    count.allow(total(found[station].own))
  })

  if (kind === 'token') {
    it.each(['opened', 'signed', 'idle', 'after midnight'] as const)(
      'L-7: when it is %s, the process of the module holds no secret, PIN or kDate',
      (station) => {
        expect(found[station]).toMatchObject({ module: {}, sawModule: true })
        expect(found[station].module).toEqual({})
      },
    )
  }
})

describe.each(kinds)('a process that keeps copies, with a key in a %s', (kind) => {
  const count = leakCount(`L-7 ${kind}: control, copies kept on purpose`)
  it('L-7: is found to keep each of them', async () => {
    const { closed } = await searched(kind, count, { plants: true })
    expect(closed.own).toEqual({ secret: 1, PIN: 1, kDate: 1, 'kSigning of s3': 1 })
  })
})

interface Dumps {
  readonly [file: string]: Copies
}

async function dumped(kind: Kind, count: LeakCount, changes: Partial<Plan>): Promise<Dumps> {
  const at = await Situation.make(kind)
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-dumps-'))
  const scanner = scannerOf(at)
  const look = changes.plants === true ? count.control : count.look
  try {
    await throughStations(at, { ...changes, dumps: folder }, () => {})
    const names = stations.flatMap((station) => dumpEnds.map((end) => `${station}.${end}`))
    return Object.fromEntries(names.map((name) => [name, copiesByItem(look(scanner, contentOf(join(folder, name))))]))
  } finally {
    rmSync(folder, { recursive: true, force: true })
    await at.remove()
  }
}

describe.each([...kinds, 'service' as const])('what a process tells of itself, with a key in a %s', (kind) => {
  const count = leakCount(`L-9 ${kind}: snapshots, reports, profiles, objects at six stations`)
  let dumps: Dumps
  beforeAll(async () => {
    dumps = await dumped(kind, count, {})
  })

  it.each(['heapsnapshot', 'report.json', 'cpuprofile'])('L-9: a %s shows no secret, PIN or derived key', (end) => {
    const shown = stations.map((station) => dumps[`${station}.${end}`])
    expect(shown).toEqual(stations.map(() => ({})))
  })

  it('L-9: the inspector reaches the one SigningKey in use, the auth value of a TPM, and nothing else', () => {
    // A keyset's secret lies in a KeyObject, which the inspector does not show.
    const opened: Copies = kind === 'TPM' ? held.TPM : {}
    const shown = Object.fromEntries(
      stations.map((station) => [station, withoutNodes(kind, dumps[`${station}.objects`] ?? {})]),
    )
    const signed = (name: string): Copies => ({ ...opened, ...signingKey(name) })
    const [first, next] = [signed('kSigning of s3'), signed('next kSigning of s3')]
    const expected: Record<Station, Copies> = {
      imported: {},
      opened,
      signed: first,
      idle: first,
      'after midnight': next,
      closed: {},
    }
    expect(shown).toEqual(expected)
    // Of a service the token too, which the key needs for each call.
    const all = stations.map((station) => total(dumps[`${station}.objects`] ?? {}))
    count.allow(all.reduce((sum, copies) => sum + copies, 0))
  })
})

describe('what a process tells that keeps copies', () => {
  const count = leakCount('L-9: control, copies kept on purpose')
  it('L-9: shows them in each form', async () => {
    const dumps = await dumped('keyset', count, { plants: true })
    for (const end of dumpEnds) expect(dumps[`closed.${end}`]?.secret, end).toBeGreaterThan(0)
  })
})
