// The lines of `serve`, as a shell takes them.

import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { containerLines, metadataLines } from '../../../src/cli/program/client-variables.ts'

const ways = { container: containerLines({ port: 9911 }, { token: 'x' }), metadata: metadataLines(9911) }

/** Which hosts programs reach without a proxy, where they read one name and where the other. */
function listsAfter(lines: readonly string[], variables: Readonly<Record<string, string>>): string[] {
  const script = `set -eu; eval "$0"; env | grep -i '^no_proxy=' | sort`
  const environment = { PATH: process.env.PATH ?? '', LC_ALL: 'C', ...variables }
  const printed = execFileSync('sh', ['-c', script, lines.join('\n')], { env: environment, encoding: 'utf8' })
  return printed.trimEnd().split('\n')
}

describe.each(['container', 'metadata'] as const)('the lines for a %s endpoint', (way) => {
  it.each([
    [{}, '127.0.0.1,localhost', '127.0.0.1,localhost'],
    [{ NO_PROXY: 'a' }, '127.0.0.1,localhost,a', '127.0.0.1,localhost,a'],
    [{ no_proxy: 'b c' }, '127.0.0.1,localhost,b c', '127.0.0.1,localhost,b c'],
    [{ NO_PROXY: 'a', no_proxy: 'b' }, '127.0.0.1,localhost,a', '127.0.0.1,localhost,b'],
    [{ NO_PROXY: 'a', no_proxy: '' }, '127.0.0.1,localhost,a', '127.0.0.1,localhost'],
    // Alone it means every host, in a list nothing to Python.
    [{ NO_PROXY: '*' }, '*', '*'],
  ])('ask no proxy for this machine with %j', (variables, upper, lower) => {
    expect(listsAfter(ways[way], variables)).toEqual([`NO_PROXY=${upper}`, `no_proxy=${lower}`])
  })
})
