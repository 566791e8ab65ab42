// `hardkey forget --from-device` where two records are of one object, on a token and in a transit engine; a keyset and a TPM:
// forget-shared.test.ts, transcripts-tpm2/persistent.txt.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Situation } from '../leaks/situation.ts'
import type { Ran } from './hardkey.ts'

/** The same object by fewer names than the record of the import has, and by more. */
const ways = (uri: string): readonly (readonly [string, string])[] => [
  ['as it was imported', uri],
  [
    'by other names',
    uri.replace(';object=prod', ';object=prod;type=secret-key').replace(':key=prod', ':key=prod;mount=transit'),
  ],
]

describe.each(['token', 'service'] as const)('a key of two records in a %s', (kind) => {
  let at: Situation
  const run = (words: readonly string[], input?: string): Promise<Ran> =>
    at.home.run(words, { environment: at.environment(), input })
  const works = async (name: string): Promise<boolean> => (await run(['whoami', name])).status === 0
  beforeAll(async () => {
    at = await Situation.make(kind)
  })
  afterAll(() => at?.remove())

  it.each([0, 1])('is not destroyed with one of them, named in way %i', async (way) => {
    expect(await run(at.importWords('prod', 'stdin'), at.key.secretAccessKey)).toMatchObject({ status: 0 })
    const to = ways(at.uri('prod'))[way]?.[1] ?? ''
    const words = at.importWords('again', 'device').with(3, to)
    expect(await run(words)).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('the record prod is of this key too'),
    })
    const refused = await run(['forget', 'again', '--from-device', '--yes'])
    expect(refused).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining('also that of the record prod'),
    })
    expect([await works('prod'), await works('again')]).toEqual([true, true])
    expect(await run(['forget', 'prod'])).toMatchObject({ status: 0 })
    const { stdout } = await run(['forget', 'again', '--from-device', '--yes'])
    expect(stdout).toContain('the key in the device: removed')
  })
})
