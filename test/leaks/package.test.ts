// What is published, and what a run of the tests leaves behind for others to read: nothing shaped like a real key, no
// secret of the tests, no source map. L-11.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../files/temporary-folder.ts'
import { root } from '../laws/tree.ts'
import { packInto } from '../package/pack.ts'
import { leakCount } from './counts.ts'
import { Scanner } from './scanner.ts'

const count = leakCount('L-11: the packed package and what test runs leave')

/** AWS's own examples, which its documentation shows in these forms, and the ID that the demo of the README made up. */
const examples = [
  'AKIAIOSFODNN7EXAMPLE',
  'ASIAIOSFODNN7EXAMPLE',
  'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  'AKIAQMENQZZQQYODDB3C',
]
const shapes: readonly (readonly [string, RegExp])[] = [
  ['an access key ID', /(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Z0-9])/g],
  ['a secret access key', /(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=_-])/g],
  // The line alone stands in code that looks for it.
  ['a private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----\s+(?:Proc-Type|[A-Za-z0-9+/]{16})/g],
  ['a token of npm or GitHub', /\b(?:npm_[A-Za-z0-9]{36}|gh[pousr]_[A-Za-z0-9]{36,})\b/g],
]

/** What is shaped like a key, by its kind; the text itself is not shown. */
function shaped(text: string): readonly string[] {
  return shapes.flatMap(([name, shape]) =>
    (text.match(shape) ?? []).filter((found) => !examples.includes(found) && looksRandom(name, found)).map(() => name),
  )
}

/** Forty characters of a real secret have small and capital letters and digits; a hash in hex or a path has not. */
function looksRandom(name: string, found: string): boolean {
  if (name !== 'a secret access key') return true
  return /[a-z]/.test(found) && /[A-Z]/.test(found) && /[0-9]/.test(found) && new Set(found).size > 20
}

const testSecrets = new Scanner({
  'the PIN of the tests': Buffer.from(['canary', 'pin', '8431'].join('-')),
  'the passphrase of the tests': Buffer.from(['correct', 'horse'].join(' ')),
})

const unpacked = (file: string): string => gunzipSync(readFileSync(file)).toString('latin1')

it('L-11: the packed package holds no secret of the tests and nothing shaped like a key', () => {
  const text = unpacked(packInto(temporaryFolder()))
  expect(text).toContain('HardkeyError')
  expect(shaped(text)).toEqual([])
  expect(count.look(testSecrets, Buffer.from(text, 'latin1'))).toEqual([])
})

it('L-11: the packed package has no source map, inside or beside its files', () => {
  expect(unpacked(packInto(temporaryFolder()))).not.toMatch(/sourceMappingURL=|\.map\0/)
})

it('L-11: what a run of the tests leaves behind holds nothing shaped like a key', () => {
  const folders = ['.peers', '.peers/log', '.peers/state', 'docs'].map((name) => join(root, name))
  const files = folders.filter(existsSync).flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(json|log|md)$/.test(entry.name))
      .map((entry) => join(folder, entry.name)),
  )
  const found = files.flatMap((file) => {
    const content = readFileSync(file)
    const kinds = [...shaped(content.toString('latin1')), ...count.look(testSecrets, content).map(({ item }) => item)]
    return kinds.map((kind) => `${kind} in ${file}`)
  })
  expect(found).toEqual([])
})

it('L-11: a key, a private key and a secret of the tests that are packed by mistake are found', () => {
  const tree = temporaryFolder()
  mkdirSync(join(tree, 'dist'))
  cpSync(join(root, 'package.json'), join(tree, 'package.json'))
  const key = ['AKIAQ3EGRZ5UXAM', 'PLE2A'].join('')
  const secret = ['qV7mE0cPzW3sKf9XnT2b', 'Lr8YhJd5GuAo1RiBt/6+'].join('')
  const pin = Buffer.from(['canary', 'pin', '8431'].join('-')).toString('base64')
  const lines = [key, secret, pin, ['-----BEGIN EC', 'PRIVATE KEY-----'].join(' '), 'MHcCAQEEIAAAAAAA']
  writeFileSync(join(tree, 'dist', 'left.js'), `${lines.join('\n')}\n//# source${'MappingURL'}=left.js.map\n`)
  const text = unpacked(packInto(tree, tree))
  expect(shaped(text)).toEqual(['an access key ID', 'a secret access key', 'a private key'])
  expect(count.control(testSecrets, Buffer.from(text, 'latin1')).length).toBe(1)
  expect(text).toMatch(/sourceMappingURL=/)
})
