// An import and a rotation whose key is in the device and waits for STS: what they were given, the secret that AWS made, and what
// unlocks the device are gone from their memory (L-7) and from a core of them (L-8) but for the known places.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { leakCount } from './counts.ts'
import { copiesByItem, memoryOf } from './process-memory.ts'
import { type Proof, type Proving, proofs, whileItProves, whileOneIsCareless } from './proving.ts'
import { childrenOf } from './recorded.ts'
import type { Hit, Scanner } from './scanner.ts'

type Look = (scanner: Scanner, piece: Uint8Array) => readonly Hit[]
type Copies = Readonly<Record<string, number>>

/**
 * What was let go lies in a KeyObject until it is collected: the keys of keysets, opened to sign. What unlocks a device is
 * remembered until the command ends, since a person is asked once: by a TPM for each of its keys, and each key that is open has
 * its auth value besides. A token of a service is the value of a header, and so a string that nobody can wipe.
 */
function beyondKnown({ kind, what }: Proof, copies: Copies): Copies {
  const keys = what === 'an import' ? 1 : 2
  const pins = { token: 1, keyset: 1, TPM: 2 * keys, service: Number.POSITIVE_INFINITY }
  const known: Copies = { PIN: pins[kind], ...(kind === 'keyset' ? { secret: keys, 'new secret': keys } : {}) }
  return Object.fromEntries(
    Object.entries(copies).filter(([item, count]) => count > (known[item.replace(/, .*$/, '')] ?? 0)),
  )
}

const total = (copies: Copies): number => Object.values(copies).reduce((sum, count) => sum + count, 0)

/** Copies in the command and its children. */
function inProcesses(pid: number, search: (piece: Uint8Array) => readonly Hit[]): Copies {
  return copiesByItem([pid, ...childrenOf(pid)].flatMap((one) => memoryOf(one, search)))
}

/** Until only known copies are left, or half a minute is over. A busy machine may still be wiping: what is gone stays gone. */
async function whenWiped(proof: Proof, { pid, scanner }: Proving): Promise<void> {
  const left = (): Copies =>
    beyondKnown(
      proof,
      inProcesses(pid, (piece) => scanner.search(piece)),
    )
  for (let tries = 0; tries < 60 && Object.keys(left()).length > 0; tries += 1) await sleep(500)
}

describe.each(proofs)('$what, $kind', (proof) => {
  const count = leakCount(`L-7 ${proof.kind}: memory of ${proof.what} that waits for STS`)
  it('L-7: holds no secret once the device has it, nor what unlocks it', async () => {
    const found = await whileItProves(proof, async (proving) => {
      await whenWiped(proof, proving)
      return inProcesses(proving.pid, (piece) => count.look(proving.scanner, piece))
    })
    expect(beyondKnown(proof, found)).toEqual({})
    count.allow(total(found))
  })
})

const isCoreFile = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim() === 'core'
const unlimited = { through: ['/bin/sh', '-c', 'ulimit -c unlimited; exec "$@"', 'sh'] } as const

async function inCore({ child, folder, scanner }: Proving, look: Look): Promise<Copies> {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGABRT')
  await gone
  const cores = readdirSync(folder).filter((name) => name.startsWith('core'))
  // The process of a module leaves none, and here it did not abort.
  expect(cores).toHaveLength(1)
  return copiesByItem(cores.flatMap((name) => look(scanner, readFileSync(join(folder, name)))))
}

describe.runIf(isCoreFile).each(proofs)('the core of $what, $kind', (proof) => {
  const count = leakCount(`L-8 ${proof.kind}: core of ${proof.what} that waits for STS`)
  it('L-8: holds no secret once the device has it, nor what unlocks it', async () => {
    const act = async (proving: Proving): Promise<Copies> => {
      await whenWiped(proof, proving)
      return await inCore(proving, count.look)
    }
    const found = await whileItProves(proof, act, unlimited)
    expect(beyondKnown(proof, found)).toEqual({})
    count.allow(total(found))
  })
})

describe('the search of memory and cores', () => {
  it('L-7: finds what a program keeps', async () => {
    const count = leakCount('L-7: control, memory of a program that keeps its input')
    const found = await whileOneIsCareless(async ({ pid, scanner }) =>
      memoryOf(pid, (one) => count.control(scanner, one)),
    )
    expect(copiesByItem(found).secret).toBeGreaterThan(0)
  })

  it.runIf(isCoreFile)('L-8: finds what a program keeps in its core', async () => {
    const count = leakCount('L-8: control, core of a program that keeps its input')
    const found = await whileOneIsCareless((proving) => inCore(proving, count.control), unlimited)
    expect(found.secret).toBeGreaterThan(0)
  })
})

describe('swap', () => {
  /** What the kernel says of a process, in kB: proc_pid_status(5). */
  const saidOf = (pid: number, name: string): string | undefined =>
    new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]

  it('L-8: is not claimed to be shut out: no memory is locked, as SECURITY.md says', async () => {
    const locked = await whileItProves({ kind: 'keyset', what: 'an import' }, async ({ pid }) => saidOf(pid, 'VmLck'))
    expect(locked).toBe('0')
    expect(readFileSync(join(import.meta.dirname, '..', '..', 'SECURITY.md'), 'utf8')).toContain('locks no memory')
  })
})
