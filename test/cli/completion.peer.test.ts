// The scripts of `hardkey completion` in the shells themselves: a person presses Tab.

import { execFile } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { peer } from '../peers/peer.ts'
import { CommandHome, commandFile } from './hardkey.ts'
import { type PtyStep, programInTerminal } from './pty.ts'

const home = new CommandHome()
beforeAll(() => {
  chmodSync(home.write('bin/hardkey', `#!/bin/sh\nexec ${process.execPath} ${commandFile} "$@"\n`), 0o700)
  for (const name of ['production', 'edge.one']) home.write(`hardkey/keys/${name}.json`, '{}')
  home.write('.aws/config', '[profile workshop]\nregion = eu-west-1\n')
  home.write('bundle.pem', '')
})
afterAll(() => home.remove())

const environment = (): Record<string, string> => ({
  PATH: `${join(home.folder, 'bin')}:/usr/bin:/bin`,
  TERM: 'dumb',
})

/** What is typed before Tab, and what stands there then. */
const pressed: readonly (readonly [string, string])[] = [
  ['hardkey whoa', 'hardkey whoami '],
  ['hardkey whoami prod', 'hardkey whoami production '],
  ['hardkey whoami edge.one --prof', '--profile '],
  ['hardkey exec edge.one --role-arn arn:aws:iam::1:role/x --profile work', '--profile workshop '],
  ['hardkey export production --format powe', '--format powershell '],
  ['hardkey whoami production --ca-bundle bun', '--ca-bundle bundle.pem '],
  ['hardkey exec production -- cat bun', 'cat bundle.pem '],
  ['hardkey exec production -- hardk', '-- hardkey '],
]

/** Tab; then the line is emptied, and not run. */
const steps = (typed: string, shown: string): readonly PtyStep[] => [
  { expect: 'ready> ' },
  { send: `${typed}\t` },
  { expect: shown.trimEnd().slice(-6) },
  { send: '\u0015exit\r' },
]

describe('bash', () => {
  it.each(pressed)('completes %j to %j', async (typed, shown) => {
    home.write('bashrc', `PS1='ready> '\neval "$(hardkey completion bash)"\n`)
    const argv = ['/bin/bash', '--noprofile', '--rcfile', 'bashrc', '-i']
    const { terminal } = await programInTerminal(home, argv, steps(typed, shown), { environment: environment() })
    expect(terminal).toContain(shown)
  })
})

describe('zsh', () => {
  it.each(pressed)('completes %j to %j', async (typed, shown) => {
    const { command } = await peer('zsh')
    home.write('.zshrc', `PS1='ready> '\nautoload -Uz compinit && compinit -u\neval "$(hardkey completion zsh)"\n`)
    const { terminal } = await programInTerminal(home, [command, '-i'], steps(typed, shown), {
      environment: environment(),
    })
    expect(terminal).toContain(shown)
  })
})

describe('fish', () => {
  it.each(pressed)('completes %j to %j', async (typed, shown) => {
    const { command } = await peer('fish')
    const words = ['--no-config', '-c', 'hardkey completion fish | source; complete -C $argv[1]', typed]
    const { stdout } = await promisify(execFile)(command, words, {
      cwd: home.folder,
      env: home.environment(environment()),
    })
    const wanted = shown.trim().split(' ').at(-1)
    expect(stdout.split('\n').map((line) => line.split('\t')[0])).toContain(wanted)
  })
})
