// Where the command keeps what lives as long as the machine runs: sessions and locks. In: --cache-dir and the
// environment. Out: a folder of this user in memory, or none, which is no failure.

import { HardkeyError } from '../../errors.ts'
import { findRuntimeFolder, type RuntimePlaces } from '../../files/runtime-folder.ts'
import type { CommandContext } from '../command.ts'
import type { Environment } from '../settings/environment.ts'

/** The word in place of a folder: nothing is kept between runs. */
const nowhere = 'none'

/**
 * The runtime folder, made where it is missing; undefined where there is none. What was not taken is told.
 *
 * @throws ERR_CACHE_UNSAFE where `chosen`, the value of --cache-dir, or HARDKEY_CACHE_DIR names a folder that others could
 * read or change, or that lies on a disk
 */
export function runtimeFolder({ environment, report }: CommandContext, chosen: string | undefined): string | undefined {
  const places = runtimePlaces(environment, chosen)
  if (places === undefined) return undefined
  const { path, refused } = findRuntimeFolder(places)
  if (path === undefined && places.chosen !== undefined) {
    throw new HardkeyError('ERR_CACHE_UNSAFE', `the cache folder ${refused.join(', ')}`, {
      hint: 'it must be a folder of yours alone (chmod 700) in memory (tmpfs), as in /dev/shm; or leave --cache-dir out',
    })
  }
  for (const reason of refused) {
    if (path === undefined) report.warning(`nothing is kept between runs: ${reason}`)
    else report.step(`${reason}; ${path} is used`)
  }
  return path
}

/** What the options and the environment name; undefined where nothing shall be kept. */
export function runtimePlaces(
  { cacheDir, runtimeDirectory, xdgRuntimeDir }: Environment,
  chosen: string | undefined = cacheDir,
): RuntimePlaces | undefined {
  return chosen === nowhere ? undefined : { chosen, runtimeDirectory, xdgRuntimeDir }
}

/** True where a session lasts from one run to the next. */
export function keepsSessions(environment: Environment): boolean {
  const places = runtimePlaces(environment)
  return places !== undefined && findRuntimeFolder(places).path !== undefined
}

/** What holds where it does not. */
export const nothingKept: string = 'no session is kept between runs, so that each run opens the device'

/** The way round it. */
export const onePrompt: string = 'hardkey exec NAME starts a program, or a shell, with one prompt for all its sessions'
