// A rotation with a person at the terminal: asked before anything ends, told each step, and asked for one MFA code.

import { afterEach, beforeEach, expect, it } from 'vitest'
import { inTerminal, type PtyStep } from '../cli/pty.ts'
import { Rotating } from './rotating.ts'

let at: Rotating
beforeEach(async () => {
  at = await Rotating.make()
})
afterEach(() => at.remove())

const asked = 'programs that hold it end today (--overlap 7d keeps them); rotate now [y/N]: '
const rotating = (words: readonly string[], ...steps: readonly PtyStep[]) =>
  inTerminal(at.home, ['rotate', 'prod', ...words], steps)

it('asks first, ticks each step off, and says what to type next', async () => {
  const ran = await rotating([], { expect: asked }, { send: 'y\r' })
  expect(ran.status).toBe(0)
  const done = [...ran.terminal.matchAll(/hardkey: done: ([^\r\n]*)/g)].map(([, text]) => text)
  expect(done).toEqual([
    'wrote the journal',
    'looked at the keys of the user',
    'made an access key at AWS',
    'put it into the device, read its attributes back and compared it',
    'STS knows the new key, signed by the device',
    'the record names the other key',
    'the old access key is inactive',
  ])
  expect(ran.terminal).toMatch(/hardkey: next: hardkey rotate prod --resume, after 20\d\d-/)
})

it('changes nothing where the answer is no', async () => {
  const ran = await rotating([], { expect: asked }, { send: '\r' })
  expect([ran.status, at.iam.calls, at.journalState()]).toEqual([1, [], undefined])
})

it('asks for one code of the MFA device for all that IAM is asked', async () => {
  at.iam.wantsMfa = true
  const device = 'arn:aws:iam::111122223333:mfa/hk'
  const ran = await rotating(
    ['--yes', '--mfa-serial', device],
    { expect: `MFA code of ${device}: ` },
    { send: '123456\r' },
  )
  expect(ran.status).toBe(0)
  expect(at.iam.actions().filter((action) => action === 'GetSessionToken')).toHaveLength(1)
  expect(at.iam.active()).toEqual([at.inRecord()])
})

it('F-R09: an interrupt leaves a key that works, and the way on', async () => {
  at.iam.fault = ({ action, by }) => (action === 'GetCallerIdentity' && by !== at.first ? 'silent' : undefined)
  const ran = await rotating(['--yes'], { expect: 'compared it' }, { signal: 'SIGINT' })
  expect(ran.status).toBe(130)
  expect(ran.terminal).toContain('the rotation can be gone on with: hardkey rotate prod --resume, or --undo')
  at.iam.fault = () => undefined
  expect(await at.home.run(['whoami', 'prod'])).toMatchObject({ status: 0 })
  expect(await at.rotate('--resume', '--yes')).toMatchObject({ status: 0 })
  expect(at.iam.active()).toEqual([at.inRecord()])
})
