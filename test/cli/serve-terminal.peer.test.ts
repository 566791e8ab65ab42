// `hardkey serve --token-file` in the foreground of a terminal, whose window is closed: SIGHUP then means the end, and no new token.

import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { CheckedIn } from './checked-in.ts'
import { inTerminal } from './pty.ts'

let there: CheckedIn
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterAll(() => there.remove())

it('F-E07: ends with the window of its terminal, and keeps the token of its file', async () => {
  const path = join(there.home.folder, 'token')
  const steps = [
    { expect: 'export AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE' },
    { expect: 'unset' },
    { hangup: true },
  ] as const
  there.home.write('token', 'A'.repeat(43))
  const { status } = await inTerminal(there.home, ['serve', 'prod', '--token-file', path], steps)
  expect([status, there.home.read('token')]).toEqual([-1, 'A'.repeat(43)])
})

it('F-E07: ends by ^C', async () => {
  const steps = [{ expect: 'unset' }, { send: '\x03' }]
  expect((await inTerminal(there.home, ['serve', 'prod'], steps)).status).toBe(130)
})
