// An access key in a file: the console's CSV, or the JSON of CreateAccessKey. In: the path. Out: the access key ID, and the
// secret as bytes that never were text; at the very end of a check-in, the file overwritten and deleted.
// IAM User Guide, "Manage access keys for IAM users"; IAM API Reference, CreateAccessKey. Rows B-008, B-009.

import { open, realpath, unlink } from 'node:fs/promises'
import { resolve } from 'node:path'
import { HardkeyError } from '../errors.ts'
import { fileFailure, inFile, systemCode } from '../files/file-failure.ts'
import { readOwnFile } from '../files/read-own-file.ts'
import { jsonBytes, jsonStrings } from '../key/json-text.ts'
import { Secret } from '../key/secret.ts'
import { type CsvField, csvBytes, csvRows } from './csv-text.ts'

/** An access key that was read. */
export interface AccessKey {
  /** As it stands there, its form not yet checked. */
  readonly accessKeyId: string
  /** As it stands there, its form not yet checked. The caller wipes it. */
  readonly secret: Secret
}

/** `csv`: what the console downloads. `json`: what `aws iam create-access-key` prints. */
export type SecretFileForm = 'csv' | 'json'

export interface SecretFile {
  readonly form: SecretFileForm
  readonly path: string
  /** Which one, where a CSV has the keys of several users. */
  readonly accessKeyId?: string | undefined
  /** It is to be removed afterwards, and refused where it could not be. */
  readonly goes?: boolean | undefined
}

const otherKeyHint = 'it holds another one: correct --access-key-id, or leave it out to take the ID that stands there'

const csvHint = 'the first line of a CSV of the console names its columns: Access key ID,Secret access key'
const jsonHint = 'it must have AccessKey with AccessKeyId and SecretAccessKey, as aws iam create-access-key prints it'

/** A download has some hundred bytes. */
const maxFileBytes = 65536

/**
 * Reads an access key from a file.
 * @throws ERR_CONFIG_INVALID where the file cannot be read or others could change it; ERR_SECRET_INVALID where it is not of
 * this form, holds several keys, or temporary credentials; where it `goes`, as `removeSecretFile`. No part of it is shown
 */
export async function readSecretFile(file: SecretFile): Promise<AccessKey> {
  const bytes = await readOwnFile(file.path, { maxBytes: maxFileBytes })
  try {
    if (file.goes === true) refuseOtherContent(bytes, file)
    return readAccessKey(bytes, file)
  } finally {
    bytes.fill(0)
  }
}

/**
 * Overwrites the file with zeros and deletes it. Copies that the disk or a backup keeps are out of reach.
 * @throws ERR_CONFIG_INVALID where it holds anything besides this access key (a console password, another key), or another
 * key by now: it is then left as it is
 */
export async function removeSecretFile(file: SecretFile & { readonly accessKeyId: string }): Promise<void> {
  const bytes = await readOwnFile(file.path, { maxBytes: maxFileBytes })
  try {
    refuseOtherContent(bytes, file)
  } finally {
    bytes.fill(0)
  }
  try {
    const place = await realpath(file.path)
    await overwrite(place)
    await unlink(place)
    if (resolve(file.path) !== place) await unlinkIfThere(file.path)
  } catch (error) {
    throw fileFailure('write', file.path, 'ERR_CONFIG_INVALID', error)
  }
}

/** The access key in the bytes of a file. @throws as `readSecretFile` */
export function readAccessKey(bytes: Uint8Array, file: SecretFile): AccessKey {
  return file.form === 'csv' ? readCsv(bytes, file) : readJson(bytes, file)
}

const idColumn = 'access key id'
const secretColumn = 'secret access key'
/** Columns that a download of one access key has besides, and nobody misses. */
const expendableColumns: readonly string[] = ['user name', 'console login link', 'console sign-in url']

interface CsvKeys {
  /** Undefined for a column of another name. */
  readonly columns: readonly (string | undefined)[]
  readonly rows: readonly (readonly CsvField[])[]
}

function csvKeys(bytes: Uint8Array, path: string): CsvKeys {
  const [header = [], ...rows] = inFile(path, 'ERR_SECRET_INVALID', () => csvRows(bytes), csvHint)
  const columns = header.map((field) => columnName(csvBytes(bytes, field)))
  const missing = [idColumn, secretColumn].find((name) => columns.filter((one) => one === name).length !== 1)
  if (missing === undefined) return { columns, rows }
  throw new HardkeyError('ERR_SECRET_INVALID', `${path} has no column "${missing}"`, {
    hint: csvHint,
  })
}

