// A user without an entry in the table of users and without HOME, as a container may have one: the system tells no home folder.
// Needs root, who alone can play such a user.

import { chmodSync, chownSync, cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { asSecondUser, secondUser } from '../faults/second-user.ts'
import { CheckedIn } from './checked-in.ts'
import { commandFile, type Ran } from './hardkey.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let there: CheckedIn
/** Records and passphrase, his own. */
let theirs: string
beforeAll(async () => {
  there = await CheckedIn.make()
  theirs = mkdtempSync(join(tmpdir(), 'hardkey-no-home-'))
  cpSync(there.home.records, join(theirs, 'keys'), { recursive: true })
  cpSync(join(there.home.folder, 'passphrase'), join(theirs, 'passphrase'))
  for (const name of ['', ...readdirSync(theirs, { recursive: true }).map(String)])
    chownSync(join(theirs, name), secondUser.uid, secondUser.gid)
  chmodSync(theirs, 0o700)
})
afterAll(async () => {
  rmSync(theirs, { recursive: true, force: true })
  await there.remove()
})

const run = (words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ran> =>
  asSecondUser('exec "$@"', [process.execPath, commandFile, ...words], environment)

describe('F-D08: a user without a home folder', () => {
  it('gets a session by the records that HARDKEY_HOME names', async () => {
    const words = ['credential-process', 'prod', '--pin-source', `file:${join(theirs, 'passphrase')}`]
    const ran = await run(words, { HARDKEY_HOME: theirs })
    expect(ran).toMatchObject({ status: 0, stderr: '' })
    expect(JSON.parse(ran.stdout)).toMatchObject({ AccessKeyId: expect.stringMatching(/^ASIA/) })
  })

  it('is told which variables name a folder for records, where none does', async () => {
    expect(await run(['list'])).toEqual({
      status: 2,
      stdout: '',
      stderr:
        'hardkey: error: there is no home folder, in which records would lie\n' +
        'hardkey: hint: set HOME, or HARDKEY_HOME to the folder that holds keys/\n',
    })
  })

  it.each(['--version', 'help', 'completion bash'])('has hardkey %s', async (words) => {
    expect(await run(words.split(' '))).toMatchObject({ status: 0, stderr: '' })
  })
})
