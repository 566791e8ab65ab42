// The variables that name folders for what is kept between runs. In: variables by name. Out: folders in memory for sessions,
// and folders for state, which may lie on a disk. systemd.exec(5); XDG Base Directory Specification.

import { posix, win32 } from 'node:path'

export interface FolderVariables {
  /** HARDKEY_CACHE_DIR: the runtime folder, or "none". */
  readonly cacheDir: string | undefined
  /** RUNTIME_DIRECTORY. */
  readonly runtimeDirectory: string | undefined
  /** XDG_RUNTIME_DIR. */
  readonly xdgRuntimeDir: string | undefined
  /** The first of STATE_DIRECTORY. */
  readonly stateDirectory: string | undefined
  /** `hardkey` in XDG_STATE_HOME, or in the platform's folder for state; undefined where there is no home folder. */
  readonly stateHome: string | undefined
}

export function readFolderVariables(
  read: (name: string) => string | undefined,
  platform: NodeJS.Platform,
  homeOf: () => string | undefined,
): FolderVariables {
  const path = platform === 'win32' ? win32 : posix
  const absolute = (folder: string | undefined): string | undefined =>
    folder !== undefined && path.isAbsolute(folder) ? folder : undefined
  const below = platform === 'win32' ? path.join('AppData', 'Local') : path.join('.local', 'state')
  const named = absolute(read(platform === 'win32' ? 'LOCALAPPDATA' : 'XDG_STATE_HOME'))
  const home = homeOf()
  const state = named ?? absolute(home && path.join(home, below))
  return {
    cacheDir: read('HARDKEY_CACHE_DIR'),
    runtimeDirectory: read('RUNTIME_DIRECTORY'),
    xdgRuntimeDir: read('XDG_RUNTIME_DIR'),
    stateDirectory: absolute(read('STATE_DIRECTORY')?.split(':', 1)[0]),
    stateHome: state === undefined ? undefined : path.join(state, 'hardkey'),
  }
}