/** The known name of a column, in any case. Takes the bytes over: without a header, a secret stands in the first line. */
function columnName(field: Uint8Array): string | undefined {
  for (const [at, byte] of field.entries()) if (byte >= 0x41 && byte <= 0x5a) field[at] = byte + 32
  const name = [idColumn, secretColumn, ...expendableColumns].find((known) => Buffer.from(known).equals(field))
  field.fill(0)
  return name
}

function readCsv(bytes: Uint8Array, { path, accessKeyId }: SecretFile): AccessKey {
  const { columns, rows } = csvKeys(bytes, path)
  const field = (row: readonly CsvField[], name: string): Uint8Array => {
    const place = row[columns.indexOf(name)]
    return place === undefined ? new Uint8Array(0) : csvBytes(bytes, place)
  }
  const idOf = (row: readonly CsvField[]): string => plainText(field(row, idColumn))
  const wanted = rows.filter((row) => accessKeyId === undefined || idOf(row) === accessKeyId)
  const [row] = wanted
  if (row === undefined || wanted.length > 1) {
    const found = row === undefined ? 'does not hold this access key' : `holds ${wanted.length} access keys`
    throw new HardkeyError('ERR_SECRET_INVALID', `${path} ${rows.length === 0 ? 'holds no access key' : found}`, {
      hint: wanted.length > 1 || accessKeyId === undefined ? 'say which one by --access-key-id' : otherKeyHint,
    })
  }
  return { accessKeyId: idOf(row), secret: Secret.take(field(row, secretColumn)) }
}

function readJson(bytes: Uint8Array, { path, accessKeyId }: SecretFile): AccessKey {
  const strings = inFile(path, 'ERR_SECRET_INVALID', () => jsonStrings(bytes), jsonHint)
  // As the API answers, or with --query AccessKey.
  const prefix = strings.has('AccessKey.SecretAccessKey') ? 'AccessKey.' : ''
  if ([...strings.keys()].some((name) => /(^|\.)(SessionToken|Token)$/.test(name))) {
    throw new HardkeyError('ERR_SECRET_INVALID', `${path} holds temporary credentials`, {
      hint: 'only a permanent access key can check in: make one with aws iam create-access-key',
    })
  }
  const id = strings.get(`${prefix}AccessKeyId`)
  const secret = strings.get(`${prefix}SecretAccessKey`)
  if (id === undefined || secret === undefined) {
    throw new HardkeyError('ERR_SECRET_INVALID', `${path} is not the answer of CreateAccessKey`, { hint: jsonHint })
  }
  const found = plainText(jsonBytes(bytes, id))
  if (accessKeyId !== undefined && accessKeyId !== found) {
    throw new HardkeyError('ERR_SECRET_INVALID', `${path} does not hold this access key`, { hint: otherKeyHint })
  }
  return { accessKeyId: found, secret: Secret.take(jsonBytes(bytes, secret)) }
}

/** Members that the answer of CreateAccessKey has, and nobody misses. */
const expendableMembers: readonly string[] = ['UserName', 'AccessKeyId', 'Status', 'SecretAccessKey', 'CreateDate']

function refuseOtherContent(bytes: Uint8Array, file: SecretFile): void {
  readAccessKey(bytes, file).secret.wipe()
  const others = file.form === 'csv' ? otherColumns(bytes, file.path) : otherMembers(bytes)
  if (others === undefined) return
  throw new HardkeyError('ERR_CONFIG_INVALID', `${file.path} holds ${others} besides this access key`, {
    hint: 'leave --remove-source out, keep what you need of the file, and delete it by hand',
  })
}

function otherColumns(bytes: Uint8Array, path: string): string | undefined {
  const { columns, rows } = csvKeys(bytes, path)
  if (rows.length > 1) return 'other lines'
  const isFilled = (index: number): boolean => (rows[0]?.[index]?.end ?? 0) > (rows[0]?.[index]?.start ?? 0)
  const width = Math.max(columns.length, rows[0]?.length ?? 0)
  const isOther = Array.from({ length: width }, (_, index) => columns[index] === undefined && isFilled(index))
  return isOther.includes(true) ? 'other columns' : undefined
}

function otherMembers(bytes: Uint8Array): string | undefined {
  const names = [...jsonStrings(bytes).keys()].map((path) => path.replace(/^AccessKey\./, ''))
  return names.every((name) => expendableMembers.includes(name)) ? undefined : 'other members'
}

async function overwrite(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    const { size } = await file.stat()
    await file.write(new Uint8Array(size), 0, size, 0)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
}

/** The text of an access key ID or a column's name: not of a secret. */
function plainText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}
