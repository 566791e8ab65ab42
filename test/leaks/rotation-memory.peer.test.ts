// The memory of a rotation whose new key is in the device and waits for STS: the secret that AWS gave out, and the old one, are
// gone from it but for the one place that a keyset has. L-7.

import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { ended } from '../cli/hardkey.ts'
import { LoopbackIam } from '../iam/loopback-iam.ts'
import { leakCount } from './counts.ts'
import { copiesByItem, memoryOf } from './process-memory.ts'
import { childrenOf } from './recorded.ts'
import { Scanner } from './scanner.ts'
import { type Kind, kinds, Situation } from './situation.ts'

vi.setConfig({ testTimeout: 120_000 })

type Look = (scanner: Scanner, piece: Uint8Array) => ReturnType<Scanner['search']>

/** Copies of both secrets in the command and its children, when the new key asks STS. */
async function whileItProves(kind: Kind, look: Look): Promise<readonly Readonly<Record<string, number>>[]> {
  const at = await Situation.make(kind)
  const iam = await LoopbackIam.start()
  try {
    const { accessKeyId, secretAccessKey } = iam.addKey()
    const settings = ['--region', 'eu-west-1', '--endpoint-url', iam.url, '--access-key-id', accessKeyId]
    const words = ['import', 'prod', '--to', at.uri('prod'), '--from', 'stdin', ...settings]
    expect(await at.home.run(words, { environment: at.environment(), input: secretAccessKey })).toMatchObject({
      status: 0,
    })
    const arrived = new Promise<void>((resolve) => {
      iam.fault = ({ action, by }) => {
        if (action !== 'GetCallerIdentity' || by === accessKeyId) return undefined
        resolve()
        return 'silent'
      }
    })
    const child = at.home.start(['rotate', 'prod', '--yes'], { environment: at.environment() })
    child.stdin?.end()
    await arrived
    await sleep(300)
    const [fresh = 'none was given'] = iam.given
    const scanner = new Scanner({ 'new secret': Buffer.from(fresh), 'old secret': Buffer.from(secretAccessKey) })
    const processes = [child.pid ?? 0, ...childrenOf(child.pid ?? 0)]
    const found = processes.map((pid) => copiesByItem(memoryOf(pid, (piece) => look(scanner, piece))))
    child.kill('SIGTERM')
    await ended(child)
    return found
  } finally {
    await iam.close()
    await at.remove()
  }
}

describe.each(kinds)('a rotation in a %s', (kind) => {
  const count = leakCount(`L-7 ${kind}: memory of a rotation that waits for STS`)
  it('L-7: holds neither the new secret nor the old one once the device has it', async () => {
    const [own = {}, ...others] = await whileItProves(kind, count.look)
    // What was let go lies in a KeyObject until it is collected: the keys of two keysets, opened to sign.
    const allowed = kind === 'keyset' ? 2 : 0
    for (const copies of Object.values(own)) expect(copies).toBeLessThanOrEqual(allowed)
    count.allow(Object.values(own).reduce((sum, copies) => sum + copies, 0))
    expect(others.flatMap((copies) => Object.values(copies))).toEqual([])
  })
})
