// The official vectors with a key in memory, through openKey as every other key.

import { expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory/backend.ts'
import { openKey } from '../../src/backends/open.ts'
import { describeOfficialVectors, officialKey } from './describe-official-vectors.ts'
import { officialCases } from './official-cases.ts'

it('walks all 38 official cases', () => {
  expect(officialCases()).toHaveLength(38)
})

describeOfficialVectors('a key in memory', () =>
  openKey('memory:', { pin: async () => officialKey(), backends: [memoryBackend()] }),
)
