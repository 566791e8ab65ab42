// An MFA code is typed once: the session that it opens serves every role of that MFA device, in every process, until it ends.

import { readdirSync, rmSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { folderInMemory } from '../files/temporary-folder.ts'
import { CheckedIn, role } from './checked-in.ts'
import type { Ran } from './hardkey.ts'
import { inTerminal, type PtyRan } from './pty.ts'

const serial = 'arn:aws:iam::111122223333:mfa/me'
const otherRole = role.replace('deploy', 'audit')

let there: CheckedIn
let folder: string
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterAll(() => there.remove())
beforeEach(() => {
  folder = folderInMemory()
  return () => rmSync(folder, { recursive: true })
})

const words = (...more: string[]): string[] => ['credential-process', 'prod', '--mfa-serial', serial, ...more]
const environment = () => ({ HARDKEY_CACHE_DIR: folder })
const ask = (...more: string[]): Promise<Ran> => there.home.run(words(...more), { environment: environment() })
const typed = (code: string, ...more: string[]): Promise<PtyRan> => {
  const steps = [{ expect: `MFA code of ${serial}: ` }, { send: `${code}\r` }]
  return inTerminal(there.home, words(...more), steps, { pipes: true, environment: environment() })
}

it('a code that was typed for one role is not asked for again for another, nor a PIN', async () => {
  const before = there.sts.accepted()
  const first = await typed('123456', '--role-arn', role)
  expect(JSON.parse(first.stdout)).toMatchObject({ AccountId: '111122223333' })
  const second = await ask('--role-arn', otherRole, '--pin-source', 'file:/nonexistent/pin')
  expect({ status: second.status, stderr: second.stderr }).toEqual({ status: 0, stderr: '' })
  // One session of the user, and one for each role.
  expect(there.sts.accepted() - before).toBe(3)
})

it('the session of the role is named after the access key, as without MFA', async () => {
  const { stdout } = await typed('123456', '--role-arn', role)
  const kept = await ask('--role-arn', role)
  expect(kept.stdout).toBe(stdout)
})

it('without a role the same session is given', async () => {
  await typed('123456', '--role-arn', role)
  const before = there.sts.accepted()
  expect((await ask('--no-role')).status).toBe(0)
  expect(there.sts.accepted() - before).toBe(0)
})

it('F-H17: a wrong code is sent once, keeps nothing, and is asked for again', async () => {
  const before = there.sts.refused()
  const wrong = await typed('000000', '--role-arn', role)
  expect({ status: wrong.status, stdout: wrong.stdout }).toEqual({ status: 1, stdout: '' })
  expect(there.sts.refused() - before).toBe(1)
  expect((await typed('123456', '--role-arn', role)).status).toBe(0)
})

it('F-W05: without a kept session and a terminal it is an error at once', async () => {
  const { status, stderr } = await ask('--role-arn', role)
  expect(status).toBe(1)
  expect(stderr).toContain(`there is no terminal to ask for the code of ${serial}`)
})

it('who starts while the code is looked for waits, and asks nobody', async () => {
  // Five seconds, in which the terminal does not change, before the code is typed.
  const steps = [{ expect: `MFA code of ${serial}: ` }, { sample: 'meanwhile', unless: true }, { send: '123456\r' }]
  const options = { pipes: true, environment: environment() }
  const asking = inTerminal(there.home, words('--role-arn', role), steps, options)
  while (!readdirSync(folder).some((name) => name.startsWith('lock-'))) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const waiting = await Promise.all([ask('--role-arn', role), ask('--role-arn', otherRole)])
  const { stdout } = await asking
  expect(waiting.map(({ status, stderr }) => ({ status, stderr }))).toEqual(Array(2).fill({ status: 0, stderr: '' }))
  expect(waiting[0]?.stdout).toBe(stdout)
})
