// The memory of the command itself while it waits for STS: by then the device was used and given back. The server that it
// asks does not answer until the memory was searched. L-7.

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ended } from '../cli/hardkey.ts'
import { leakCount } from './counts.ts'
import { copiesByItem, memoryOf } from './process-memory.ts'
import { childrenOf } from './recorded.ts'
import { type Hit, Scanner } from './scanner.ts'
import { type Kind, kinds, Situation } from './situation.ts'

type Copies = Readonly<Record<string, number>>
type Look = (scanner: Scanner, piece: Uint8Array) => ReturnType<Scanner['search']>

/** What is in memory of the command and of its children when its request has arrived. */
async function whileItWaits(kind: Kind, words: readonly string[], look: Look): Promise<readonly Copies[]> {
  const at = await Situation.make(kind)
  const silent = createServer()
  await once(silent.listen(0, '127.0.0.1'), 'listening')
  // A server that listens on a port has an address of this kind.
  const { port } = silent.address() as AddressInfo
  try {
    const environment = at.environment()
    const input = at.key.secretAccessKey
    const made = await at.home.run(at.importWords('prod', 'stdin'), { environment, input })
    expect(made.status).toBe(0)
    const child = at.home.start([...words, '--endpoint-url', `http://127.0.0.1:${port}/`], { environment })
    child.stdin?.end()
    await once(silent, 'request')
    const scanner = new Scanner(at.items())
    const processes = [child.pid ?? 0, ...childrenOf(child.pid ?? 0)]
    const copies = (search: (piece: Uint8Array) => readonly Hit[]): readonly Copies[] =>
      processes.map((pid) => copiesByItem(memoryOf(pid, search)))
    // The request left within the call that brought the DateKey: what belongs to that call is given back behind it.
    const isOver = (): boolean =>
      isGivenBack(
        kind,
        copies((piece) => scanner.search(piece)),
      )
    for (let looks = 0; looks < 60 && !isOver(); looks += 1) await sleep(500)
    const found = copies((piece) => look(scanner, piece))
    child.kill('SIGTERM')
    await ended(child)
    return found
  } finally {
    silent.closeAllConnections()
    silent.close()
    await at.remove()
  }
}

/** What was used and let go lies in a KeyObject until it is collected: the kDate, and the key of a keyset. */
const mostSecrets = (kind: Kind): number => (kind === 'keyset' ? 1 : 0)

function isGivenBack(kind: Kind, [own = {}, ...others]: readonly Copies[]): boolean {
  const { kDate = 0, secret = 0, ...rest } = own
  const isKnown = kDate <= 1 && secret <= mostSecrets(kind) && Object.keys(rest).every((item) => item.startsWith('kS'))
  return isKnown && others.every((copies) => Object.keys(copies).length === 0)
}

describe.each(kinds)('the command, with a key in a %s', (kind) => {
  const count = leakCount(`L-7 ${kind}: memory of commands that wait for STS`)
  it.each(['whoami', 'credential-process'])(
    'L-7: %s holds no PIN, and one copy at most of what it signs with',
    async (word) => {
      const [own = {}, ...others] = await whileItWaits(kind, [word, 'prod'], count.look)
      const { kDate = 0, secret = 0, ...rest } = own
      expect(rest).toEqual({ 'kSigning of sts, HMAC pad 0x36': 1, 'kSigning of sts, HMAC pad 0x5c': 1 })
      expect(kDate).toBeLessThanOrEqual(1)
      expect(secret).toBeLessThanOrEqual(mostSecrets(kind))
      for (const module of others) expect(module).toEqual({})
      count.allow(2 + kDate + secret)
    },
  )
})
