// A disk that forgets what was not synced (I7). In: the files before a command, and what it did to them, from strace. Out: every
// disk that a power cut at that instant may leave: content counts after the fsync of its file, a name after that of its folder.
// Names that were not synced may be there or not, each by itself, as on file systems that put changes in another order.

import { spawn } from 'node:child_process'
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { type CommandHome, commandFile, ended, type Ran } from '../cli/hardkey.ts'
import { type Call, isWrite, parseTrace } from '../leaks/recorded.ts'
import { peer } from '../peers/peer.ts'

/** What a command did. `asked`: a request to a server left, whose action is the path. `to`: the second name. */
export interface Done {
  readonly act: 'made' | 'written' | 'synced' | 'renamed' | 'linked' | 'unlinked' | 'folder' | 'asked'
  readonly path: string
  readonly to: string
  readonly bytes: Buffer
  /** Where the bytes go; undefined for the end of the file. */
  readonly offset: number | undefined
}

/** Files by their paths, folders without content. */
export type Disk = ReadonlyMap<string, Buffer | undefined>

const traced =
  'openat,write,pwrite64,writev,sendto,sendmsg,fsync,fdatasync,ftruncate,rename,renameat,renameat2,link,linkat,unlink,unlinkat,rmdir,mkdir,mkdirat'

export interface Traced extends Ran {
  readonly done: readonly Done[]
}

