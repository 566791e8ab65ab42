// The short way of a start that has been there before. In: the words and variables of the start. Out: the request that the
// same start had last time, while every file that it read is as it was. Nothing is loaded here but what this takes: a start
// that finds its session ends before the rest of the command is loaded.

import { type BigIntStats, statSync } from 'node:fs'
import { join } from 'node:path'
import { readPrivate } from '../../files/read-private.ts'
import { fingerprint, jsonIn } from '../../files/stamp.ts'

/** Variables by name, as `process.env` has them. */
export type Variables = Readonly<Record<string, string | undefined>>

/** What decides a session or the place of a file. None of them is a secret: they stand in the shortcut. */
const decidingVariables: readonly string[] = [
  ...['HOME', 'XDG_CONFIG_HOME', 'HARDKEY_HOME', 'PKCS11_MODULE_PATH', 'TPM2TOOLS_TCTI'],
  ...['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE', 'AWS_PROFILE', 'AWS_DEFAULT_PROFILE', 'AWS_REGION'],
  ...['AWS_DEFAULT_REGION', 'AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_STS', 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'],
  ...['AWS_USE_FIPS_ENDPOINT', 'AWS_USE_DUALSTACK_ENDPOINT', 'AWS_ROLE_SESSION_NAME', 'AWS_MFA_SERIAL'],
  ...['AWS_MAX_ATTEMPTS', 'AWS_RETRY_MODE', 'AWS_STS_REGIONAL_ENDPOINTS', 'AWS_CA_BUNDLE', 'HARDKEY_ACCOUNT'],
  '_HARDKEY_PROFILE_CHAIN',
  ...['BAO', 'VAULT'].flatMap((prefix) =>
    ['ADDR', 'AGENT_ADDR', 'NAMESPACE', 'CACERT', 'CAPATH', 'CLIENT_CERT', 'CLIENT_KEY', 'TLS_SERVER_NAME']
      .concat(['SKIP_VERIFY', 'SRV_LOOKUP', 'CLIENT_TIMEOUT'])
      .map((name) => `${prefix}_${name}`),
  ),
]

const longestShortcut = 131_072

/** Part of the name of every shortcut, for the bound on their number. */
export const shortcutPrefix = 'start-'

export interface Shortcut {
  /** The words and variables of the start. */
  readonly start: string
  /** The working folder, where a path is relative to it; else empty. */
  readonly workingFolder: string
  /** The files that were read, each with what tells that it is the same; with the folders above them. */
  readonly files: readonly (readonly [path: string, identity: string])[]
  /** The text of the request. */
  readonly request: string
}

/** A start as text: the same text means the same session, while the files are the same. `command`: the file that runs. */
export function startText(words: readonly string[], variables: Variables, command: string): string {
  const values = decidingVariables.flatMap((name) => (variables[name] ? [name, variables[name]] : []))
  // Another version of Node or of the command may read the same words otherwise.
  return JSON.stringify([words, values, process.version, fileIdentity(command)])
}

/** The request of this start, where all is as it was; undefined means the long way. */
export function followShortcut(folder: string, start: string, workingFolder: () => string): string | undefined {
  const shortcut = readShortcut(shortcutPath(folder, start))
  if (shortcut === undefined || shortcut.start !== start) return undefined
  if (shortcut.workingFolder !== '' && shortcut.workingFolder !== workingFolder()) return undefined
  return shortcut.files.every(([path, identity]) => fileIdentity(path) === identity) ? shortcut.request : undefined
}

/** The shortcut in a file; undefined for anything else. */
export function readShortcut(path: string): Shortcut | undefined {
  return parseShortcut(readPrivate(path, longestShortcut))
}

export function shortcutPath(folder: string, start: string): string {
  return join(folder, `${shortcutPrefix}${fingerprint(start)}`)
}

export function formatShortcut(shortcut: Shortcut): string {
  // Each of its parts is compared with what it must be: no stamp is needed.
  return JSON.stringify(shortcut)
}

/** Undefined for any text that is no shortcut. */
export function parseShortcut(text: string | undefined): Shortcut | undefined {
  const members: Record<string, unknown> = Object.assign(Object.create(null), jsonIn(text))
  const { start, workingFolder, files, request } = members
  if (typeof start !== 'string' || typeof workingFolder !== 'string' || typeof request !== 'string') return undefined
  return Array.isArray(files) && files.every(isFile) ? { start, workingFolder, files, request } : undefined
}

/** No path has a zero byte, and node:fs takes none. */
function isFile(value: unknown): boolean {
  if (!Array.isArray(value)) return false
  const [path, identity] = value
  return typeof path === 'string' && !path.includes('\0') && typeof identity === 'string'
}

/**
 * What tells a file from another and from what it was before: place, owner, mode, size, times. Of a folder its owner and mode
 * alone: what is in it changes. Empty where there is none.
 */
export function fileIdentity(path: string): string {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stats === undefined ? '' : identityIn(stats)
}

function identityIn(stats: BigIntStats): string {
  const { dev, ino, mode, uid, gid, size, mtimeNs, ctimeNs } = stats
  return [dev, ino, mode, uid, gid, ...(stats.isDirectory() ? [] : [size, mtimeNs, ctimeNs])].join(' ')
}
