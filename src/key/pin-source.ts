// What unlocks a device: PIN, passphrase or auth value, as bytes, read once.
// In: the `pin-source` of a key URI (RFC 7512, section 2.4, and our own kinds). Out: bytes that the asker wipes.
// This file and nothing else below cli/ reads the environment: the one variable that a URI names, and
// CREDENTIALS_DIRECTORY for `credential:`.

import { isAbsolute, join } from 'node:path'
import { HardkeyError } from '../errors.ts'
import { readOwnFile } from '../files/read-own-file.ts'
import { readDescriptor } from './descriptor.ts'
import { ownCopy } from './secret.ts'
import type { KeyUri } from './uri.ts'

/** What a device asks for. */
export interface PinRequest {
  readonly kind: 'PIN' | 'passphrase' | 'auth value'
  /** What it is for, in words for a person: `token "prod" (serial 4711)`. */
  readonly target: string
  /** It is being set, not asked for: a person types it twice. */
  readonly isNew?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Gives what unlocks a device, as bytes (UTF-8 where a person types it). The bytes are taken over and wiped; they are
 * tried once. A source that has nothing to give throws ERR_PIN_REQUIRED and never returns an empty array.
 */
export type PinSource = (request: PinRequest) => Promise<Uint8Array>

/** No device takes a longer PIN; a longer file is another file. */
const longestPin = 1024
const kinds = 'file:PATH, fd:N, env:VARIABLE, credential:NAME or prompt:'

/**
 * The PIN source that the URI names: a `pin-source` (`file:` or a bare path, `fd:`, `env:`, `credential:`, `prompt:`), a
 * `pin-value`, or, where it names none, `ask`. Nothing is read before the source is asked. One line ending at the end
 * is taken off what a file, a descriptor, a variable or a credential gives.
 *
 * @throws ERR_URI_INVALID for a source that is not one. When asked: ERR_URI_INVALID for a file or descriptor that is
 * missing or could be read by others, ERR_SECRET_INVALID for content that is empty, longer than 1 KiB or has two
 * lines, ERR_PIN_REQUIRED where nothing can be asked, ERR_BACKEND_UNSUPPORTED for `keyring:`
 */
export function pinSourceOf(uri: KeyUri, ask?: PinSource): PinSource {
  const named = uri.get('pin-source')
  if (uri.has('pin-value')) {
    if (named !== undefined) throw invalid('the key URI has both pin-source and pin-value', 'leave pin-value out')
    return async () => uri.pinValue()?.lend(ownCopy) ?? nothing()
  }
  if (named === undefined || named === 'prompt:') return asked(ask)
  return namedSource(named)
}

function namedSource(named: string): PinSource {
  const [, kind = '', rest = ''] = /^([a-z]+):(.*)$/s.exec(named) ?? []
  // A Windows path begins like a kind of one letter.
  if (kind.length < 2) return fromFile(named)
  switch (kind) {
    case 'file':
      return fromFile(pathOfFileUri(rest))
    case 'fd':
      return fromDescriptor(rest)
    case 'env':
      return fromVariable(rest)
    case 'credential':
      return fromCredential(rest)
    case 'keyring':
      return async () => {
        throw new HardkeyError('ERR_BACKEND_UNSUPPORTED', 'pin-source=keyring: is not supported', {
          hint: `use ${kinds}`,
        })
      }
    default:
      throw invalid(`pin-source is of a kind that hardkey does not have`, `use ${kinds}`)
  }
}

function asked(ask: PinSource | undefined): PinSource {
  if (ask === undefined) {
    return async ({ kind, target }) => {
      throw new HardkeyError('ERR_PIN_REQUIRED', `${target} needs a ${kind}`, {
        hint: 'name a pin-source in the key URI: file:, fd:, env: or credential:',
      })
    }
  }
  return async (request) => {
    const answer = await ask(request)
    if (answer.length > 0) return answer
    throw new HardkeyError('ERR_PIN_REQUIRED', `no ${request.kind} was given for ${request.target}`)
  }
}

/** RFC 8089: `file:/path`, `file:///path`, `file://localhost/path`. The URI's percent codes are decoded already. */
function pathOfFileUri(rest: string): string {
  const path = rest.replace(/^\/\/(localhost)?(?=\/)/, '')
  return /^\/[A-Za-z]:[\\/]/.test(path) ? path.slice(1) : path
}

function fromFile(path: string): PinSource {
  // RFC 7512, section 2.4, lets a pin-source be a command; whoever writes the URI would then run programs.
  if (path.startsWith('|')) throw invalid('pin-source is a command, which hardkey never runs', `use ${kinds}`)
  if (!isAbsolute(path) || path.startsWith('//')) {
    throw invalid('pin-source names a file by a path that is not absolute', 'write file:/run/pin')
  }
  return async ({ kind }) => {
    const bytes = await readOwnFile(path, { maxBytes: longestPin + 2, secret: true, code: 'ERR_URI_INVALID' })
    return checkedPin(bytes, kind, `"${path}"`)
  }
}

function fromDescriptor(text: string): PinSource {
  if (!/^\d{1,9}$/.test(text) || text === '1' || text === '2') {
    throw invalid('pin-source=fd: needs the number of an open descriptor, 0 or 3 and up', 'write fd:3')
  }
  return async ({ kind, signal }) => {
    const bytes = await readDescriptor(Number(text), longestPin + 2, signal)
    return checkedPin(bytes, kind, `descriptor ${text}`)
  }
}

function fromVariable(name: string): PinSource {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw invalid('pin-source=env: needs the name of a variable')
  return async ({ kind }) => {
    const value = process.env[name]
    if (value === undefined) {
      throw new HardkeyError('ERR_PIN_REQUIRED', `the variable ${name}, which pin-source names, is not set`)
    }
    return checkedPin(new TextEncoder().encode(value), kind, `the variable ${name}`)
  }
}

/** systemd.exec(5), LoadCredential=: a file in a folder that only this service can search. */
function fromCredential(name: string): PinSource {
  if (!/^[A-Za-z0-9._-]+$/.test(name) || name === '.' || name === '..') {
    throw invalid('pin-source=credential: needs the name of a systemd credential', 'letters, digits, ".", "_", "-"')
  }
  return async ({ kind }) => {
    const folder = process.env.CREDENTIALS_DIRECTORY
    if (folder === undefined || !isAbsolute(folder)) {
      throw new HardkeyError('ERR_PIN_REQUIRED', `no credential ${name}: CREDENTIALS_DIRECTORY is not set`, {
        hint: `run as a systemd service with LoadCredentialEncrypted=${name}`,
      })
    }
    const path = join(folder, name)
    const bytes = await readOwnFile(path, { maxBytes: longestPin + 2, secret: true, code: 'ERR_URI_INVALID' })
    return checkedPin(bytes, kind, `the credential ${name}`)
  }
}

/** What was read without its one line ending; takes the bytes over. */
function checkedPin(bytes: Uint8Array, kind: PinRequest['kind'], origin: string): Uint8Array {
  try {
    const pin = bytes.subarray(0, bytes.length - lineEnding(bytes))
    const fault = faultOf(pin)
    if (fault === undefined) return ownCopy(pin)
    throw new HardkeyError('ERR_SECRET_INVALID', `the ${kind} in ${origin} ${fault}`, {
      hint: `it is one line of 1 to ${longestPin} bytes`,
    })
  } finally {
    bytes.fill(0)
  }
}

function lineEnding(bytes: Uint8Array): 0 | 1 | 2 {
  if (bytes.at(-1) !== 0x0a) return 0
  return bytes.at(-2) === 0x0d ? 2 : 1
}

function faultOf(pin: Uint8Array): string | undefined {
  if (pin.length === 0) return 'is empty'
  if (pin.length > longestPin) return `is longer than ${longestPin} bytes`
  if (pin.includes(0x0a) || pin.includes(0x0d)) return 'has more than one line'
  return pin.includes(0) ? 'has a NUL byte' : undefined
}

function nothing(): never {
  throw new HardkeyError('ERR_PIN_REQUIRED', 'the key URI has an empty pin-value')
}

function invalid(message: string, hint?: string): HardkeyError {
  return new HardkeyError('ERR_URI_INVALID', message, { hint })
}
