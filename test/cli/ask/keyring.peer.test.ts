// A passphrase in the keyring of a desktop: GNOME's Secret Service on a bus of its own, put there by secret-tool.

import { spawn } from 'node:child_process'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { peer } from '../../peers/peer.ts'
import { CheckedIn } from '../checked-in.ts'
import { commandFile, ended, type Ran } from '../hardkey.ts'

let there: CheckedIn
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterAll(() => there.remove())

/** Runs lines of a shell on a bus whose keyring is unlocked. */
async function onBus(lines: readonly string[]): Promise<Ran> {
  const { daemon, session } = await peer('keyring')
  const script = [`printf secret | ${daemon} --unlock --components=secrets > /dev/null 2>&1`, ...lines].join('\n')
  const environment = { XDG_RUNTIME_DIR: there.home.folder, XDG_DATA_HOME: `${there.home.folder}/data` }
  const child = spawn(session, ['--', '/bin/sh', '-c', script], {
    cwd: there.home.folder,
    env: there.home.environment(environment),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  return await ended(child)
}

const hardkey = (source: string) => `${process.execPath} ${commandFile} credential-process prod --pin-source ${source}`
const store = "printf 'correct horse' | secret-tool store --label 'hardkey prod' service hardkey account prod"

it('a passphrase comes from the keyring', async () => {
  const ran = await onBus([store, hardkey('keyring:prod')])
  // The bus and the keyring say things of their own.
  expect(ran.stderr).not.toContain('hardkey:')
  expect(ran.status).toBe(0)
  expect(JSON.parse(ran.stdout)).toMatchObject({ Version: 1 })
})

it('an entry that is not there is an error that says how to make it', async () => {
  const ran = await onBus([store, hardkey('keyring:other')])
  expect(ran.stdout).toBe('')
  expect(ran.stderr).toContain(`hardkey: error: the keyring's secret-tool, asked for "other", ended with status 1`)
  expect(ran.stderr).toContain('hardkey: hint: put it there: secret-tool store ')
  expect(ran.status).toBe(1)
})

it('a machine without a keyring is an error at once', async () => {
  await peer('keyring')
  const ran = await there.home.run(['credential-process', 'prod', '--pin-source', 'keyring:prod'])
  expect(ran.stderr).toContain(`the keyring's secret-tool, asked for "prod", ended with status 1`)
  expect(ran.status).toBe(1)
})
