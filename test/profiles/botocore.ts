// Asks botocore what it makes of AWS files and variables. In: cases. Out: its answers; botocore_settings.py says of what form.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { builtEnvironment, peer } from '../peers/peer.ts'

export type Variables = Readonly<Record<string, string>>

/** A question to botocore_settings.py. */
export interface Case {
  readonly ask: 'place' | 'roles' | 'key'
  readonly profile?: string
  readonly variables: Variables
}

/** The answers, in the same order. */
export async function botocore<Answer>(cases: readonly Case[]): Promise<readonly Answer[]> {
  const { command } = await peer('python')
  const options = {
    input: JSON.stringify(cases),
    env: builtEnvironment(),
    maxBuffer: 2 ** 26,
    encoding: 'utf8',
  } as const
  const ran = spawnSync(command, [join(import.meta.dirname, 'botocore_settings.py')], options)
  if (ran.status !== 0) throw new Error(`python failed: ${ran.stderr}`)
  return JSON.parse(ran.stdout)
}
