// Which file is the PKCS#11 module, and may it be run. In: a key URI. Out: an absolute path whose file and folders
// belong to root or to us and cannot be changed by others. Also where p11-kit's proxy module may lie.
// RFC 7512, section 2.3 (module-path, module-name).

import { lstatSync, realpathSync, type Stats } from 'node:fs'
import { dirname, isAbsolute } from 'node:path'
import { HardkeyError } from '../../errors.ts'
import type { KeyUri } from '../../key/uri.ts'

/** The folders of p11-kit-proxy: Debian's by architecture, Fedora's, Arch's and Alpine's, Homebrew's. */
const proxyPaths: readonly string[] = [
  '/usr/lib/x86_64-linux-gnu/p11-kit-proxy.so',
  '/usr/lib/aarch64-linux-gnu/p11-kit-proxy.so',
  '/usr/lib/arm-linux-gnueabihf/p11-kit-proxy.so',
  '/usr/lib/riscv64-linux-gnu/p11-kit-proxy.so',
  '/usr/lib/powerpc64le-linux-gnu/p11-kit-proxy.so',
  '/usr/lib64/p11-kit-proxy.so',
  '/usr/lib/p11-kit-proxy.so',
  '/usr/local/lib/p11-kit-proxy.so',
  '/opt/homebrew/lib/p11-kit-proxy.dylib',
  '/usr/local/lib/p11-kit-proxy.dylib',
]

/** The module that joins all registered ones, if it is installed. `exists` looks at one path. */
export function findP11KitProxy(exists: (path: string) => boolean): string | undefined {
  return proxyPaths.find(exists)
}

/**
 * The module that a URI names. It is looked at, not loaded.
 *
 * @throws ERR_URI_INVALID where it is missing, relative, no file, or could be changed by others
 */
export function modulePathOf(uri: KeyUri): string {
  if (uri.has('module-name')) {
    throw new HardkeyError('ERR_URI_INVALID', 'module-name in a key URI is a search, and is not followed', {
      hint: 'name the file: module-path=/absolute/path/of/the/module.so',
    })
  }
  const path = uri.get('module-path')
  if (path === undefined || path === '') {
    throw new HardkeyError('ERR_URI_INVALID', 'the key URI names no PKCS#11 module', {
      hint: 'add module-path=/absolute/path/of/the/module.so after the "?"',
    })
  }
  if (!isAbsolute(path)) {
    throw new HardkeyError('ERR_URI_INVALID', `module-path "${path}" is not absolute`, {
      hint: 'a relative path would depend on the folder in which the program runs',
    })
  }
  checkModule(path)
  return path
}

function checkModule(path: string): void {
  const real = resolved(path)
  const module = lstatSync(real)
  if (!module.isFile()) throw new HardkeyError('ERR_URI_INVALID', `module-path "${path}" is not a file`)
  // On Windows the mode says nothing; who may write there is the affair of its access lists.
  if (process.getuid === undefined) return
  const uid = process.getuid()
  for (const place of new Set([real, ...foldersAbove(real), path, ...foldersAbove(path)])) {
    refuseUnsafe(place, lstatSync(place), uid)
  }
}

function resolved(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    throw new HardkeyError('ERR_URI_INVALID', `there is no PKCS#11 module at "${path}"`, {
      hint: 'install the module, or correct module-path; `hardkey devices` shows what is there',
      cause: error,
    })
  }
}

function foldersAbove(path: string): readonly string[] {
  const folder = dirname(path)
  return folder === path ? [folder] : [folder, ...(folder === dirname(folder) ? [] : foldersAbove(folder))]
}

function refuseUnsafe(place: string, stats: Stats, uid: number): void {
  if (stats.uid !== 0 && stats.uid !== uid) {
    throw new HardkeyError('ERR_URI_INVALID', `"${place}" on the way to the PKCS#11 module belongs to another user`, {
      hint: 'the module sees the PIN and the key: it and its folders must belong to root or to you',
    })
  }
  // A link has no mode of its own. In a folder with the sticky bit, as /tmp, others cannot take away what is not theirs.
  const ownerDecides = stats.isSymbolicLink() || (stats.isDirectory() && (stats.mode & 0o1000) !== 0)
  if ((stats.mode & 0o022) !== 0 && !ownerDecides && !isForAdministrators(stats)) {
    throw new HardkeyError('ERR_URI_INVALID', `"${place}" on the way to the PKCS#11 module can be changed by others`, {
      hint: `the module sees the PIN and the key: chmod go-w "${place}"`,
    })
  }
}

/** Writable by a group whose members may become root anyway: root's own, and `admin` of macOS (Homebrew's folders). */
function isForAdministrators({ mode, gid }: Stats): boolean {
  return (mode & 0o002) === 0 && (gid === 0 || (process.platform === 'darwin' && gid === 80))
}
