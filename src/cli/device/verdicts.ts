// What devices said to PINs, kept between runs: files `pin-…` in a folder of this user alone. It holds no secret, so that a
// disk will do, and --cache-dir has no say in it: what one command is told, every other one and `doctor` find.
// 1. The first folder that takes a file has it: $STATE_DIRECTORY of a service, else `hardkey` in the user's folder for state,
//    else, where those are read-only, the folder in memory.
// 2. The lock of a source that nobody has tried lies beside it.

import { accessSync, constants, existsSync, readdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { HardkeyError } from '../../errors.ts'
import { systemCode } from '../../files/file-failure.ts'
import { folderChangeableByOthers } from '../../files/ownership.ts'
import { readPrivate } from '../../files/read-private.ts'
import { makeFolder, replaceAtomically } from '../../files/replace-atomically.ts'
import { findRuntimeFolder } from '../../files/runtime-folder.ts'
import { fingerprint, stamped, stampedJson } from '../../files/stamp.ts'
import type { CommandContext } from '../command.ts'
import { shellLine } from '../texts/shell-word.ts'

/** What a device said to a source. */
export interface Verdict {
  /** The device and the name of the source. */
  readonly name: string
  /** That of the source then. */
  readonly identity: string
  /** `untried`: the device had a wrong PIN of somebody before. `cleared`: a person says that it may be tried. */
  readonly state: 'right' | 'refused' | 'untried' | 'cleared'
  /** The words of the refusal. */
  readonly refusal?: string | undefined
  readonly serviceCode?: string | undefined
  /** Refusals since the source was right or a person cleared it. */
  readonly refusals?: number | undefined
}

export interface VerdictFolder {
  readonly path: string
  /** The command that clears what is kept in it. */
  readonly clear: string
}

const prefix = 'pin-'
const longestVerdict = 65_536
const clearing = 'hardkey doctor --clear-latch'

/** Those that are there and can be written, made where they are missing. What is not taken is told as a step. */
export async function verdictFolders({ environment, report }: CommandContext): Promise<readonly VerdictFolder[]> {
  const { stateDirectory, stateHome, runtimeDirectory, xdgRuntimeDir, cacheDir } = environment
  const found: VerdictFolder[] = []
  for (const path of [stateDirectory, stateHome]) {
    if (path === undefined) continue
    const reason = await unusable(path)
    if (reason !== undefined) report.step(`refused PINs are not remembered in "${path}": ${reason}`)
    // Another shell than that of the service has no such variable.
    else if (path !== stateDirectory) found.push({ path, clear: clearing })
    else found.push({ path, clear: `${shellLine([`STATE_DIRECTORY=${path}`])} ${clearing}` })
  }
  const make = found.length === 0
  for (const chosen of make && cacheDir !== 'none' ? [undefined, cacheDir] : [undefined]) {
    const { path } = findRuntimeFolder({ chosen, runtimeDirectory, xdgRuntimeDir }, { make })
    if (path === undefined) continue
    const named = path === runtimeDirectory ? `${shellLine([`RUNTIME_DIRECTORY=${path}`])} ` : ''
    found.push({ path, clear: `${named}${clearing}` })
  }
  return found
}

async function unusable(path: string): Promise<string | undefined> {
  try {
    // Folders for state and what is above them, but no home.
    if (!existsSync(join(path, '..', '..', '..'))) return 'ENOENT'
    await makeFolder(path)
    accessSync(path, constants.W_OK)
    return await folderChangeableByOthers(join(path, prefix))
  } catch (error) {
    const code = systemCode(error)
    if (code === undefined) throw error
    return code
  }
}

/** The file of what is kept under this name. */
export function verdictPath({ path }: VerdictFolder, name: string): string {
  return join(path, `${prefix}${fingerprint(name)}`)
}

/** Undefined where nothing is kept under this name. */
export function readVerdict(folder: VerdictFolder, name: string): Verdict | undefined {
  const verdict = verdictAt(verdictPath(folder, name))
  return verdict?.name === name ? verdict : undefined
}

function verdictAt(path: string): Verdict | undefined {
  return verdictIn(stampedJson(readPrivate(path, longestVerdict)))
}

/** False where no folder took it. */
export async function keepVerdict(folders: readonly VerdictFolder[], verdict: Verdict): Promise<boolean> {
  const text = stamped(JSON.stringify(verdict))
  for (const folder of folders) {
    const path = verdictPath(folder, verdict.name)
    try {
      if (readPrivate(path, longestVerdict) !== text) await write(path, text)
      return true
    } catch (error) {
      if (!(error instanceof HardkeyError)) throw error
    }
  }
  return false
}

/**
 * Lets every source be tried again once, also at a token that says that a wrong PIN was given. Gives the number of those that
 * were not tried any more. @throws ERR_CACHE_UNSAFE where a folder cannot be changed
 */
export async function clearVerdicts(folders: readonly VerdictFolder[]): Promise<number> {
  const names = new Set<string>()
  for (const { path } of folders) {
    for (const entry of readdirSync(path).filter((one) => /^pin-[0-9a-f]{8}$/.test(one))) {
      const file = join(path, entry)
      const verdict = verdictAt(file)
      if (verdict?.state === 'refused' || verdict?.state === 'untried') names.add(verdict.name)
      const cleared: Verdict = { name: verdict?.name ?? '', identity: '', state: 'cleared' }
      if (verdict === undefined) unlinkSync(file)
      else await write(file, stamped(JSON.stringify(cleared)))
    }
  }
  return names.size
}

async function write(path: string, text: string): Promise<void> {
  await replaceAtomically(path, Buffer.from(text), { followLinks: false, code: 'ERR_CACHE_UNSAFE' })
}

/** Undefined for what is no verdict. */
export function verdictIn(value: unknown): Verdict | undefined {
  const members: Record<string, unknown> = Object.assign(Object.create(null), value)
  const { name, identity, refusal, serviceCode, refusals } = members
  const state = (['right', 'refused', 'untried', 'cleared'] as const).find((one) => one === members.state)
  if (typeof name !== 'string' || typeof identity !== 'string' || state === undefined) return undefined
  return {
    name,
    identity,
    state,
    refusal: typeof refusal === 'string' ? refusal : undefined,
    serviceCode: typeof serviceCode === 'string' ? serviceCode : undefined,
    refusals: typeof refusals === 'number' ? refusals : undefined,
  }
}
