// Laws 1 to 3 on the tree as it is, and each on a planted breach.

import { expect, it } from 'vitest'
import {
  backendFolderBreaches,
  eagerBackendBreaches,
  layerBreaches,
  prefixBreaches,
  signingChainBreaches,
} from './layers.ts'
import { planted, sources } from './tree.ts'

it('imports only from folders above in the order of reading', () => {
  expect(layerBreaches(sources())).toEqual([])
})

it.each([
  ['upwards', 'src/key/uri.ts', "import { x } from '../sigv4/signer.ts'"],
  ['upwards as a type', 'src/http/client.ts', "import type { Secret } from '../key/secret.ts'"],
  ['from a backend into sigv4', 'src/backends/tink/kek.ts', "import { x } from '../../sigv4/signer.ts'"],
  ['from one backend into another', 'src/backends/tink/kek.ts', "import { x } from '../pkcs11/frames.ts'"],
  ['from a backend into open.ts', 'src/backends/tink/kek.ts', "import { x } from '../open.ts'"],
  ['a device into sts', 'src/sts/client.ts', "import { openKey } from '../backends/open.ts'"],
  ['behind import()', 'src/credentials/provider.ts', "const x = await import('../backends/open.ts')"],
  ['over several lines', 'src/sigv4/signer.ts', "import {\n  a,\n  b,\n} from '../backends/open.ts'"],
  ['from a folder that nobody knows', 'src/tools/a.ts', "import { x } from '../errors.ts'"],
  ['sigv4 into the STS of the demo', 'src/cli/demo/loopback-sts.ts', "import { x } from '../../sigv4/signer.ts'"],
])('sees an import %s', (_, path, text) => {
  expect(layerBreaches(planted(path, text))).toHaveLength(1)
})

it('lets a backend take from the four folders that it needs', () => {
  const text = ['errors.ts', 'http/client.ts', 'files/read-own-file.ts', 'key/secret.ts'].map(
    (target) => `import { x } from '../../${target}'`,
  )
  expect(layerBreaches(planted('src/backends/tink/kek.ts', text.join('\n')))).toEqual([])
})

it('loads a backend when it is opened', () => {
  expect(eagerBackendBreaches(sources())).toEqual([])
})

it('sees a backend loaded with the list', () => {
  const text = "import { tinkBackend } from './tink/backend.ts'"
  expect(eagerBackendBreaches(planted('src/backends/list.ts', text))).toHaveLength(1)
})

it('has the same first files in every backend', () => {
  expect(backendFolderBreaches(sources())).toEqual([])
})

it('sees a backend without a table of its status codes and without an importer', () => {
  expect(backendFolderBreaches(planted('src/backends/vault/backend.ts', ''))).toHaveLength(2)
})

it('has the signing chain once', () => {
  expect([...signingChainBreaches(sources()), ...prefixBreaches(sources())]).toEqual([])
})

it('sees a second signing chain', () => {
  const text = "const scope = [date, region, service, 'aws4_request']"
  expect(signingChainBreaches(planted('src/sts/client.ts', text))).toHaveLength(1)
})

it.each(["'AWS4' + secret", '`AWS4${secret}`', "Buffer.from('AWS4')", "'AWS4'"])(
  'sees the prefix put on a second time as %s',
  (text) => {
    expect(prefixBreaches(planted('src/lifecycle/check-in.ts', `const key = ${text}`))).toHaveLength(1)
  },
)
