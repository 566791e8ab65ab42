// Questions at a terminal: hidden, edited, interrupted.
// Each run has a pseudo-terminal of its own (L-10, F-W06).

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { softHsm, testPin } from '../../peers/softhsm.ts'
import { startSwtpm } from '../../peers/swtpm.ts'
import { CheckedIn } from '../checked-in.ts'
import { CommandHome, throwAwayKey } from '../hardkey.ts'
import { inTerminal, type PtyRan, type PtyStep } from '../pty.ts'

let home: CommandHome
beforeEach(() => {
  home = new CommandHome()
})
afterEach(() => home.remove())

const { accessKeyId, secretAccessKey } = throwAwayKey()
const importEmbedded = ['import', 'prod', '--to', 'embedded', '--access-key-id', accessKeyId, '--offline']
const askedForSecret: readonly PtyStep[] = [
  { expect: `secret access key of ${accessKeyId}: ` },
  { sample: 'asked', unless: true },
]
const typedTwice = (kind: string): readonly PtyStep[] => [
  { expect: `new ${kind} for ` },
  { sample: kind, unless: true },
  { send: 'correct horse\r' },
  { expect: `the same ${kind} again: ` },
  { send: 'correct horse\r' },
]
const typedPassphrase = typedTwice('passphrase')

describe('the hidden prompt', () => {
  it('L-10: takes a secret and a passphrase that are never shown', async () => {
    const steps: PtyStep[] = [...askedForSecret, { send: `${secretAccessKey}\r` }, ...typedPassphrase]
    const ran = await inTerminal(home, importEmbedded, steps)
    expect(ran.status).toBe(0)
    expect(ran.echo).toEqual({ asked: false, passphrase: false, afterwards: true })
    expect(ran.terminal).not.toContain(secretAccessKey.slice(0, 8))
    expect(ran.terminal).not.toContain('correct')
    expect(ran.terminal).toContain(`checked in  ${accessKeyId} as prod`)
  })

  it('L-10: is asked on the terminal where the standard streams are pipes', async () => {
    const steps: PtyStep[] = [...askedForSecret, { send: `${secretAccessKey}\r` }, ...typedPassphrase]
    const ran = await inTerminal(home, [...importEmbedded, '--json'], steps, { pipes: true })
    expect(JSON.parse(ran.stdout)).toMatchObject({ name: 'prod', accessKeyId })
    expect(ran.stderr).not.toContain('passphrase for')
  })

  it('lets a person correct what was typed', async () => {
    const wrong = `${secretAccessKey}é\u007f`
    const lineAgain = `nonsense\u0015${wrong}\u001b[D\r`
    const ran = await inTerminal(home, importEmbedded, [...askedForSecret, { send: lineAgain }, ...typedPassphrase])
    expect(ran.terminal).toContain('checked in')
  })

  it('L-10: switches bracketed paste off', async () => {
    const ran = await inTerminal(home, importEmbedded, [...askedForSecret, { send: '\u0003' }])
    expect(ran.terminal).toContain('\u001b[?2004l')
  })

  it('B-005: refuses two lines that were pasted', async () => {
    const half = secretAccessKey.slice(0, 20)
    const ran = await inTerminal(home, importEmbedded, [...askedForSecret, { send: `${half}\r${half}\r` }])
    expect(ran.terminal).toContain('hardkey: error: two lines given, where one was asked for')
    expect(ran.status).toBe(2)
    expect(ran.echo.afterwards).toBe(true)
  })

  it('refuses two passphrases that differ, and leaves nothing', async () => {
    const steps: PtyStep[] = [
      ...askedForSecret,
      { send: `${secretAccessKey}\r` },
      { expect: 'new passphrase' },
      { send: 'correct horse\r' },
      { expect: 'again: ' },
      { send: 'battery staple\r' },
    ]
    const ran = await inTerminal(home, importEmbedded, steps)
    expect(ran.terminal).toContain('hardkey: error: the two passphrases differ')
    expect((await home.run(['list'])).stderr).toContain('no records')
  })
})

describe('a hidden prompt that does not end with an answer', () => {
  it.each([
    ['^C', { send: '\u0003' }, 130],
    ['SIGINT', { signal: 'SIGINT' }, 130],
    ['SIGTERM', { signal: 'SIGTERM' }, 143],
    ['SIGHUP', { signal: 'SIGHUP' }, 129],
  ] as const)(
    'F-W06, F-R09, L-10: after %s the echo is back and the status tells the signal',
    async (_, step, status) => {
      const ran = await inTerminal(home, importEmbedded, [...askedForSecret, { send: 'half of it' }, step])
      expect(ran.echo).toEqual({ asked: false, afterwards: true })
      expect(ran.status).toBe(status)
      expect(ran.terminal).not.toContain('error')
    },
  )
})

describe('a terminal whose window is closed', () => {
  it('F-W06: ends the command by SIGHUP, without a word and without a core', async () => {
    const ran = await inTerminal(home, importEmbedded, [...askedForSecret, { hangup: true }])
    // Minus one: killed by signal 1.
    expect(ran.status).toBe(-1)
  })

  it('F-W06: ends it with status 129 where the standard streams are pipes', async () => {
    const ran = await inTerminal(home, importEmbedded, [...askedForSecret, { hangup: true }], { pipes: true })
    expect([ran.status, ran.stdout, ran.stderr]).toEqual([129, '', ''])
  })
})

describe('a wait', () => {
  it('is explained to a person after a second', async () => {
    const silent = createServer()
    await once(silent.listen(0, '127.0.0.1'), 'listening')
    const { port } = silent.address() as AddressInfo
    const there = await CheckedIn.make()
    const words = ['whoami', 'prod', '--endpoint-url', `http://127.0.0.1:${port}/`]
    const ran = await inTerminal(there.home, words, [{ expect: 'hardkey: waiting: for STS' }, { signal: 'SIGINT' }])
    expect(ran.status).toBe(130)
    silent.close()
    await there.remove()
  })
})

