// What Tab offers, word by word, from the table and the names on this machine.

import { describe, expect, it } from 'vitest'
import { commands } from '../../../src/cli/table.ts'
import { completionOf, type KnownNames } from '../../../src/cli/texts/completion-words.ts'

const names: KnownNames = {
  records: async () => ['prod', 'preview', 'edge'],
  profiles: async () => ['default', 'work'],
}

const offered = async (line: string): Promise<readonly string[] | string> => {
  const found = await completionOf(commands, line.split(' '), names)
  return typeof found === 'string' ? found : found.map(([word]) => word)
}

describe('Tab offers', () => {
  it.each([
    ['exp', ['export', 'explain']],
    ['whoami pr', ['prod', 'preview']],
    ['whoami --region eu-west-1 e', ['edge']],
    ['whoami prod x', []],
    ['whoami prod --prof', ['--profile']],
    ['whoami prod --profile w', ['work']],
    ['whoami prod --region ', []],
    ['whoami prod --ca-bundle c', 'files'],
    ['serve prod --socket ', 'files'],
    ['relay ', 'files'],
    ['export prod --format env', ['env', 'env-no-export']],
    ['export prod --tag a=b --ta', ['--tag']],
    ['export prod --region x --regi', []],
    ['completion ', ['bash', 'zsh', 'fish']],
    ['help ur', ['uri']],
    ['help dem', ['demo']],
    ['exec prod --', 'everything that begins so'],
    ['exec prod -- aw', 'program'],
    ['exec prod -- aws --profile ', 'program'],
    ['no-such-command ', []],
  ])('behind "hardkey %s" %j', async (line, expected) => {
    const found = await offered(line)
    if (expected === 'everything that begins so')
      expect(found).toEqual(expect.arrayContaining(['--', '--env', '--help']))
    else expect(found).toEqual(expected)
  })
})
