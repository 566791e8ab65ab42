// Where the code of an MFA device comes from: an option, a program, a person. STS on loopback refuses 000000 as a wrong code.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CheckedIn, role } from './checked-in.ts'
import type { Ran } from './hardkey.ts'
import { script } from './programs.ts'

const serial = 'arn:aws:iam::111122223333:mfa/me'
let there: CheckedIn
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterAll(() => there.remove())

const ask = (options: readonly string[], environment: Record<string, string> = {}): Promise<Ran> =>
  there.home.run(['credential-process', 'prod', '--role-arn', role, ...options], { environment })
const withMfa = (options: readonly string[], environment: Record<string, string> = {}): Promise<Ran> =>
  ask(['--mfa-serial', serial, ...options], environment)
const given = { status: 0, stderr: '' }

describe('an MFA code', () => {
  it('is given by --token-code', async () => {
    expect(await withMfa(['--token-code', '123456'])).toMatchObject(given)
  })

  it('F-H17: is sent once where STS refuses it', async () => {
    const before = there.sts.accepted() + there.sts.refused()
    const ran = await withMfa(['--token-code', '000000'])
    expect(ran).toMatchObject({ status: 1, stdout: '' })
    expect(there.sts.accepted() + there.sts.refused() - before).toBe(1)
  })

  it('is printed by the program of --mfa-process, which no shell runs', async () => {
    const program = script(there.home, 'a code', ['test "$1" = "the key" && echo 123456'])
    expect(await withMfa(['--mfa-process', `'${program}' "the key"`])).toMatchObject(given)
  })

  it('is printed by mfa_process of the AWS profile', async () => {
    const program = script(there.home, 'code', ['echo 123456'])
    const config = there.home.write('config', `[default]\nmfa_process = ${program}\n`)
    expect(await withMfa([], { AWS_CONFIG_FILE: config })).toMatchObject(given)
  })

  it('is typed into an askpass program, which is told the device', async () => {
    const program = script(there.home, 'askpass', ['echo "$1" > "$0.told"; echo 123456'])
    expect(await withMfa([], { HARDKEY_ASKPASS: program })).toMatchObject(given)
    expect(there.home.read('askpass.told')).toBe(`MFA code of ${serial}: \n`)
  })
})

describe('without a code', () => {
  it('F-W05: nothing is asked, and the ways are named', async () => {
    const ran = await withMfa([])
    expect(ran).toMatchObject({ status: 1, stdout: '' })
    expect(ran.stderr).toBe(
      `hardkey: error: there is no terminal to ask for the code of ${serial}\n` +
        'hardkey: hint: give --token-code CODE or --mfa-process COMMAND, set HARDKEY_ASKPASS, or run the AWS tool from a terminal\n',
    )
  })

  it.each([
    ['prints no code', 'echo hello', 'does not print six digits'],
    ['prints a code with more', 'echo 123456 left', 'does not print six digits'],
    ['fails', 'exit 3', 'ended with status 3'],
  ])('a program that %s is an error that names it', async (_, line, fault) => {
    const program = script(there.home, 'faulty', [line])
    const ran = await withMfa(['--mfa-process', program, '--verbose'])
    expect(ran.stderr).toContain(`hardkey: error: the MFA program "${program}" ${fault}\n`)
    expect(ran.stderr).toContain('hardkey: code: ERR_MFA_REQUIRED\n')
  })
})

describe('B-049: refused before a device is opened is', () => {
  it.each([
    ['a code that is none', ['--mfa-serial', serial, '--token-code', '12345'], '--token-code is not six digits'],
    ['a code for no device', ['--token-code', '123456'], '--token-code is for an MFA device, and none is named'],
    ['a program for no device', ['--mfa-process', 'code'], '--mfa-process is for an MFA device, and none is named'],
    [
      'both ways',
      ['--mfa-serial', serial, '--token-code', '123456', '--mfa-process', 'x'],
      'contradicts --mfa-process',
    ],
    ['a pipe', ['--mfa-serial', serial, '--mfa-process', 'a | b'], 'one plain command (from --mfa-process)'],
  ])('%s', async (_, options, message) => {
    const ran = await ask(options)
    expect(ran.stderr).toMatch(/^hardkey: error: .*\nhardkey: hint: .*\n$/)
    expect(ran.stderr).toContain(message)
    expect(ran.status).toBe(2)
  })
})
