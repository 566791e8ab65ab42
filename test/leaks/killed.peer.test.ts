// An import that is killed by SIGKILL at each system call that makes a file lasting or gives it another name: whatever lies
// about then, in home, temporary folders and the token, holds no secret. L-4.

import { describe, expect, it } from 'vitest'
import { leakCount } from './counts.ts'
import { recorded } from './recorded.ts'
import { Scanner } from './scanner.ts'
import { contentOf, type Kind, kinds, Situation } from './situation.ts'

/** The calls of these kinds that an import makes: of its own, and of SoftHSM in the process of the module. */
const points = {
  token: ['ftruncate', 'fsync', 'link', 'unlink'],
  keyset: ['fsync', 'link', 'unlink'],
  TPM: ['fsync', 'link', 'unlink'],
  service: ['fsync', 'link', 'unlink'],
} as const
/** No import makes more of one kind. */
const most = 80
/** SoftHSM begins each of its many writes so; the long form looks at every one. */
const step = (point: string): number => (point === 'ftruncate' && process.env.TEST_LONG !== '1' ? 4 : 1)

interface Killed {
  readonly hits: readonly string[]
  readonly status: number | string
}

async function killedAt(kind: Kind, point: string, when: number, look: Look): Promise<Killed> {
  const at = await Situation.make(kind)
  try {
    const { status } = await recorded(at.importWords('prod', 'stdin'), {
      environment: at.home.environment(at.environment()),
      folder: at.home.folder,
      input: at.key.secretAccessKey,
      options: ['-e', `trace=${point}`, '-e', `inject=${point}:signal=SIGKILL:when=${when}`],
    })
    const scanner = new Scanner(at.items())
    const hits = at.files().flatMap((file) => look(scanner, contentOf(file)).map(({ item }) => `${item} in ${file}`))
    return { hits, status }
  } finally {
    await at.remove()
  }
}

type Look = (scanner: Scanner, bytes: Uint8Array) => ReturnType<Scanner['search']>

describe.each([...kinds, 'service' as const])('an import into a %s', (kind) => {
  const count = leakCount(`L-4 ${kind}: files after SIGKILL`)
  it.each(points[kind])('L-4: killed at each %s leaves no secret in any file', async (point) => {
    const runs: Killed[] = []
    for (let when = 1; when <= most && runs.at(-1)?.status !== 0; when += step(point)) {
      runs.push(await killedAt(kind, point, when, count.look))
    }
    expect(runs.flatMap(({ hits }) => hits)).toEqual([])
    // The first was killed and left something to look at; the last went through.
    expect(runs[0]?.status).not.toBe(0)
    expect(runs.at(-1)?.status).toBe(0)
  })
})
