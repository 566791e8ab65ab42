// The credential_process line: what it may be, and that a shell, a program that splits it by itself and we read it alike.

import { execSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { flagsOf } from '../../src/cli/args.ts'
import { commandNamed } from '../../src/cli/table.ts'
import {
  credentialProcessLine,
  hardkeyCall,
  isCredentialProcessLineOf,
  lineSwitches,
  lineWords,
  namesHardkey,
} from '../../src/profiles/process-line.ts'
import { temporaryFolder } from '../files/temporary-folder.ts'

describe('the credential_process line', () => {
  it('names the command and the record', () => {
    expect(credentialProcessLine(['/usr/bin/hardkey'], 'prod')).toBe('/usr/bin/hardkey credential-process prod')
  })

  it.each(['plain', 'with space', "o'clock", 'a(b) & c|d', 'ünï', 'a*b?[c]{d,e}', '~home', 'a=b,c+d@e'])(
    'runs the same program by sh -c and by the exec of Node, from a folder called %j',
    (name) => {
      const folder = join(temporaryFolder(), name)
      mkdirSync(folder)
      const command = join(folder, 'hardkey')
      writeFileSync(command, `#!/bin/sh\nprintf '%s\\n' "$0" "$@"\n`)
      chmodSync(command, 0o755)
      const line = credentialProcessLine([command], 'prod')
      const bySh = spawnSync('/bin/sh', ['-c', line], { encoding: 'utf8', cwd: '/' }).stdout
      const expected = [command, 'credential-process', 'prod']
      expect([bySh, execSync(line, { encoding: 'utf8', cwd: '/' })]).toEqual(
        Array.from({ length: 2 }, () => expected.map((word) => `${word}\n`).join('')),
      )
      expect(lineWords(line)).toEqual(expected)
    },
  )

  it.each([
    '/a$b/hardkey',
    '/a`b/hardkey',
    '/a"b/hardkey',
    '/a\\b/hardkey',
    '/a #b/hardkey',
    '/a;b/hardkey',
    '/a\nb',
    '',
  ])('is refused for a path that would be read as something else: %j', (path) => {
    expect(() => credentialProcessLine([path], 'prod')).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', hint: expect.stringContaining('install hardkey') }),
    )
  })

  it.each([
    ['/usr/bin/hardkey credential-process prod', true],
    ['"/opt/my tools/node" /x/hardkey.cjs credential-process prod --no-cache', true],
    ["/usr/bin/node '/opt/my tools/hardkey.cjs' credential-process 'prod'", true],
    ['C:/Tools/hardkey.cmd credential-process prod', true],
    ['C:\\Tools\\hardkey.exe credential-process prod', true],
    ['/usr/bin/hardkey credential-process --region eu-west-1 --no-cache prod', true],
    ['/usr/bin/hardkey credential-process --region=eu-west-1 -- prod', true],
    ['/usr/bin/hardkey credential-process --region prod', false],
    ['/usr/bin/hardkey credential-process prod2', false],
    ['/usr/bin/other credential-process prod', false],
    ['/usr/bin/hardkey whoami prod', false],
    ['"/usr/bin/hardkey credential-process prod', false],
  ])('is known as that of the record: %s', (text, isOurs) => {
    expect(isCredentialProcessLineOf(text, 'prod')).toBe(isOurs)
  })

  it('gives the words behind credential-process, quotes taken off', () => {
    const line = `hardkey credential-process "a b" --role-session-name 'c d' e"f"'g'`
    expect(hardkeyCall(line)?.words).toEqual(['a b', '--role-session-name', 'c d', 'efg'])
  })

  it('has the switches that the command itself has', () => {
    const flags = flagsOf(commandNamed('credential-process') ?? expect.fail('the command is gone'))
    const ofTable = flags.filter(({ value }) => value === undefined).map(({ name }) => `--${name}`)
    expect([...lineSwitches].sort()).toEqual([...ofTable, '-h'].sort())
  })

  it('with a quote that is not closed is nobody’s, but not another program’s either', () => {
    const line = '/usr/bin/hardkey credential-process "prod'
    expect([hardkeyCall(line), namesHardkey(line)]).toEqual([undefined, true])
  })
})
