// The programs in examples/ without their words. In: nothing. Out: a usage line that names each word, and status 2.

import { spawnSync } from 'node:child_process'
import { basename, resolve } from 'node:path'
import { expect, it } from 'vitest'

const examples = resolve(import.meta.dirname, '..', '..', 'examples')
const programs = ['pkcs11', 'tink', 'tpm2', 'vault'].flatMap((device) => [`${device}/rest.mjs`, `${device}/sdk.mjs`])

it.each(programs)('%s without words says which it takes', (program) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [resolve(examples, program)], { encoding: 'utf8' })
  expect([status, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(
    new RegExp(`^usage: node ${basename(program)} (?:URI ACCESS-KEY-ID|RECORD\\.json)[A-Z -]* \\[REGION\\]\\n$`),
  )
})
