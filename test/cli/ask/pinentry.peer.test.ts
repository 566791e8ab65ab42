// GnuPG's own pinentry programs, and the keyring of a desktop, asked by the command. Each run has a pseudo-terminal, or a
// bus, of its own (L-10).

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { peer } from '../../peers/peer.ts'
import { CheckedIn } from '../checked-in.ts'
import { throwAwayKey } from '../hardkey.ts'
import { inTerminal, type PtyStep } from '../pty.ts'

let there: CheckedIn
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterAll(() => there.remove())

const environment = async (program: 'tty' | 'curses') => ({
  HARDKEY_PINENTRY: (await peer('pinentry'))[program],
  TERM: 'xterm',
})
const words = ['credential-process', 'prod', '--pin-source', 'pinentry:']

describe('pinentry-tty', () => {
  const asked: readonly PtyStep[] = [{ expect: 'passphrase:' }, { sample: 'asked', unless: true }]

  it('L-10: takes a passphrase that is never shown, where the standard streams are pipes', async () => {
    const steps = [...asked, { send: 'correct horse\r' }]
    const ran = await inTerminal(there.home, words, steps, { pipes: true, environment: await environment('tty') })
    expect(ran).toMatchObject({ status: 0, stderr: '' })
    expect(JSON.parse(ran.stdout)).toMatchObject({ Version: 1 })
    expect(ran.terminal).toContain('passphrase of keyset "')
    expect(ran.terminal).not.toContain('correct')
    expect(ran.echo.asked).toBe(false)
  })

  it('takes every character of a new passphrase, twice', async () => {
    const passphrase = '50 % of é\\"'
    const { accessKeyId, secretAccessKey } = throwAwayKey()
    const csv = there.home.write('keys.csv', `Access key ID,Secret access key\n${accessKeyId},${secretAccessKey}\n`)
    const to = 'tink:file=odd.keyset.json?kek=passphrase:&pin-source=pinentry:'
    const steps = [...asked, { send: `${passphrase}\r` }, { expect: 'the same' }, ...asked, { send: `${passphrase}\r` }]
    const words = ['import', 'odd', '--to', to, '--offline', '--from', `csv:${csv}`]
    const made = await inTerminal(there.home, words, steps, { environment: await environment('tty') })
    expect(made.terminal).toContain('checked in')
  })

  it('^C at its question ends the command, with the echo back', async () => {
    const ran = await inTerminal(there.home, words, [...asked, { send: '\u0003' }], {
      environment: await environment('tty'),
    })
    // It is a signal for both, or a byte that the pinentry reads as a cancelled question.
    expect([130, 1]).toContain(ran.status)
    expect(ran.echo).toEqual({ asked: false, afterwards: true })
  })
})

describe('pinentry-curses', () => {
  it('L-10: takes a passphrase in its window', async () => {
    const steps: PtyStep[] = [{ expect: 'passphrase' }, { sample: 'asked', unless: true }, { send: 'correct horse\r' }]
    const ran = await inTerminal(there.home, words, steps, { pipes: true, environment: await environment('curses') })
    expect(ran).toMatchObject({ status: 0, stderr: '' })
    expect(ran.terminal).not.toContain('correct')
  })

  it('says that nobody answered where the question is cancelled', async () => {
    const steps: PtyStep[] = [{ expect: 'passphrase' }, { sample: 'asked', unless: true }, { send: '\t\t\r' }]
    const ran = await inTerminal(there.home, words, steps, { pipes: true, environment: await environment('curses') })
    expect(ran.stderr).toContain('no answer was given to the question for the passphrase of keyset "')
    expect(ran.status).toBe(1)
  })

  it('F-W05: is an error at once where it has neither window nor terminal', async () => {
    const ran = await there.home.run(words, { environment: await environment('curses') })
    expect(ran.stderr).toMatch(/^hardkey: error: the pinentry ".*pinentry-curses" could not ask: .*\n/)
    expect(ran.stderr).toContain('hardkey: hint: one without a window needs GPG_TTY')
  })
})
