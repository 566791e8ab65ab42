// The access key that a profile keeps in plaintext. In: the AWS files and a profile. Out: where it stands, the key itself,
// or the files without it. The secret is copied from the bytes of the file into a Secret and never becomes text.
// AWS SDKs and Tools Reference Guide, "AWS access keys"; names are taken in any case, as the AWS CLI does.

import { HardkeyError } from '../errors.ts'
import { Secret } from '../key/secret.ts'
import { settingsForAny } from './any-reading.ts'
import { type AwsFile, type AwsFiles, profileLines, refuseProblems, withAwsFiles } from './aws-config.ts'
import { editAwsFiles, replaceAwsFile } from './edit-aws-files.ts'
import { type IniLine, iniValue } from './ini.ts'
import { removeIniLines } from './ini-edit.ts'

/** An access key read from a profile. */
export interface PlaintextKey {
  /** As it stands there, its form not yet checked. */
  readonly accessKeyId: string
  /** As it stands there, its form not yet checked. The caller wipes it. */
  readonly secret: Secret
  /** The files that hold it. */
  readonly files: readonly string[]
}

/** What `removePlaintextKey` did. */
export interface RemovedPlaintextKey {
  /** The files that were changed. */
  readonly files: readonly string[]
  /** FILE:LINE where the same secret still stands: in a comment or in another profile. */
  readonly remains: readonly string[]
}

const keyNames: readonly string[] = [
  'aws_access_key_id',
  'aws_secret_access_key',
  'aws_session_token',
  'aws_security_token',
]

/** FILE:LINE of each line of a plaintext key in this profile; none when it keeps no such key. Reads no secret. */
export async function findPlaintextKey(files: AwsFiles, profile: string): Promise<readonly string[]> {
  return await withAwsFiles(files, (both) => plaintextKeyPlaces(both, profile))
}

/**
 * The same in files that were read, and where some AWS tool alone finds such a key: in `[DEFAULT]`, say. `lasting`: those
 * alone that `removePlaintextKey` leaves.
 */
export function plaintextKeyPlaces(both: readonly AwsFile[], profile: string, lasting = false): readonly string[] {
  return both.flatMap((file) => {
    const gone = lasting ? keyLines(file, profile).map(({ number }) => `${file.path}:${number}`) : []
    const places = settingsForAny(file, profile, keyNames).map(({ place }) => place)
    return places.filter((place) => !gone.includes(place))
  })
}

/**
 * Reads the access key of a profile.
 * @throws ERR_CONFIG_INVALID when it has none, or a file is malformed there; ERR_SECRET_INVALID when a session token
 * stands with it: temporary credentials are not checked in
 */
export async function plaintextKey(files: AwsFiles, profile: string): Promise<PlaintextKey> {
  return await withAwsFiles(files, (both) => {
    for (const file of both) refuseProblems(file, profile)
    return readKey(both, profile, Object.values(files))
  })
}

/** What a profile proves itself to AWS by; a session token makes it temporary. The caller wipes the secret. */
export interface ProfileCredentials {
  readonly accessKeyId: string
  readonly secret: Secret
  readonly sessionToken: string | undefined
  readonly mfaSerial: string | undefined
}

/** The credentials that stand in a profile; undefined where none do. Not for a check-in. @throws ERR_CONFIG_INVALID */
export async function profileCredentials(files: AwsFiles, profile: string): Promise<ProfileCredentials | undefined> {
  return await withAwsFiles(files, (both) => {
    for (const file of both) refuseProblems(file, profile)
    const found = both.flatMap((file) => settingLines(file, profile).map((line) => ({ file, line })))
    const last = (name: string) => found.findLast(({ line }) => line.name.toLowerCase() === name)
    const value = (one: ReturnType<typeof last>) => one && iniValue(one.file.bytes, one.line)
    const accessKeyId = value(last('aws_access_key_id'))
    const secret = last('aws_secret_access_key')
    if (accessKeyId === undefined || secret === undefined) return undefined
    return {
      accessKeyId,
      secret: Secret.join(secretBytes(secret)),
      sessionToken: value(last('aws_session_token') ?? last('aws_security_token')),
      mfaSerial: value(last('mfa_serial')),
    }
  })
}

