// New content in the place of the old: F-D01, F-D02, F-D04.

import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { replaceAtomically } from '../../src/files/replace-atomically.ts'
import { temporaryFolder } from './temporary-folder.ts'

const bytes = new TextEncoder().encode('new')

describe('replacing a file', () => {
  it('makes it with mode 0600 and the folders above with 0700', async () => {
    const path = join(temporaryFolder(), 'keys', 'prod.json')
    await replaceAtomically(path, bytes)
    expect([statSync(path).mode & 0o777, statSync(join(path, '..')).mode & 0o777]).toEqual([0o600, 0o700])
  })

  it('leaves the new content and nothing beside it', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'file'), 'old')
    await replaceAtomically(join(folder, 'file'), bytes)
    expect([readFileSync(join(folder, 'file'), 'utf8'), readdirSync(folder)]).toEqual(['new', ['file']])
  })

  it('gives the file that a reader opened before in its old form', async () => {
    const path = join(temporaryFolder(), 'file')
    writeFileSync(path, 'old')
    const inode = statSync(path).ino
    await replaceAtomically(path, bytes)
    expect(statSync(path).ino).not.toBe(inode)
  })

  it('writes to where a link points', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'target'), 'old')
    symlinkSync('target', join(folder, 'link'))
    await replaceAtomically(join(folder, 'link'), bytes)
    expect(readFileSync(join(folder, 'target'), 'utf8')).toBe('new')
  })

  it('replaces the link itself where links are not followed', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'target'), 'old')
    symlinkSync('target', join(folder, 'link'))
    await replaceAtomically(join(folder, 'link'), bytes, { followLinks: false })
    expect([lstatSync(join(folder, 'link')).isFile(), readFileSync(join(folder, 'target'), 'utf8')]).toEqual([
      true,
      'old',
    ])
  })

  it('keeps the file that is there when it must not overwrite', async () => {
    const path = join(temporaryFolder(), 'file')
    writeFileSync(path, 'old')
    const writing = replaceAtomically(path, bytes, { overwrite: false })
    await expect(writing).rejects.toMatchObject({ serviceCode: 'EEXIST' })
    expect(readFileSync(path, 'utf8')).toBe('old')
  })

  it('makes a file that is not there when it must not overwrite', async () => {
    const folder = temporaryFolder()
    await replaceAtomically(join(folder, 'file'), bytes, { overwrite: false })
    expect(readdirSync(folder)).toEqual(['file'])
  })

  it('removes what a write killed long ago left behind, and no other file', async () => {
    const folder = temporaryFolder()
    for (const name of ['.file.new-1-1', '.file.new-2-2', '.other.new-1-1']) writeFileSync(join(folder, name), '')
    utimesSync(join(folder, '.file.new-1-1'), 1, 1)
    await replaceAtomically(join(folder, 'file'), bytes)
    expect(readdirSync(folder).sort()).toEqual(['.file.new-2-2', '.other.new-1-1', 'file'])
  })
})

describe('a write that fails', () => {
  it('is refused where others could write the folder', async () => {
    const folder = temporaryFolder()
    chmodSync(folder, 0o777)
    const writing = replaceAtomically(join(folder, 'file'), bytes, { code: 'ERR_CACHE_UNSAFE' })
    await expect(writing).rejects.toMatchObject({
      code: 'ERR_CACHE_UNSAFE',
      message: /the folder ".*" is writable by others/,
    })
  })

  it('keeps the old file and leaves nothing beside it', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'file', 'below'), { recursive: true })
    await expect(replaceAtomically(join(folder, 'file'), bytes)).rejects.toMatchObject({ serviceCode: 'EISDIR' })
    expect(readdirSync(folder)).toEqual(['file'])
  })

  it('ends where no folder can be made, though the one above is there', async () => {
    const writing = replaceAtomically('/proc/none/below/file', bytes)
    await expect(writing).rejects.toMatchObject({ serviceCode: 'ENOENT' })
  })

  it('says so when a part of the path is a file', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'file'), '')
    const writing = replaceAtomically(join(folder, 'file', 'below'), bytes)
    await expect(writing).rejects.toThrow(/^cannot write ".*": a part of its path is not a folder$/)
  })
})

it('makes the file with the mode that was asked for', async () => {
  const path = join(temporaryFolder(), 'config')
  await replaceAtomically(path, bytes, { mode: 0o644 })
  expect(statSync(path).mode & 0o777).toBe(0o644)
})
