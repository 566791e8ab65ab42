// What a rotation asks a person before a key ends for ever. In: a question. Out: one line without its mark.

import { expect, it } from 'vitest'
import { questionText } from '../../../src/cli/texts/rotation-texts.ts'

it('tells when the old key was last used, to the second', () => {
  const use = { date: new Date('2026-11-20T08:00:00Z'), service: 's3', region: 'eu-west-1' }
  const question = {
    about: 'delete',
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    retired: '2026-11-24T12:00:00Z',
    use,
  } as const
  expect(questionText(question)).toBe(
    'AKIAIOSFODNN7EXAMPLE is inactive since 2026-11-24T12:00:00Z and was last used 2026-11-20T08:00:00Z by s3 in ' +
      'eu-west-1; delete it for ever, at AWS and in the device',
  )
})
