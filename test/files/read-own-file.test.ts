// What is read and what is refused: F-D02, B-027, B-040. Files of another user need root to be made.

import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isMissingFile } from '../../src/files/file-failure.ts'
import { type ReadOwnFileOptions, readOwnFile } from '../../src/files/read-own-file.ts'
import { temporaryFolder } from './temporary-folder.ts'

const asRoot = process.geteuid?.() === 0
const stranger = 12_345

/** Reads a fresh file after `change`; the options are those of a secret. */
async function readAfter(change: (path: string) => void, options: Partial<ReadOwnFileOptions> = {}): Promise<string> {
  const path = join(temporaryFolder(), 'file')
  writeFileSync(path, 'content', { mode: 0o600 })
  change(path)
  return Buffer.from(await readOwnFile(path, { maxBytes: 100, secret: true, ...options })).toString()
}

describe('a file of our own', () => {
  it('is read whole', async () => {
    expect(await readAfter(() => undefined)).toBe('content')
  })

  it('is read where it is empty', async () => {
    expect(await readAfter((path) => writeFileSync(path, ''))).toBe('')
  })

  it('is read through a link, as mounted secrets are', async () => {
    const link = join(temporaryFolder(), 'link')
    expect(await readAfter((path) => symlinkSync(path, link))).toBe('content')
  })

  it('comes in a buffer of its own, outside the pool', async () => {
    const path = join(temporaryFolder(), 'file')
    writeFileSync(path, 'content', { mode: 0o600 })
    const bytes = await readOwnFile(path, { maxBytes: 100 })
    expect(bytes.buffer.byteLength).toBe('content'.length + 1)
  })

  it('may be readable by all where it holds no secret', async () => {
    expect(await readAfter((path) => chmodSync(path, 0o644), { secret: false })).toBe('content')
  })
})

describe('B-040: a file is refused', () => {
  const refused: [string, (path: string) => void, RegExp][] = [
    [
      'readable by others',
      (path) => chmodSync(path, 0o604),
      /must hold a secret and is readable by others \(mode 0604\)$/,
    ],
    ['readable by its group', (path) => chmodSync(path, 0o640), /is readable by its group \(mode 0640\)$/],
    ['writable by others', (path) => chmodSync(path, 0o602), /is writable by others \(mode 0602\)$/],
    ['in a folder writable by others', (path) => chmodSync(join(path, '..'), 0o707), /the folder ".*" is writable by/],
    ['longer than the bound', (path) => writeFileSync(path, 'x'.repeat(101)), /has 101 bytes; at most 100 are read$/],
  ]
  it.each(refused)('when it is %s', async (_what, change, message) => {
    await expect(readAfter(change)).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID', message })
  })

  it('when it belongs to another user', async ({ skip }) => {
    skip(!asRoot, 'giving a file away needs root')
    const reading = readAfter((path) => chownSync(path, stranger, stranger))
    await expect(reading).rejects.toMatchObject({
      message: expect.stringMatching(/belongs to another user \(uid 12345\)$/),
      hint: expect.stringMatching(/: sudo chown "\$\(id -un\)" "[^"]+"$/),
    })
  })

  it('when the folder belongs to another user', async ({ skip }) => {
    skip(!asRoot, 'giving a folder away needs root')
    const reading = readAfter((path) => chownSync(join(path, '..'), stranger, stranger))
    await expect(reading).rejects.toThrow(/the folder ".*" belongs to another user \(uid 12345\)$/)
  })

  it('when it is a folder', async () => {
    const folder = temporaryFolder()
    await expect(readOwnFile(folder, { maxBytes: 1 })).rejects.toThrow(/is not a regular file$/)
  })

  it('when it is a FIFO, without waiting for a writer', async () => {
    const path = join(temporaryFolder(), 'fifo')
    execFileSync('mkfifo', [path])
    await expect(readOwnFile(path, { maxBytes: 1 })).rejects.toThrow(/is not a regular file$/)
  })

  it('when it is a device', async () => {
    await expect(readOwnFile('/dev/zero', { maxBytes: 1 })).rejects.toThrow('"/dev/zero" is not a regular file')
  })

  it('when it is a link and links are not followed', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'file'), '')
    symlinkSync(join(folder, 'file'), join(folder, 'link'))
    const reading = readOwnFile(join(folder, 'link'), { maxBytes: 1, followLinks: false })
    await expect(reading).rejects.toThrow(/it is a symbolic link$/)
  })

  it('when a link in a shared folder belongs to another user', async ({ skip }) => {
    skip(!asRoot, 'making a link of another user needs root')
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'shared'))
    chmodSync(join(folder, 'shared'), 0o1777)
    writeFileSync(join(folder, 'file'), '')
    const link = join(folder, 'shared', 'link')
    symlinkSync(join(folder, 'file'), link)
    execFileSync('chown', ['-h', String(stranger), link])
    await expect(readOwnFile(link, { maxBytes: 1 })).rejects.toThrow(/shared\/link" belongs to another user/)
  })
})

describe('a file that is not there', () => {
  it('is told apart from one that cannot be read', async () => {
    const failure = await readOwnFile(join(temporaryFolder(), 'none'), { maxBytes: 1 }).catch((error: unknown) => error)
    expect(isMissingFile(failure)).toBe(true)
  })

  it('is reported with the code that the caller chose', async () => {
    const reading = readOwnFile(join(temporaryFolder(), 'none'), { maxBytes: 1, code: 'ERR_KEY_FILE_INVALID' })
    await expect(reading).rejects.toMatchObject({ code: 'ERR_KEY_FILE_INVALID', serviceCode: 'ENOENT' })
  })
})