/**
 * Removes the lines of this access key from the profile; every other byte of the files stays. Each file is replaced
 * atomically, and only where the profile still holds this very key.
 * @throws ERR_CONFIG_INVALID when the profile holds another key by now, or none, or the file cannot be edited safely
 */
export async function removePlaintextKey(
  files: AwsFiles,
  profile: string,
  accessKeyId: string,
): Promise<RemovedPlaintextKey> {
  return await editAwsFiles(files, async (both) => {
    for (const file of both) refuseProblems(file, profile)
    const key = readKey(both, profile, Object.values(files))
    try {
      if (key.accessKeyId !== accessKeyId) {
        throw new HardkeyError('ERR_CONFIG_INVALID', `profile "${profile}" holds another access key by now`, {
          hint: `it was left as it is; remove the plaintext key of ${accessKeyId} by hand where it still stands`,
        })
      }
      const holding = both.filter((file) => keyLines(file, profile).length > 0)
      for (const file of holding) {
        const edited = removeIniLines(file.bytes, file.lines, keyLines(file, profile), file.path)
        await replaceAwsFile(file, edited)
      }
      const remains = both.flatMap((file) => remaining(file, profile, key.secret))
      return { files: holding.map((file) => file.path), remains }
    } finally {
      key.secret.wipe()
    }
  })
}

/** The lines that make a plaintext key: the ID, the secret, and the token of a session. */
function keyLines(file: AwsFile, profile: string): readonly IniLine[] {
  return settingLines(file, profile).filter((line) => keyNames.includes(line.name.toLowerCase()))
}

function settingLines(file: AwsFile, profile: string): readonly IniLine[] {
  return profileLines(file, profile).filter(({ kind }) => kind === 'setting')
}

function readKey(both: readonly AwsFile[], profile: string, paths: readonly string[]): PlaintextKey {
  const found = both.flatMap((file) => keyLines(file, profile).map((line) => ({ file, line })))
  const last = (name: string) => found.findLast(({ line }) => line.name.toLowerCase() === name)
  const id = last('aws_access_key_id')
  const secret = last('aws_secret_access_key')
  if (id === undefined || secret === undefined) {
    const missing = id === undefined ? 'aws_access_key_id' : 'aws_secret_access_key'
    throw new HardkeyError('ERR_CONFIG_INVALID', `profile "${profile}" has no ${missing}`, {
      hint: `looked for it in ${paths.join(' and ')}`,
    })
  }
  const token = last('aws_session_token') ?? last('aws_security_token')
  if (token !== undefined) {
    throw new HardkeyError('ERR_SECRET_INVALID', `profile "${profile}" holds temporary credentials`, {
      hint: `${token.file.path}:${token.line.number} has a session token; only a permanent access key can check in`,
    })
  }
  return {
    accessKeyId: iniValue(id.file.bytes, id.line),
    secret: Secret.join(secretBytes(secret)),
    files: [...new Set(found.map(({ file }) => file.path))],
  }
}

function secretBytes({ file, line }: { readonly file: AwsFile; readonly line: IniLine }): Uint8Array {
  return file.bytes.subarray(line.valueStart, line.valueEnd)
}

/** Lines that hold the secret beside those of the key. */
function remaining(file: AwsFile, profile: string, secret: Secret): readonly string[] {
  const gone = keyLines(file, profile)
  const rest = file.lines.filter((line) => !gone.includes(line))
  return secret.lend((bytes) => {
    if (bytes.length === 0) return []
    const content = Buffer.from(file.bytes.buffer, file.bytes.byteOffset, file.bytes.length)
    const wanted = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const holds = (line: IniLine): boolean => content.subarray(line.start, line.end).includes(wanted)
    return rest.filter(holds).map((line) => `${file.path}:${line.number}`)
  })
}
