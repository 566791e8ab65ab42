// The credential_process line in Python, as botocore splits it.

import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { credentialProcessLine, lineWords } from '../../src/profiles/process-line.ts'
import { builtEnvironment, peer } from '../peers/peer.ts'

it('the line is split by Python, by botocore and by us alike', async () => {
  const words = ['/opt/my tools/node', "/opt/o'clock/(x) & y/hardkey.cjs"]
  const line = credentialProcessLine(words, 'prod')
  const { command } = await peer('python')
  const program = 'import json, shlex, sys; from botocore.compat import compat_shell_split as split; '
  const print = 'print(json.dumps([shlex.split(sys.argv[1]), split(sys.argv[1]), split(sys.argv[1], "win32")]))'
  const ran = spawnSync(command, ['-c', program + print, line], { env: builtEnvironment(), encoding: 'utf8' })
  const expected = [...words, 'credential-process', 'prod']
  expect(JSON.parse(ran.stdout)).toEqual([expected, expected, expected])
  expect(lineWords(line)).toEqual(expected)
})
