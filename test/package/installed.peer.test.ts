// The packed package in an empty folder, installed with scripts switched off, with and without the optional koffi: on
// each Node every subpath loads, the command runs, and both start the PKCS#11 child. Its types need those of Node alone.

import { type ExecFileSyncOptionsWithStringEncoding, execFileSync, spawnSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../laws/tree.ts'
import { builtEnvironment, peer } from '../peers/peer.ts'
import { type SoftHsm, softHsm, testPin } from '../peers/softhsm.ts'
import { installPacked, packInto } from './pack.ts'
import { publicNames } from './public-names.ts'

const folder = mkdtempSync(join(tmpdir(), 'hardkey-package-'))
const bare = join(folder, 'bare')
const withKoffi = join(folder, 'with-koffi')
const command = join('node_modules', 'hardkey', 'dist', 'cli', 'hardkey.cjs')
const pinFile = join(folder, 'pin')
const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYzEXAMPLEKE'
let hsm: SoftHsm

beforeAll(async () => {
  hsm = await softHsm()
  writeFileSync(pinFile, testPin, { mode: 0o600 })
  const packed = packInto(folder)
  installPacked(packed, bare, ['--omit=optional'])
  installPacked(packed, withKoffi)
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
  hsm?.remove()
})

it('S-01: is one package without the optional ones', () => {
  expect(readdirSync(join(bare, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['hardkey'])
})

it.each(['nodenext', 'bundler'])('has types that compile by module resolution "%s"', (resolution) => {
  const uses = [...publicNames()].map(([subpath, names], index) => {
    const list = names.map(({ name }) => name).join(', ')
    return `import type { ${list} } from '${subpath}'\nexport type Used${index} = [${typeUses(names)}]\n`
  })
  for (const [index, text] of uses.entries()) writeFileSync(join(bare, `use-${index}.mts`), text)
  const options = [`--moduleResolution ${resolution}`, `--module ${resolution === 'bundler' ? 'esnext' : resolution}`]
  const strict = '--noEmit --strict --exactOptionalPropertyTypes --target es2022 --lib es2023,esnext.disposable'
  const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules', '@types')]
  const args = [...options, strict].flatMap((text) => text.split(' '))
  const files = uses.map((_, index) => `use-${index}.mts`)
  const tsc = join(root, 'node_modules', '.bin', 'tsc')
  expect(spawnSync(tsc, [...args, ...types, ...files], { cwd: bare, encoding: 'utf8' }).stdout).toBe('')
})

describe.each(['node20', 'node22', 'node24', 'node26'] as const)('on %s', (name) => {
  let node = ''
  beforeAll(async () => {
    node = (await peer(name)).command
  })
  const run = (cwd: string, args: string[], options: Partial<ExecFileSyncOptionsWithStringEncoding> = {}) => {
    const env = builtEnvironment({ HOME: folder, HARDKEY_HOME: join(cwd, name), ...hsm.environment })
    return execFileSync(node, args, { cwd, env, encoding: 'utf8', ...options }).trim()
  }
  const importInto = (cwd: string) => {
    const to = `pkcs11:token=${name};object=aws?module-path=${hsm.module}`
    const words = ['import', 'prod', '--to', to, '--from', 'stdin', '--offline', '--pin-source', `file:${pinFile}`]
    const args = [command, ...words, '--access-key-id', 'AKIAIOSFODNN7EXAMPLE']
    return run(cwd, args, { input: secret, stdio: ['pipe', 'pipe', 'pipe'] })
  }

  it.each([...publicNames()])('loads %s by import and by require', (subpath, names) => {
    const values = names.filter(({ isType }) => !isType).map((entry) => entry.name)
    const print =
      ".then((module) => console.log(Object.keys(module).filter((key) => key !== 'module.exports').sort().join()))"
    for (const form of [`import('${subpath}')`, `Promise.resolve(require('${subpath}'))`]) {
      expect(run(bare, ['--no-warnings', '-e', `${form}${print}`])).toBe(values.join())
    }
  })

  it('has one HardkeyError whichever subpath throws it, and a stack that names places', () => {
    const program = `const { HardkeyError, KeyUri } = await import('hardkey')
      const { HardkeyError: required } = require('hardkey')
      const { tinkBackend } = require('hardkey/backends/tink')
      const uri = KeyUri.parse('tink:file=/nowhere?kek=passphrase:')
      const error = await tinkBackend().open(uri, { pin: async () => Buffer.from('a') }).catch((error) => error)
      const { name } = error.constructor
      console.log([required === HardkeyError, error instanceof HardkeyError, name, String(error).split(':')[0]].join())
      // Each statement has a line, so these are lines of two functions.
      const lines = [...error.stack.matchAll(/chunks.tink.*?cjs:(\\d+)/g)].map(([, line]) => line)
      console.log(new Set(lines).size > 1)`
    const wrapped = `const run = async () => { ${program} }; run()`
    expect(run(bare, ['--no-warnings', '-e', wrapped])).toBe('true,true,HardkeyError,HardkeyError\ntrue')
  })

  it.each([bare, withKoffi])('S-02: runs the command in %s', (cwd) => {
    const version = run(cwd, ['-p', "require('hardkey/package.json').version"])
    expect(run(cwd, [command, '--version'])).toContain(version)
  })

  it('S-02: checks a secret in by the child of the command, and computes with it by the child of the library', async () => {
    await hsm.addToken(name)
    importInto(withKoffi)
    const record = join(withKoffi, name, 'keys', 'prod.json')
    const program = `import { openRecord } from 'hardkey'
      const pin = async () => Buffer.from('${testPin}')
      const { key } = await openRecord('${record}', { pin })
      console.log(Buffer.from(await key.hmac(Buffer.from('20150830'))).toString('hex'))
      await key.close()`
    const expected = createHmac('sha256', `AWS4${secret}`).update('20150830').digest('hex')
    expect(run(withKoffi, ['--input-type=module', '-e', program])).toBe(expected)
  })

  it('says what to install where koffi is missing', () => {
    expect(() => importInto(bare)).toThrow('npm install koffi')
  })
})

/** A type's own use needs no type arguments where it has none; a value is used by its type. */
function typeUses(names: readonly { readonly name: string; readonly isType: boolean }[]): string {
  return names.map(({ name, isType }) => (isType ? name : `typeof ${name}`)).join(', ')
}