/** Runs the command in its home folder. */
export async function tracedRun(home: CommandHome, words: readonly string[], input = ''): Promise<Traced> {
  const { command } = await peer('strace')
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-disk-'))
  try {
    const log = join(folder, 'log')
    const how = ['-f', '-xx', '-yy', '-s', '65535', '-e', `trace=${traced}`, '-e', 'signal=none', '-o', log, '--']
    const child = spawn(command, [...how, process.execPath, commandFile, ...words], {
      cwd: home.folder,
      env: home.environment(),
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    })
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    const ran = await ended(child)
    return {
      ...ran,
      done: parseTrace(inOrder(readFileSync(log, 'latin1'))).flatMap((call) => doneBy(call, home.folder)),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Calls that another thread interrupted, in one line each: an fsync where it ends, all else where it begins. */
function inOrder(text: string): string {
  const lines = text.split('\n')
  const begun = new Map<string, number>()
  for (const [index, line] of [...lines.entries()]) {
    const [, thread = '', begin] = /^(\d+) +(.*) <unfinished \.\.\.>$/.exec(line) ?? []
    if (begin !== undefined) begun.set(thread, index)
    const [, same = '', end = ''] = /^(\d+) +<\.\.\. \w+ resumed>(.*)$/.exec(line) ?? []
    const first = begun.get(same)
    if (first === undefined || same === '') continue
    begun.delete(same)
    const whole = (lines[first] ?? '').replace(' <unfinished ...>', end)
    lines[first] = ''
    lines[index] = ''
    lines[/^\d+ +f(data)?sync/.test(whole) ? index : first] = whole
  }
  return lines.join('\n')
}

function doneBy(call: Call, home: string): readonly Done[] {
  const { name, target, bytes, shape } = call
  if (/ = -1 |\?$/.test(shape)) return []
  const [first = '', second = ''] = bytes.toString('latin1').split('\0')
  const one = (act: Done['act'], path: string, more: Partial<Done> = {}): readonly Done[] =>
    `${path}/`.startsWith(`${home}/`) ? [{ act, path, to: '', bytes: Buffer.alloc(0), offset: undefined, ...more }] : []
  const path = resolve(home, first)
  if (isWrite(call)) {
    const asked = target.startsWith('TCP') ? /Action=(\w+)/.exec(bytes.toString('latin1'))?.[1] : undefined
    if (asked !== undefined) return one('asked', join(home, asked))
    const offset = name === 'pwrite64' ? Number(/(\d+)\) += \d+$/.exec(shape)?.[1]) : undefined
    return one('written', target, { bytes: bytes.subarray(0, -1), offset })
  }
  if (/sync$/.test(name)) return one('synced', target)
  if (name === 'openat') return shape.includes('O_CREAT') ? one('made', path) : []
  if (name.startsWith('mkdir')) return one('folder', path)
  if (name.startsWith('rename')) return one('renamed', path, { to: resolve(home, second) })
  if (name.startsWith('link')) return one('linked', path, { to: resolve(home, second) })
  if (name.startsWith('unlink') || name === 'rmdir') return one('unlinked', path)
  throw new Error(`the model of a disk does not know ${name}`)
}

/** Everything below a folder. */
export function diskOf(folder: string): Disk {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
  return new Map(paths.map((path) => [path, lstatSync(path).isDirectory() ? undefined : readFileSync(path)] as const))
}

/** A file: what a program reads now, and what is there after a power cut at least. */
interface Node {
  readonly isFolder: boolean
  now: Buffer
  safe: Buffer
}

type Names = Map<string, Node>

/** A change of names that is not synced yet. */
interface Change {
  readonly folder: string
  readonly apply: (names: Names) => void
}

const contents = {
  lost: ({ safe }: Node): Buffer => safe,
  half: ({ safe, now }: Node): Buffer => (safe.equals(now) ? now : now.subarray(0, now.length >> 1)),
  whole: ({ now }: Node): Buffer => now,
}

export class ForgetfulDisk {
  #changes: readonly Change[] = []
  readonly #home: string
  readonly #now: Names = new Map()
  readonly #safe: Names

  /** `disk`: on it for long. */
  constructor(home: string, disk: Disk) {
    this.#home = home
    for (const [path, content] of disk) {
      const bytes = content ?? Buffer.alloc(0)
      this.#now.set(path, { isFolder: content === undefined, now: bytes, safe: bytes })
    }
    this.#safe = new Map(this.#now)
  }

  do({ act, path, to, bytes, offset }: Done): void {
    const node = this.#now.get(path)
    if (act === 'folder' || (act === 'made' && node === undefined)) this.#make(path, act === 'folder')
    if (act === 'synced') this.#sync(path)
    if (node === undefined) return
    switch (act) {
      case 'written': {
        const start = offset ?? node.now.length
        node.now = Buffer.concat([node.now.subarray(0, start), bytes, node.now.subarray(start + bytes.length)])
        break
      }
      case 'synced':
        node.safe = node.now
        break
      case 'unlinked':
        this.#change(path, (names) => void names.delete(path))
        break
      case 'linked':
        this.#change(to, (names) => void names.set(to, node))
        break
      case 'renamed':
        this.#change(to, (names) => {
          names.delete(path)
          names.set(to, node)
        })
        break
      case 'folder':
      case 'made':
      case 'asked':
      // What was there already, or is no act on the disk.
    }
  }

  /** What is there at least, what is there at most, and each change by itself, or all but it. */
  disks(): readonly Disk[] {
    const all = this.#changes
    const chosen = [[], all, ...all.map((one) => [one]), ...all.map((one) => all.filter((other) => other !== one))]
    return chosen.flatMap((changes) => Object.values(contents).map((content) => this.#after(changes, content)))
  }

  #after(changes: readonly Change[], content: (node: Node) => Buffer): Disk {
    const names: Names = new Map(this.#safe)
    for (const { apply } of changes) apply(names)
    const isThere = (path: string): boolean =>
      path === this.#home || (names.get(path)?.isFolder === true && isThere(dirname(path)))
    const found = [...names].filter(([path]) => isThere(dirname(path)))
    return new Map(found.map(([path, node]) => [path, node.isFolder ? undefined : content(node)] as const))
  }

  #make(path: string, isFolder: boolean): void {
    const node = { isFolder, now: Buffer.alloc(0), safe: Buffer.alloc(0) }
    this.#change(path, (names) => void names.set(path, node))
  }

  /** The names in a folder. */
  #sync(path: string): void {
    for (const { apply } of this.#changes.filter(({ folder }) => folder === path)) apply(this.#safe)
    this.#changes = this.#changes.filter(({ folder }) => folder !== path)
  }

  #change(path: string, apply: Change['apply']): void {
    apply(this.#now)
    this.#changes = [...this.#changes, { folder: dirname(path), apply }]
  }
}
