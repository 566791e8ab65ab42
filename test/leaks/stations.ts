// The parent of stations-child.ts. In: a situation and what is to differ. Out: the process, which waits at one station after
// the other while the caller looks at it.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { buildSync } from 'esbuild'
import { childrenOf } from './recorded.ts'
import type { Situation } from './situation.ts'
import type { Plan } from './stations-child.ts'

export const stations = ['imported', 'opened', 'signed', 'idle', 'after midnight', 'closed'] as const
export type Station = (typeof stations)[number]

/** The days of every run: what is derived on them is known beforehand. */
export const days = ['2026-11-24T12:00:00.000Z', '2026-11-25T00:16:00.000Z'] as const

export interface Waiting {
  readonly station: Station
  /** The process itself and those that it has started: of a module. */
  readonly pid: number
  readonly children: readonly number[]
}

/** Calls `look` at each station. */
export async function throughStations(
  at: Situation,
  changes: Partial<Plan>,
  look: (waiting: Waiting) => void,
): Promise<void> {
  // Beside the package, where the process finds the file of the PKCS#11 module's own process.
  const peers = resolve(import.meta.dirname, '..', '..', '.peers')
  mkdirSync(peers, { recursive: true })
  const folder = mkdtempSync(join(peers, 'stations-'))
  const child = start(folder, plan(at, changes), at.home.environment(at.environment()))
  try {
    const lines = createInterface({ input: child.stdout ?? process.stdin })[Symbol.asyncIterator]()
    for (const station of stations) {
      const { value } = await lines.next()
      if (value !== station) throw new Error(`the process ended before it was ${station}: ${await complaints(child)}`)
      look({ station, pid: child.pid ?? 0, children: childrenOf(child.pid ?? 0) })
      child.stdin?.write('\n')
    }
  } finally {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

function plan(at: Situation, changes: Partial<Plan>): Plan {
  const { accessKeyId, secretAccessKey } = at.key
  const profile = `[p]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`
  return {
    uri: at.uri('prod'),
    accessKeyId,
    folder: at.home.records,
    files: {
      csv: at.source('key.csv', `Access key ID,Secret access key\n${accessKeyId},${secretAccessKey}\n`),
      json: at.source('key.json', `{"AccessKeyId":"${accessKeyId}","SecretAccessKey":"${secretAccessKey}"}`),
      raw: at.source('raw', `${secretAccessKey}\n`),
      credentials: at.source('credentials', profile),
      config: at.source('config', ''),
    },
    days,
    keepDateKey: true,
    idleMilliseconds: process.env.TEST_LONG === '1' ? 60_000 : 500,
    plants: false,
    ...changes,
  }
}

function start(folder: string, plan: Plan, environment: Readonly<Record<string, string>>): ChildProcess {
  const program = join(folder, 'stations-child.mjs')
  const entryPoints = [join(import.meta.dirname, 'stations-child.ts')]
  buildSync({ entryPoints, outfile: program, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' })
  return spawn(process.execPath, ['--expose-gc', program, JSON.stringify(plan)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: environment,
  })
}

async function complaints(child: ChildProcess): Promise<string> {
  const pieces: string[] = []
  child.stderr?.setEncoding('utf8').on('data', (text: string) => pieces.push(text))
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
  return pieces.join('')
}
