// What the machine itself adds or takes away. In: the environment, the folder of records. Out: findings that need neither
// a device nor the network.

import { readFileSync } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { HardkeyError } from '../errors.ts'
import { changeableByOthers, mendingCommand, thisUser } from '../files/ownership.ts'
import { findRuntimeFolder } from '../files/runtime-folder.ts'
import { listCreations } from '../lifecycle/creation.ts'
import { type Finding, faultOf } from '../lifecycle/doctor/finding.ts'
import { type ListedRecord, listRecords } from '../profiles/record-store.ts'
import type { CommandContext } from './command.ts'
import { recordsFolder } from './device/open-key.ts'
import { nothingKept, onePrompt, runtimePlaces } from './session/runtime-folder.ts'

/** The records that can be read, and a fault for each file that can not. */
export async function recordFindings({ environment }: CommandContext): Promise<{
  readonly listed: readonly ListedRecord[]
  readonly findings: readonly Finding[]
}> {
  const folder = recordsFolder(environment)
  const listed = await listRecords(folder)
  const broken = listed.flatMap((one): readonly Finding[] =>
    'problem' in one
      ? [{ id: 'record', state: 'fault', name: one.name, text: one.problem.message, remedy: one.problem.hint }]
      : [],
  )
  return { listed, findings: [await folderFinding(folder), ...broken, ...(await creationFindings(folder, listed))] }
}

/** Imports that were cut off while AWS made a key. */
async function creationFindings(folder: string, listed: readonly ListedRecord[]): Promise<readonly Finding[]> {
  const known = new Set(listed.map((one) => ('record' in one ? one.record.accessKeyId : undefined)))
  return (await listCreations(folder)).flatMap(({ name, found }): readonly Finding[] => {
    if (found instanceof HardkeyError) return [faultOf('creation', found, name)]
    const { accessKeyId, userName, began } = found
    if (accessKeyId !== undefined && known.has(accessKeyId)) return []
    const text = `${accessKeyId ?? 'an access key'} may be active for ${userName}, made ${began} by an import that was cut off`
    const remedy = `hardkey import ${name} --create-for ${userName}, with the options of then: it goes on, or deletes it`
    return [{ id: 'creation', state: 'fault', name, text, remedy }]
  })
}

async function folderFinding(folder: string): Promise<Finding> {
  const stats = await lstat(folder).catch(() => undefined)
  if (stats === undefined) {
    return {
      id: 'records-folder',
      state: 'note',
      text: `there are no records yet in ${folder}`,
      remedy: 'hardkey import NAME --to embedded, or with a device from hardkey devices',
    }
  }
  const user = thisUser()
  const wrong = changeableByOthers(stats, user)
  return wrong === undefined
    ? { id: 'records-folder', state: 'ok', text: folder }
    : { id: 'records-folder', state: 'fault', text: `${folder} ${wrong}`, remedy: mendingCommand(folder, stats, user) }
}

/** Whether sessions can be kept from one run to the next: only then does a person type a PIN once for many runs. */
export function cacheFolderFinding({ environment }: CommandContext): Finding {
  const places = runtimePlaces(environment)
  const { path, refused } = places === undefined ? { path: undefined, refused: [] } : findRuntimeFolder(places)
  const reasons = refused.length === 0 ? '' : `: ${refused.join(', ')}`
  if (path !== undefined && refused.length === 0) {
    return { id: 'cache-folder', state: 'ok', text: `sessions are kept in memory between runs, in ${path}` }
  }
  if (path !== undefined) {
    const remedy = 'chmod 700 that folder, or unset the variable that names it'
    return { id: 'cache-folder', state: 'note', text: `sessions are kept in ${path}${reasons}`, remedy }
  }
  if (places?.chosen !== undefined) {
    const remedy = 'name a folder of yours alone in memory (tmpfs), or unset HARDKEY_CACHE_DIR'
    return { id: 'cache-folder', state: 'fault', text: `the cache folder cannot be used${reasons}`, remedy }
  }
  return { id: 'cache-folder', state: 'note', text: `${nothingKept}${reasons}`, remedy: onePrompt }
}

/** What variables and limits of this shell do to secrets, and to the tools that hardkey serves. */
export function shellFindings({ environment }: CommandContext): readonly Finding[] {
  return [...keyFinding(environment.awsKey() !== undefined), ...dumpFindings(environment.dumpingOptions)]
}

function keyFinding(isSet: boolean): readonly Finding[] {
  if (!isSet) return []
  return [
    {
      id: 'environment-key',
      state: 'note',
      text: 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set: AWS tools take them before any profile',
      remedy: 'unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN',
    },
  ]
}

function dumpFindings(options: readonly string[]): readonly Finding[] {
  const nodes = options.map(
    (option): Finding => ({
      id: 'node-options',
      state: 'note',
      text: `NODE_OPTIONS has ${option}, which can show the memory of programs to others`,
      remedy: 'unset NODE_OPTIONS',
    }),
  )
  const limit = coreLimit()
  if (limit === undefined || limit === '0') return nodes
  const text = `core files are allowed here (${limit} bytes); one made while a key is imported holds the secret`
  return [...nodes, { id: 'core-dumps', state: 'note', text, remedy: 'ulimit -c 0' }]
}

/** The soft limit as the kernel says it; undefined where it does not. */
function coreLimit(): string | undefined {
  if (process.platform !== 'linux') return undefined
  return /^Max core file size\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
}
