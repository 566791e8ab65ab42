// The word that was probably meant.

import { expect, it } from 'vitest'
import { didYouMean } from '../../src/key/did-you-mean.ts'

const words = ['token', 'object', 'pin-source', 'file', 'inspect']

it.each([
  ['tokn', 'token'],
  ['obejct', 'object'],
  ['TOKEN', 'token'],
  ['pin-sorce', 'pin-source'],
  ['fil', 'file'],
  ['insp', 'inspect'],
])('takes %s for %s', (word, meant) => {
  expect(didYouMean(word, words)).toBe(meant)
})

it.each(['', 'x', 'colour', 'flie2x', 'to'])('takes %j for nothing', (word) => {
  expect(didYouMean(word, words)).toBeUndefined()
})