describe('an answer without an end of line', () => {
  it('is ended at a terminal, so that the error stands on a line of its own', async () => {
    const there = await CheckedIn.make()
    const ran = await inTerminal(there.home, ['request', 'prod', 'GET', there.sts.url, '--service', 's3'], [])
    expect(ran.terminal).toContain('>\r\nhardkey: error: the service answered with HTTP 403')
    await there.remove()
  })
})

describe('an MFA code', () => {
  const serial = 'arn:aws:iam::111122223333:mfa/me'
  const asking = async (code: string): Promise<PtyRan> => {
    const there = await CheckedIn.make()
    const steps = [{ expect: `MFA code of ${serial}: ` }, { send: `${code}\r` }]
    const ran = await inTerminal(there.home, ['credential-process', 'prod', '--mfa-serial', serial], steps, {
      pipes: true,
    })
    await there.remove()
    return ran
  }

  it('is asked on the terminal, and only the session goes to standard output', async () => {
    const ran = await asking(' 123456 ')
    expect(JSON.parse(ran.stdout)).toMatchObject({ Version: 1 })
    expect(ran.status).toBe(0)
  })

  it('F-H17: is sent once, and a refused one is named', async () => {
    const ran = await asking('000000')
    expect(ran.stderr).toMatch(/^hardkey: error: .*\nhardkey: hint: .*MFA.*\n$/)
    expect([ran.stdout, ran.status]).toEqual(['', 1])
  })
})

describe('the auth value of a key in a TPM', () => {
  it('L-10: is typed twice when the key checks in, once when it is used, and never shown', async () => {
    const tpm = await startSwtpm()
    const environment = { TPM2TOOLS_TCTI: tpm.tcti }
    const words = ['import', 'typed', '--to', 'tpm2', '--auth', '--access-key-id', accessKeyId, '--offline']
    const twice = [...askedForSecret, { send: `${secretAccessKey}\r` }, ...typedTwice('auth value')]
    const imported = await inTerminal(home, words, twice, { environment })
    const once: PtyStep[] = [{ expect: 'auth value of key file "' }, { send: 'correct horse\r' }]
    const inspected = await inTerminal(home, ['inspect', 'typed'], once, { environment })
    await tpm.stop()
    expect([imported.status, inspected.status]).toEqual([0, 0])
    expect(imported.echo).toMatchObject({ asked: false, 'auth value': false })
    expect(imported.terminal + inspected.terminal).not.toContain('horse')
    expect(inspected.terminal).toContain('the same in the device')
  })
})

describe('a choice at the terminal', () => {
  it('offers the devices and the embedded keyset where --to is missing', async () => {
    const hsm = await softHsm()
    await hsm.addToken('prod')
    const words = ['import', 'prod', '--offline', '--access-key-id', accessKeyId]
    const steps: PtyStep[] = [
      { expect: 'token "prod"' },
      { expect: '2  an encrypted keyset on this machine' },
      { expect: 'check the key into which (1 to 2): ' },
      { send: '1\r' },
      { expect: `secret access key of ${accessKeyId}: ` },
      { sample: 'asked', unless: true },
      { send: `${secretAccessKey}\r` },
      { expect: 'PIN of token "prod"' },
      { sample: 'asked for the PIN', unless: true },
      { send: `${testPin}\r` },
    ]
    const ran = await inTerminal(home, words, steps, {
      environment: { ...hsm.environment, PKCS11_MODULE_PATH: hsm.module },
    })
    expect(ran.terminal).toContain('device      token "prod"')
    expect(ran.terminal).not.toContain(testPin)
    hsm.remove()
  })

  it('asks for the ID of the access key with echo', async () => {
    const words = ['import', 'prod', '--to', 'embedded', '--offline']
    const steps: PtyStep[] = [
      { expect: 'access key ID: ' },
      { sample: 'asked for the ID', unless: false },
      { send: `${accessKeyId}\r` },
      { expect: `secret access key of ${accessKeyId}: ` },
      { send: '\u0003' },
    ]
    expect((await inTerminal(home, words, steps)).echo).toMatchObject({ 'asked for the ID': true })
  })

  it('destroys nothing when the person says no', async () => {
    const secret = home.write('secret', secretAccessKey)
    home.write('passphrase', 'correct horse')
    const unlock = ['--pin-source', `file:${home.folder}/passphrase`]
    await home.run([...importEmbedded, '--from', 'stdin', ...unlock], { input: home.read('secret') })
    const question = `${accessKeyId}) in the device for ever, which does not end it at AWS (hardkey revoke prod) [y/N]: `
    const ran = await inTerminal(
      home,
      ['forget', 'prod', '--from-device', ...unlock],
      [{ expect: question }, { send: 'n\r' }],
    )
    expect(ran.status).toBe(1)
    expect(ran.terminal).toContain('nothing was changed')
    expect((await home.run(['list'])).stdout).toContain(accessKeyId)
    expect(secret).toContain(home.folder)
  })

  it('B-102: warns before credentials are shown on the terminal', async () => {
    const ran = await inTerminal(home, ['credential-process', 'none'], [])
    expect(ran.terminal).toContain('hardkey: warning: this shows credentials on the terminal')
  })

  it('B-102: refuses to read a secret from a terminal that would show it', async () => {
    const ran = await inTerminal(home, [...importEmbedded, '--from', 'stdin'], [])
    expect(ran.terminal).toContain('hardkey: error: the secret would be shown while it is typed')
  })
})
