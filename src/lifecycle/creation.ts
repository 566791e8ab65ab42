// The journal of a key that AWS makes for a record to be: NAME.creation.json, there from before CreateAccessKey until the record
// is on the disk. In: whose key it is. Out: the same after a kill or a power cut, and which key at AWS it is about. Holds the IDs
// of access keys, a user and a time; no secret.

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { HardkeyError } from '../errors.ts'
import { fileFailure, isMissingFile, systemCode } from '../files/file-failure.ts'
import { readOwnFile } from '../files/read-own-file.ts'
import { replaceAtomically } from '../files/replace-atomically.ts'
import type { AccessKey } from '../iam/answer.ts'

/** A key that AWS may have made, and that is in no record yet. */
export interface Creation {
  readonly userName: string
  /** By the clock of IAM: "2026-11-24T17:20:00Z". */
  readonly began: string
  /** The keys that the user had. */
  readonly before: readonly string[]
  /** Once AWS has answered. */
  readonly accessKeyId?: string | undefined
}

const ending = '.creation.json'
const maxBytes = 4096

/** Clocks differ, and an answer can be late; a key that was made outside of this is another one. */
const tolerance = 10 * 60_000

/** Where the journal of a record lies. */
export function creationPath(recordPath: string): string {
  return recordPath.replace(/\.json$/, ending)
}

/** On the disk when it returns. @throws ERR_CONFIG_INVALID where the disk refuses */
export async function writeCreation(path: string, creation: Creation): Promise<void> {
  await replaceAtomically(path, Buffer.from(`${JSON.stringify(creation)}\n`), { followLinks: false })
}

/** Undefined where no creation was begun. @throws ERR_CONFIG_INVALID */
export async function readCreation(path: string): Promise<Creation | undefined> {
  try {
    const bytes = await readOwnFile(path, { maxBytes, followLinks: false })
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    if (isCreation(value)) return value
  } catch (error) {
    if (isMissingFile(error)) return undefined
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new HardkeyError('ERR_CONFIG_INVALID', `${path} is not what an import has written down of a new access key`, {
    hint: 'look with aws iam list-access-keys for a key that nobody uses, then remove the file',
  })
}

function isCreation(value: unknown): value is Creation {
  const { userName, began, before, accessKeyId = 'none' }: Record<string, unknown> = Object.assign({}, value)
  const isId = (id: unknown): boolean => typeof id === 'string' && /^[\w.-]{1,128}$/.test(id)
  const isUser = typeof userName === 'string' && /^[\w+=,.@-]{1,128}$/.test(userName)
  const isTime = typeof began === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(began)
  return isUser && isTime && Array.isArray(before) && [...before, accessKeyId].every(isId)
}

/** The creations in a folder that were begun and not ended. A file that cannot be read is one, too. */
export async function listCreations(
  folder: string,
): Promise<readonly { readonly name: string; readonly found: Creation | HardkeyError }[]> {
  const files = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return []
    throw fileFailure('read', folder, 'ERR_CONFIG_INVALID', error)
  })
  const ours = files.filter((file) => file.endsWith(ending) && !file.startsWith('.'))
  return await Promise.all(
    ours.map(async (file) => {
      const found = await readCreation(join(folder, file)).catch((error: unknown) => {
        if (error instanceof HardkeyError) return error
        throw error
      })
      return found === undefined ? [] : [{ name: file.slice(0, -ending.length), found }]
    }),
  ).then((all) => all.flat())
}

/** The key among those of the user that it was about, by its ID, else by the time when it was made. */
export function createdKey(
  { began, before, accessKeyId }: Creation,
  keys: readonly AccessKey[],
): AccessKey | undefined {
  if (accessKeyId !== undefined) return keys.find((key) => key.accessKeyId === accessKeyId)
  const isNear = ({ created }: AccessKey): boolean => Math.abs(created.getTime() - Date.parse(began)) < tolerance
  return keys.find((key) => !before.includes(key.accessKeyId) && isNear(key))
}
