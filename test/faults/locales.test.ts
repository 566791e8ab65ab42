// The command in another locale, time zone or a very long environment (F-W10): not a byte of what it prints changes.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CheckedIn } from '../cli/checked-in.ts'
import type { Ran } from '../cli/hardkey.ts'

let there: CheckedIn
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterAll(() => there.remove())

describe('another locale', () => {
  const long = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`LONG_${n}`, 'x'.repeat(4000)]))
  const surroundings: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'LC_ALL=C': { LC_ALL: 'C', LANG: 'C' },
    Turkish: { LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8', LANGUAGE: 'tr' },
    'Arabic digits': { LC_ALL: 'ar_EG.UTF-8', LANG: 'ar_EG.UTF-8' },
    'another time zone': { TZ: 'Pacific/Kiritimati' },
    '800 KB of variables': long,
  }
  const runs = [
    ['help'],
    ['list', '--json'],
    ['inspect', 'prod'],
    ['whoami', 'prod'],
    ['IMPORT', 'prod'],
    ['presign', 'prod', 'https://s3.eu-west-1.amazonaws.com/%C4%B0stanbul/%C4%B1?q=I%C4%B0', '--expires', '1h'],
    ['credential-process', 'prod', '--role-arn', 'arn:aws:iam::111122223333:role/IİıI'],
  ]

  it.each(Object.entries(surroundings))(
    'F-W10: %s changes no byte of what the command prints',
    async (_name, added) => {
      for (const words of runs) {
        const [plain, other] = [await there.home.run(words), await there.home.run(words, { environment: added })]
        expect([words, withoutTime(other)]).toEqual([words, withoutTime(plain)])
      }
    },
  )

  /** The moment of signing, and what it changes. */
  function withoutTime({ status, stdout, stderr }: Ran): Ran {
    const stable = stdout.replace(/(X-Amz-(Date|Signature)=)[^&\s]+/g, '$1')
    return { status, stdout: stable, stderr: stderr.replace(/ends at \S+Z/, 'ends at') }
  }
})
