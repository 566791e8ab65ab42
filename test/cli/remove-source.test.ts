// `import --remove-source` where the plaintext is not to be removed: before the check-in it is refused, after it what was done is told.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Rotating } from '../rotation/rotating.ts'
import type { Ran } from './hardkey.ts'

let at: Rotating
beforeAll(async () => {
  at = await Rotating.make()
})
afterAll(() => at.remove())

const header = 'Access key ID,Secret access key'
/** The line of the first key in a CSV. */
const line = (): string => `${at.first},${at.iam.keys.get(at.first)?.secret}`

/** `hardkey import again --from csv:keys.csv --remove-source`. */
async function importCsv(text: string): Promise<Ran> {
  const passphrase = at.home.write('passphrase', 'correct horse\n')
  at.home.write('keys.csv', text)
  const to = `tink:file=again.keyset.json?kek=passphrase:&pin-source=file:${passphrase}`
  const from = ['--from', 'csv:keys.csv', '--remove-source', '--access-key-id', at.first]
  const settings = ['--region', 'eu-west-1', '--endpoint-url', at.iam.url]
  return await at.home.run(['import', 'again', '--to', to, ...from, ...settings])
}

describe('--remove-source', () => {
  it('is refused before anything is done where the file holds more than the key', async () => {
    const ran = await importCsv(`${header}\n${line()}\nAKIAOTHER,other\n`)
    expect(ran).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('keys.csv holds other lines') })
    expect([at.keysets(), at.iam.calls]).toEqual([['prod.keyset.json'], []])
  })

  it('that fails after the check-in keeps nobody from hearing that the key is in', async () => {
    at.iam.fault = ({ action }) => {
      if (action === 'GetCallerIdentity') at.home.write('keys.csv', `${header}\nAKIAOTHER,other\n`)
      return undefined
    }
    const ran = await importCsv(`${header}\n${line()}\n`)
    expect(ran.stderr).toContain('hardkey: error: keys.csv does not hold this access key')
    expect([ran.status, ran.stdout]).toEqual([2, expect.stringContaining(`checked in  ${at.first} as again`)])
    expect(ran.stdout).not.toContain('removed')
    expect(existsSync(join(at.home.folder, 'keys.csv'))).toBe(true)
  })
})
