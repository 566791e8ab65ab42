// Where the files lie that live as long as the machine runs: in memory, and in a folder of this user alone (F-D02, T-1).

import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { findRuntimeFolder } from '../../src/files/runtime-folder.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** A folder in memory, which stands for XDG_RUNTIME_DIR. */
let memory: string
beforeEach(() => {
  memory = mkdtempSync('/dev/shm/hardkey-test-')
  onTestFinished(() => rmSync(memory, { recursive: true }))
})

const found = (): string => join(memory, 'hardkey')
const shared = `/dev/shm/hardkey-${process.geteuid?.()}`

describe('the folder', () => {
  it('is made for this user alone, in the folder of the login', () => {
    expect(findRuntimeFolder({ xdgRuntimeDir: memory })).toEqual({ path: found(), refused: [] })
    expect(statSync(found()).mode & 0o7777).toBe(0o700)
  })

  it('is that of the service before that of the login, and the first of several', () => {
    const ofService = join(memory, 'service')
    const places = { runtimeDirectory: `${ofService}:${join(memory, 'other')}`, xdgRuntimeDir: memory }
    expect(findRuntimeFolder(places).path).toBe(ofService)
  })

  it('is the chosen one before all others', () => {
    expect(findRuntimeFolder({ chosen: join(memory, 'mine'), xdgRuntimeDir: memory }).path).toBe(join(memory, 'mine'))
  })

  it('is named without the links that lead to it', () => {
    const link = join(temporaryFolder(), 'run')
    symlinkSync(memory, link)
    expect(findRuntimeFolder({ xdgRuntimeDir: link }).path).toBe(found())
  })

  it('is not made where it is only looked for', () => {
    expect(findRuntimeFolder({ chosen: found() }, { make: false }).path).toBeUndefined()
    expect(existsSync(found())).toBe(false)
  })
})

describe('F-D02: a place is refused, and nothing made in it,', () => {
  const spoilt: [string, () => void, RegExp][] = [
    ['that is a link', () => symlinkSync(memory, found()), /is a symbolic link$/],
    ['that is a file', () => writeFileSync(found(), ''), /is not a folder$/],
    ['that others may read', () => mkdirOpen(0o750), /is open to others \(mode 0750\): chmod 700$/],
    [
      'in a folder that others may write',
      () => chmodSync(memory, 0o777),
      /is not safe: the folder ".*" is writable by others/,
    ],
  ]
  it.each(spoilt)('%s', (_what, spoil, reason) => {
    spoil()
    const { path, refused } = findRuntimeFolder({ chosen: found() })
    expect(path).toBeUndefined()
    expect(refused).toEqual([expect.stringMatching(reason)])
  })

  it('on a disk', () => {
    const folder = join(temporaryFolder(), 'cache')
    expect(findRuntimeFolder({ chosen: folder })).toEqual({ path: undefined, refused: [`"${folder}" is on a disk`] })
    expect(existsSync(folder)).toBe(false)
  })

  it('of another user', () => {
    if (process.getuid?.() !== 0) throw Object.assign(new Error('only root gives files away'), { name: 'PeerMissing' })
    mkdirOpen(0o700)
    chownSync(found(), 61_007, 61_007)
    expect(findRuntimeFolder({ chosen: found() }).refused).toEqual([expect.stringMatching(/belongs to another user/)])
  })

  it('and the next one is taken', () => {
    writeFileSync(found(), '')
    const before = existsSync(shared)
    const { path, refused } = findRuntimeFolder({ xdgRuntimeDir: memory })
    expect(refused).toHaveLength(1)
    expect(path).not.toBe(found())
    if (!before) rmSync(shared, { recursive: true, force: true })
  })

  function mkdirOpen(mode: number): void {
    mkdirSync(found())
    chmodSync(found(), mode)
  }
})

describe('F-D08: a login folder that does not exist', () => {
  it('is passed over without a word', () => {
    const { refused } = findRuntimeFolder({ xdgRuntimeDir: join(memory, 'none', 'below') }, { make: false })
    expect(refused).toEqual([])
  })

  it('is told of where the user chose it', () => {
    const chosen = join(memory, 'none', 'below')
    expect(findRuntimeFolder({ chosen }).refused).toEqual([`"${chosen}" cannot be used (ENOENT)`])
  })
})
