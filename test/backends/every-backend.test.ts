// The list by which tests walk every backend is complete.

import { expect, it } from 'vitest'
import { backendList } from '../../src/backends/list.ts'
import { everyBackend } from './every-backend.ts'

it('has a way to open a key of every scheme that openKey knows', () => {
  const schemes = everyBackend.map(({ scheme }) => scheme).filter((scheme) => scheme !== 'memory')
  expect(schemes.sort()).toEqual(backendList.map(({ scheme }) => scheme).sort())
})
