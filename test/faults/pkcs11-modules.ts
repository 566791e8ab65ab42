// Files that cannot be loaded as a PKCS#11 module (F-P23). In: nothing. Out: a path for each way of being broken.

import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { builtEnvironment, peer } from '../peers/peer.ts'

export interface BrokenModules {
  readonly paths: Readonly<
    Record<'missing' | 'text' | 'cut off' | 'of another machine' | 'without a library' | 'without functions', string>
  >
  remove(): void
}

/** ELF, e_machine at byte 18: 0x3e x86-64, 0xb7 AArch64. */
const machineAt = 18
const machines = [0x3e, 0xb7] as const

export async function brokenModules(): Promise<BrokenModules> {
  const { command } = await peer('cc')
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-modules-'))
  const at = (name: string): string => join(folder, name)
  const compile = async (name: string, ...more: readonly string[]): Promise<string> => {
    const source = at(`${name}.c`)
    writeFileSync(source, `int ${name}_exists = 1;\n`)
    const parameters = ['-fPIC', '-shared', '-o', at(`lib${name}.so`), source, '-L', folder, ...more]
    await promisify(execFile)(command, parameters, { env: builtEnvironment() })
    return at(`lib${name}.so`)
  }
  const away = await compile('away')
  const needy = await compile('needy', '-Wl,--no-as-needed', '-laway')
  rmSync(away)
  const bare = await compile('bare')
  const whole = readFileSync(bare)
  const foreign = Buffer.from(whole)
  foreign[machineAt] = foreign[machineAt] === machines[0] ? machines[1] : machines[0]
  const write = (name: string, content: Uint8Array): string => {
    writeFileSync(at(name), content)
    return at(name)
  }
  return {
    paths: {
      missing: at('missing.so'),
      text: write('text.so', Buffer.from('#!/bin/sh\n')),
      'cut off': write('cut.so', whole.subarray(0, whole.length / 2)),
      'of another machine': write('foreign.so', foreign),
      'without a library': needy,
      'without functions': bare,
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
