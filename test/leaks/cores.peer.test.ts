// What a core file of `hardkey serve` holds: where the limit lets one be written, no more than memory itself (L-7); under the
// limit of the shipped units none is written. The process is aborted while its endpoint answers. L-8.

import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { commandFile, ended } from '../cli/hardkey.ts'
import { root } from '../laws/tree.ts'
import { leakCount } from './counts.ts'
import { copiesByItem } from './process-memory.ts'
import { Scanner } from './scanner.ts'
import { kinds, Situation } from './situation.ts'

/** A pattern that is another one hands cores to a program of the system. */
const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim()
const count = leakCount('L-8: cores of serve, with each kind of device')

/** Aborts `serve` under this limit, once a client has credentials, and gives the core file that it left, if any. */
async function coreOf(at: Situation, limit: 'unlimited' | '0'): Promise<Buffer | undefined> {
  const environment = at.environment()
  const made = await at.home.run(at.importWords('prod', 'stdin'), { environment, input: at.key.secretAccessKey })
  expect(made.status).toBe(0)
  const words = ['-c', `ulimit -c ${limit}; exec "$@"`, 'sh', process.execPath, commandFile, 'serve', 'prod']
  const child = spawn('/bin/sh', words, {
    cwd: at.home.folder,
    env: at.home.environment(environment),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const end = ended(child)
  // The variables of clients may come in pieces.
  let printed = ''
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (text: string) => {
      printed += text
      if (/AUTHORIZATION_TOKEN=\S+\n/.test(printed)) resolve()
    })
  })
  const [, url = ''] = /_FULL_URI=(\S+)\n/.exec(printed) ?? []
  const [, token = ''] = /_TOKEN=(\S+)\n/.exec(printed) ?? []
  expect((await fetch(url, { headers: { authorization: token } })).status).toBe(200)
  child.kill('SIGABRT')
  expect((await end).status).toBe('SIGABRT')
  const [file] = readdirSync(at.home.folder).filter((name) => name.startsWith('core'))
  if (file === undefined) return undefined
  const core = readFileSync(join(at.home.folder, file))
  rmSync(join(at.home.folder, file))
  return core
}

it.runIf(pattern === 'core').each(kinds)(
  'L-7, L-8: memory of serve, as its core shows it, holds what it signs with alone: a key in a %s',
  async (kind) => {
    const at = await Situation.make(kind)
    try {
      const core = await coreOf(at, 'unlimited')
      if (core === undefined) throw new Error('no core was written')
      const { kDate = 0, secret = 0, PIN = 0, ...rest } = copiesByItem(count.look(new Scanner(at.items()), core))
      // As in memory: what was let go lies in a KeyObject until it is collected, and a TPM wants its auth value each time.
      expect(rest).toEqual({ 'kSigning of sts, HMAC pad 0x36': 1, 'kSigning of sts, HMAC pad 0x5c': 1 })
      expect(kDate).toBeLessThanOrEqual(1)
      expect(secret).toBeLessThanOrEqual(kind === 'keyset' ? 1 : 0)
      expect(PIN).toBe(0)
      count.allow(2 + kDate + secret)
      expect(count.control(new Scanner({ variable: Buffer.from('XDG_RUNTIME_DIR') }), core).length).toBeGreaterThan(0)
    } finally {
      await at.remove()
    }
  },
)

it('L-8: under the limit of the units no core is written', async () => {
  const at = await Situation.make('keyset')
  try {
    expect(await coreOf(at, '0')).toBeUndefined()
  } finally {
    await at.remove()
  }
})

it.each(['serve/hardkey.service', 'serve/alone.service', 'rotate/hardkey-rotate@.service'])(
  'L-8: the unit %s lets no core be written, and nothing be swapped',
  (unit) => {
    expect(readFileSync(join(root, 'examples', unit), 'utf8')).toMatch(/^LimitCORE=0\nMemorySwapMax=0$/m)
  },
)
