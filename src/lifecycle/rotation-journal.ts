// The journal of a rotation: NAME.rotation.json beside the record, 0600, each state written whole before the next step.
// In: a state. Out: the same after a kill or a power cut, or the one before. Holds access key IDs, key URIs, check values
// and times; no secret. A file that others could change is refused, and one of which a bit is not as it was written: what it
// says is done at AWS.

import { basename } from 'node:path'
import { HardkeyError } from '../errors.ts'
import { isMissingFile } from '../files/file-failure.ts'
import { readOwnFile } from '../files/read-own-file.ts'
import { replaceAtomically } from '../files/replace-atomically.ts'
import { fingerprint } from '../files/stamp.ts'
import { checkRecord, type KeyRecord } from '../profiles/record.ts'
import { removeRecord } from '../profiles/record-store.ts'

/**
 * How far a rotation has come. `wants key`: CreateAccessKey may have been sent. `has key`: its ID is known, and the device
 * may have the key. `in device`: complete and compared. `switched`: the record names the new key. `retired`: the old one
 * is inactive.
 */
const rotationStates = ['wants key', 'has key', 'in device', 'switched', 'retired'] as const
export type RotationState = (typeof rotationStates)[number]

/** A rotation that is not over. */
export interface Rotation {
  readonly version: 1
  readonly state: RotationState
  /** Set while it is being taken back. */
  readonly undoing?: true | undefined
  /** When it began, by the clock of IAM. Times are UTC: "2026-11-24T17:20:00Z". */
  readonly began: string
  readonly userName: string
  /** How long the old key stays active, and then inactive. */
  readonly overlapSeconds: number
  readonly graceSeconds: number
  /** The record as it was. */
  readonly old: KeyRecord
  /** From `has key` on. */
  readonly newAccessKeyId?: string | undefined
  /** From `has key` on: where the new key goes. A relative path starts at the folder of the record. */
  readonly newUri?: string | undefined
  /** From `in device` on: the record to be. */
  readonly next?: KeyRecord | undefined
  /** From `switched` on. */
  readonly switched?: string | undefined
  /** From `retired` on. */
  readonly retired?: string | undefined
}

const ending = '.rotation.json'

/** Two records and a few lines. */
const maxJournalBytes = 262_144

const isTime = (value: unknown): boolean =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value) && !Number.isNaN(Date.parse(value))
const isSeconds = (value: unknown): boolean => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
const isText = (value: unknown): boolean => typeof value === 'string' && /^[\x21-\x7e]{1,20000}$/.test(value)
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Each member: the first state that must have it, and its form. In the order in which they are written. */
const members: Readonly<Record<keyof Rotation, readonly [from: RotationState, is: (value: unknown) => boolean]>> = {
  version: ['wants key', (value) => value === 1],
  state: ['wants key', (value) => rotationStates.some((state) => state === value)],
  undoing: ['wants key', (value) => value === true],
  began: ['wants key', isTime],
  userName: ['wants key', (value) => typeof value === 'string' && /^[\w+=,.@-]{1,128}$/.test(value)],
  overlapSeconds: ['wants key', isSeconds],
  graceSeconds: ['wants key', isSeconds],
  old: ['wants key', isObject],
  newAccessKeyId: ['has key', (value) => typeof value === 'string' && /^[\w.-]{1,128}$/.test(value)],
  newUri: ['has key', isText],
  next: ['in device', isObject],
  switched: ['switched', isTime],
  retired: ['retired', isTime],
}

/** The journal that the bytes of `path` say. @throws ERR_CONFIG_INVALID, naming path and member */
export function parseRotation(bytes: Uint8Array, path: string): Rotation {
  const { stamp, ...given } = parseObject(bytes, path)
  // Text of a person's own has none.
  if (stamp !== undefined && stamp !== fingerprint(JSON.stringify(given))) throw malformed(path, 'damage in it')
  // What is none of them has the index -1.
  const reached = rotationStates.indexOf(given.state as RotationState)
  const names = Object.keys(members)
  const unknown = Object.keys(given).find((name) => !names.includes(name))
  if (unknown !== undefined) throw malformed(path, `an unknown "${unknown.slice(0, 60)}"`)
  for (const [name, [from, is]] of Object.entries(members)) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined
    const due = name !== 'undoing' && rotationStates.indexOf(from) <= reached
    if (value === undefined ? due || name === 'state' : !is(value)) throw malformed(path, `no right "${name}"`)
  }
  // Every member has been looked at but those inside of the records.
  const rotation = given as unknown as Rotation
  const record = (member: 'old' | 'next'): KeyRecord => checkRecord({ ...rotation[member] }, `"${member}" in ${path}`)
  return { ...rotation, old: record('old'), ...(rotation.next === undefined ? {} : { next: record('next') }) }
}

function parseObject(bytes: Uint8Array, path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (isObject(value)) return value
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error
  }
  throw malformed(path, 'no JSON object in it')
}

function malformed(path: string, what: string): HardkeyError {
  return new HardkeyError('ERR_CONFIG_INVALID', `${path} is not the journal of a rotation: there is ${what}`, {
    hint: `restore it, or remove it: then hardkey rotate ${basename(path, ending)} says which key is left at AWS, and what deletes it`,
  })
}

/** Where the journal of a record lies. */
export function journalPath(recordPath: string): string {
  return recordPath.replace(/\.json$/, ending)
}

/** What whoever changes record or journal holds. */
export function lockPath(recordPath: string): string {
  return `${journalPath(recordPath)}.lock`
}

/** Undefined where no rotation is under way. @throws ERR_CONFIG_INVALID */
export async function readJournal(recordPath: string): Promise<Rotation | undefined> {
  const path = journalPath(recordPath)
  try {
    return parseRotation(await readOwnFile(path, { maxBytes: maxJournalBytes, followLinks: false }), path)
  } catch (error) {
    if (isMissingFile(error)) return undefined
    throw error
  }
}

/** Writes the first state of a rotation, which must not meet another one. @throws ERR_ROTATION_STOPPED, ERR_CONFIG_INVALID */
export async function beginJournal(recordPath: string, rotation: Rotation): Promise<void> {
  try {
    await replaceAtomically(journalPath(recordPath), bytesOf(rotation), { overwrite: false, followLinks: false })
  } catch (error) {
    if (!(error instanceof HardkeyError) || error.serviceCode !== 'EEXIST') throw error
    throw new HardkeyError('ERR_ROTATION_STOPPED', 'another rotation of this key has begun just now', { cause: error })
  }
}

/** Replaces the state. On the disk when it returns. @throws ERR_CONFIG_INVALID where the disk refuses */
export async function writeJournal(recordPath: string, rotation: Rotation): Promise<void> {
  await replaceAtomically(journalPath(recordPath), bytesOf(rotation), { followLinks: false })
}

/** Ends the rotation. @throws ERR_CONFIG_INVALID where the disk refuses */
export async function removeJournal(recordPath: string): Promise<void> {
  await removeRecord(journalPath(recordPath))
}

function bytesOf(rotation: Rotation): Uint8Array {
  const stamp = fingerprint(JSON.stringify(rotation))
  const bytes = Buffer.from(`${JSON.stringify({ ...rotation, stamp }, null, 2)}\n`)
  parseRotation(bytes, 'the journal')
  return bytes
}
