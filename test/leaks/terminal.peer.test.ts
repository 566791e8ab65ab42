// Secrets that are typed at a terminal: the echo is off at every moment of the question, whatever happens meanwhile, and what
// was typed is nowhere on the screen nor in the files behind it. L-10.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inTerminal, type PtyRan, type PtyStep } from '../cli/pty.ts'
import { leakCount } from './counts.ts'
import type { Hit } from './scanner.ts'
import { Scanner } from './scanner.ts'
import { contentOf, Situation } from './situation.ts'

const passphrase = 'canary of a passphrase'
const count = leakCount('L-10: terminals, and files behind them')
let at: Situation
let scanner: Scanner
let runs = 0
beforeAll(async () => {
  at = await Situation.make('keyset')
  scanner = new Scanner({ ...at.items(), passphrase: Buffer.from(passphrase) })
})
afterAll(() => at.remove())

const words = (): readonly string[] => {
  runs += 1
  return ['import', `typed${runs}`, '--to', 'embedded', '--access-key-id', at.key.accessKeyId, '--offline']
}
const secret = (): string => at.key.secretAccessKey
const asked = (): readonly PtyStep[] => [
  { expect: `secret access key of ${at.key.accessKeyId}: ` },
  { watch: 'secret' },
]
const unwatched: PtyStep = { unwatch: true }
const typed = (label: string, text: string): readonly PtyStep[] => [
  { watch: label },
  { send: text },
  unwatched,
  { send: '\r' },
]
const passphrases: readonly PtyStep[] = [
  { expect: 'new passphrase for ' },
  ...typed('passphrase', passphrase),
  { expect: 'the same passphrase again: ' },
  ...typed('again', passphrase),
]

function seen(ran: PtyRan): readonly Hit[] {
  const files = at.files().map(contentOf)
  return [Buffer.from(ran.terminal), ...files].flatMap((bytes) => count.look(scanner, bytes))
}

const ways: readonly (readonly [string, () => readonly PtyStep[]])[] = [
  ['typed in one go', () => [{ send: secret() }]],
  [
    'typed slowly',
    () =>
      secret()
        .match(/.{1,8}/g)
        ?.flatMap((text): PtyStep[] => [{ send: text }, { expect: '' }]) ?? [],
  ],
  ['pasted with the marks of a paste', () => [{ send: `\u001b[200~${secret()}\u001b[201~` }]],
  ['corrected with backspace', () => [{ send: `${secret()}xyz` }, { send: '\u007f\u007f\b' }]],
  ['begun again', () => [{ send: `${secret()}${secret()}` }, { send: '\u0015' }, { send: secret() }]],
  [
    'typed while the window changes its size',
    () => [{ send: secret().slice(0, 20) }, { resize: [10, 20] }, { send: secret().slice(20) }, { resize: [50, 200] }],
  ],
]

describe('a secret that is typed', () => {
  it.each(ways)('L-10: and %s is never echoed, shown or written', async (_, steps) => {
    const ran = await inTerminal(at.home, words(), [...asked(), ...steps(), unwatched, { send: '\r' }, ...passphrases])
    expect(ran.terminal).toContain('checked in')
    expect(ran.echo).toEqual({ secret: false, passphrase: false, again: false, afterwards: true })
    expect(seen(ran)).toEqual([])
  })

  const exits: readonly (readonly [string, PtyStep, number])[] = [
    ['^C', { send: '\u0003' }, 130],
    ['SIGTERM', { signal: 'SIGTERM' }, 143],
    ['two lines at once', { send: 'x\ry\r' }, 2],
  ]
  it.each(exits)('L-10: and ended by %s is never shown, and the echo is back', async (_, exit, status) => {
    const ran = await inTerminal(at.home, words(), [...asked(), { send: secret().slice(0, 30) }, unwatched, exit])
    expect(ran.status).toBe(status)
    expect(ran.echo).toEqual({ secret: false, afterwards: true })
    expect(seen(ran)).toEqual([])
  })

  it('L-10: and typed at a question that is not hidden would be seen, and its echo too', async () => {
    const visible = ['import', 'visible', '--to', 'embedded', '--offline']
    const steps: PtyStep[] = [
      { expect: 'access key ID: ' },
      { watch: 'ID' },
      { send: secret() },
      unwatched,
      { send: '\u0003' },
    ]
    const ran = await inTerminal(at.home, visible, steps)
    expect(ran.echo.ID).toBe(true)
    expect(count.control(scanner, ran.terminal).length).toBeGreaterThan(0)
  })
})
