// What holds for every file of the repository, on the tree as it is and on planted breaches. Law 4 is here too.

import { expect, it } from 'vitest'
import {
  contractBreaches,
  folderBreaches,
  licenceBreaches,
  lockBreaches,
  manifestBreaches,
  silenceBreaches,
  wordBreaches,
} from './repository.ts'
import { filesUnder, pathsUnder, planted } from './tree.ts'

const tests = () => filesUnder('test', /\.ts$/)
const textOf = (path: string) => filesUnder('.', new RegExp(`^${path}$`))[0]?.text ?? ''

it('names no registry, no path of one machine and no foreign word', () => {
  const binary = /\.(?:bin|gz|tar|png)$/
  expect(wordBreaches(filesUnder('.', /./).filter((file) => !binary.test(file.path)))).toEqual([])
})

it.each([
  ['registry', ['https://registry', 'npmjs', 'org/x'].join('.')],
  ['path', ['see ', 'work', 'main'].join('/')],
  ['home', ['see ', 'root', '.cargo'].join('/')],
  ['word', ['TO', 'DO: later'].join('')],
])('sees a %s', (_, text) => {
  expect(wordBreaches(planted('docs/a.md', text))).toHaveLength(1)
})

it('S-03: keeps addresses of registries out of the lock file', () => {
  expect(lockBreaches(textOf('package-lock.json'))).toEqual([])
})

it('sees an address in the lock file', () => {
  expect(lockBreaches('{ "resolved": "https://example.com/a.tgz" }')).toHaveLength(1)
})

it('S-17: keeps licence and notice beside every folder of vectors', () => {
  expect(licenceBreaches(pathsUnder('test/vectors'))).toEqual([])
})

it('sees vectors without licence and notice', () => {
  expect(licenceBreaches(['test/vectors/suite/a.json'])).toHaveLength(2)
})

it('names every folder in ARCHITECTURE.md', () => {
  const paths = ['src', 'test'].flatMap(pathsUnder)
  expect(folderBreaches(paths, textOf('ARCHITECTURE.md'))).toEqual([])
})

it('sees a folder that ARCHITECTURE.md does not name', () => {
  const paths = ['src/key/uri.ts', 'src/cli/tools/a.ts', 'test/odds/a.test.ts']
  expect(folderBreaches(paths, '`src/key/` holds keys, `a.ts` nothing')).toHaveLength(2)
})

it('runs the one contract on every backend', () => {
  expect(contractBreaches(pathsUnder('src/backends'), tests())).toEqual([])
})

it('sees a backend that the contract does not run on', () => {
  const others = planted('test/backends/memory.test.ts', 'describeHmacKey(')
  expect(contractBreaches(['src/backends/vault/backend.ts'], others)).toHaveLength(1)
})

it('leaves no test out in silence', () => {
  expect(silenceBreaches(tests())).toEqual([])
})

it.each(['it.skip(', 'describe.only(', 'test.todo('])('sees %s', (text) => {
  expect(silenceBreaches(planted('test/key/a.test.ts', text))).toHaveLength(1)
})

it('S-01, S-02, S-03: installs nothing, builds nothing, and pins its tools', () => {
  expect(manifestBreaches(JSON.parse(textOf('package.json')))).toEqual([])
})

it('sees a hook, a dependency and a range', () => {
  const manifest = {
    scripts: { postinstall: 'node x.mjs' },
    dependencies: { koffi: '1.0.0' },
    devDependencies: { vitest: '^4.0.0' },
  }
  expect(manifestBreaches(manifest)).toHaveLength(3)
})
