// What unlocks a device: PIN, passphrase or auth value, as bytes, read once.
// In: the `pin-source` of a key URI (RFC 7512, section 2.4, and our own kinds). Out: bytes that the asker wipes.
// This file and nothing else below cli/ reads the environment: the one variable that a URI names, and
// CREDENTIALS_DIRECTORY for `credential:`.

import { isAbsolute, join, resolve } from 'node:path'
import { HardkeyError } from '../errors.ts'
import { readOwnFile } from '../files/read-own-file.ts'
import { readDescriptor } from './descriptor.ts'
import { ownCopy } from './secret.ts'
import type { KeyUri } from './uri.ts'

/** What a device asks for. */
export interface PinRequest {
  readonly kind: 'PIN' | 'passphrase' | 'auth value' | 'token' | 'access token' | 'secret ID' | 'password' | 'JWT'
  /** What it is for, in words for a person: `token "prod" (serial 4711)`. */
  readonly target: string
  /** It is being set, not asked for: a person types it twice. */
  readonly isNew?: boolean | undefined
  /** The way that the key URI names, where it is for whoever is asked: another than `prompt:`. */
  readonly source?: 'pinentry:' | 'askpass:' | `keyring:${string}` | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Gives what unlocks a device, as bytes (UTF-8 where a person types it). The bytes are taken over and wiped; they are
 * tried once. A source that has nothing to give throws ERR_PIN_REQUIRED and never returns an empty array.
 */
export type PinSource = (request: PinRequest) => Promise<Uint8Array>

/** No device takes a longer PIN; a longer file is another file. Tokens of services carry signatures and claims. */
const longestPin = 1024
const longestToken = 16_384

/** Where what unlocks the device comes from: `pin-source`, or the same under the name of what a service asks for. */
const sourceNames: readonly string[] = ['pin-source', 'token-source', 'secret-source', 'password-source', 'jwt-source']
const kinds = 'file:PATH, fd:N, env:VARIABLE, credential:NAME, keyring:NAME, prompt:, pinentry: or askpass:'

/**
 * The PIN source that the URI names: a `pin-source`, by whichever of its names (`file:` or a bare path, `fd:`, `env:`, `credential:`, `prompt:`), a
 * `pin-value`, or, where it names none, `ask`, which `pinentry:`, `askpass:` and `keyring:NAME` are told to as well. Nothing is read before the source is asked. One line ending at the end
 * is taken off what a file, a descriptor, a variable or a credential gives.
 *
 * @throws ERR_URI_INVALID for a source that is not one. When asked: ERR_URI_INVALID for a file or descriptor that is
 * missing or could be read by others, ERR_SECRET_INVALID for content that is empty, longer than 1 KiB or has two
 * lines, ERR_PIN_REQUIRED where nothing can be asked, ERR_BACKEND_UNSUPPORTED for `pinentry:`, `askpass:` and `keyring:`
 * where there is no `ask`
 */
export function pinSourceOf(uri: KeyUri, ask?: PinSource): PinSource {
  const [attribute, other] = sourceNames.filter((name) => uri.has(name))
  if (attribute !== undefined && other !== undefined) {
    throw invalid(`the key URI has both ${attribute} and ${other}`, 'leave one of them out')
  }
  const named = attribute === undefined ? undefined : uri.get(attribute)
  if (uri.has('pin-value')) {
    if (attribute !== undefined) throw invalid(`the key URI has both ${attribute} and pin-value`, 'leave pin-value out')
    return async () => uri.pinValue()?.lend(ownCopy) ?? nothing()
  }
  if (attribute === undefined || named === undefined || named === 'prompt:') return asked(ask)
  return namedSource(attribute, named, ask)
}

/** True where the URI says where what unlocks the device comes from. */
export function namesPinSource(uri: KeyUri): boolean {
  return uri.has('pin-value') || sourceNames.some((name) => uri.has(name))
}

/** True where a source is a person, asked in the way that the URI names. */
export function namesPerson(uri: KeyUri): boolean {
  return namedBy(uri, /^((?:prompt|pinentry|askpass):)$/).length > 0
}

/** Names of the variables that the URI names as sources: `NAME` of `pin-source=env:NAME`. */
export function variablesOf(uri: KeyUri): readonly string[] {
  return namedBy(uri, /^env:(.+)$/s)
}

/** Numbers of the descriptors that the URI names as sources: 3 of `pin-source=fd:3`. */
export function descriptorsOf(uri: KeyUri): readonly number[] {
  return namedBy(uri, /^fd:(\d{1,9})$/).map(Number)
}

/** Also in the sources that one device alone has: `owner-auth-source`. */
function namedBy(uri: KeyUri, form: RegExp): readonly string[] {
  const sources = uri.names().filter((name) => name.endsWith('-source'))
  return sources.flatMap((name) => form.exec(uri.get(name) ?? '')?.[1] ?? [])
}

/** The URI without the source of what unlocks the device: for whoever has asked it and hands the answer on. */
export function withoutPinSource(uri: KeyUri): KeyUri {
  const names = [...sourceNames, 'pin-value']
  return uri.with({ query: Object.fromEntries(names.map((name) => [name, undefined])) })
}

/** The URI whose source is whoever is asked: for a source that was read once, and whose answer is handed on. */
export function withAskedPinSource(uri: KeyUri): KeyUri {
  const named = sourceNames.filter((name) => uri.has(name))
  const query = Object.fromEntries(named.map((name) => [name, 'prompt:']))
  return withoutPinSource(uri).with({ query })
}

function namedSource(attribute: string, named: string, ask: PinSource | undefined): PinSource {
  const [, kind = '', rest = ''] = /^([a-z]+):(.*)$/s.exec(named) ?? []
  // A Windows path begins like a kind of one letter.
  if (kind.length < 2) return fromFile(attribute, named)
  switch (kind) {
    case 'file':
      return fromFile(attribute, pathOfFileUri(rest))
    case 'fd':
      return fromDescriptor(attribute, rest)
    case 'env':
      return fromVariable(attribute, rest)
    case 'credential':
      return fromCredential(attribute, rest)
    case 'pinentry':
    case 'askpass':
      // Whoever writes the URI would else say which program runs.
      if (rest !== '') throw invalid(`${attribute}=${kind}: takes nothing behind it`, `write ${kind}: alone`)
      return askedBy(attribute, `${kind}:`, ask)
    case 'keyring':
      if (!/^[A-Za-z0-9._@-]+$/.test(rest)) {
        throw invalid(`${attribute}=keyring: needs the name of an entry`, 'letters, digits, ".", "_", "@", "-"')
      }
      return askedBy(attribute, `keyring:${rest}`, ask)
    default:
      throw invalid(`${attribute} is of a kind that hardkey does not have`, `use ${kinds}`)
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

function askedBy(attribute: string, source: NonNullable<PinRequest['source']>, ask: PinSource | undefined): PinSource {
  if (ask !== undefined) return async (request) => await asked(ask)({ ...request, source })
  return async () => {
    throw new HardkeyError('ERR_BACKEND_UNSUPPORTED', `${attribute}=${source} is for the command`, {
      hint: 'a program gives the option pin of openKey, or file:, fd:, env: or credential: in the URI',
    })
  }
}

/** RFC 8089: `file:/path`, `file:///path`, `file://localhost/path`. The URI's percent codes are decoded already. */
function pathOfFileUri(rest: string): string {
  const path = rest.replace(/^\/\/(localhost)?(?=\/)/, '')
  return /^\/[A-Za-z]:[\\/]/.test(path) ? path.slice(1) : path
}

function fromFile(attribute: string, path: string): PinSource {
  // RFC 7512, section 2.4, lets a pin-source be a command; whoever writes the URI would then run programs.
  if (path.startsWith('|')) throw invalid(`${attribute} is a command, which hardkey never runs`, `use ${kinds}`)
  if (!isAbsolute(path) || path.startsWith('//')) {
    throw invalid(`${attribute} names a file by a path that is not absolute`, `write file:${resolve('.')}/NAME`)
  }
  return async ({ kind }) => {
    // The kubelet writes a pod's own token readable for everyone in the pod.
    const isSecret = kind !== 'JWT'
    const bytes = await readOwnFile(path, { maxBytes: longestOf(kind) + 2, secret: isSecret, code: 'ERR_URI_INVALID' })
    return checkedPin(bytes, kind, `"${path}"`)
  }
}

function fromDescriptor(attribute: string, text: string): PinSource {
  if (!/^\d{1,9}$/.test(text) || text === '1' || text === '2') {
    throw invalid(`${attribute}=fd: needs the number of an open descriptor, 0 or 3 and up`, 'write fd:3')
  }
  return async ({ kind, signal }) => {
    const bytes = await readDescriptor(Number(text), longestOf(kind) + 2, signal)
    return checkedPin(bytes, kind, `descriptor ${text}`)
  }
}

function fromVariable(attribute: string, name: string): PinSource {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw invalid(`${attribute}=env: needs the name of a variable`)
  return async ({ kind }) => {
    const value = process.env[name]
    if (value === undefined) {
      throw new HardkeyError('ERR_PIN_REQUIRED', `the variable ${name}, which ${attribute} names, is not set`)
    }
    return checkedPin(new TextEncoder().encode(value), kind, `the variable ${name}`)
  }
}

/** systemd.exec(5), LoadCredential=: a file in a folder that only this service can search. */
function fromCredential(attribute: string, name: string): PinSource {
  if (!/^[A-Za-z0-9._-]+$/.test(name) || name === '.' || name === '..') {
    throw invalid(`${attribute}=credential: needs the name of a systemd credential`, 'letters, digits, ".", "_", "-"')
  }
  return async ({ kind }) => {
    const folder = process.env.CREDENTIALS_DIRECTORY
    if (folder === undefined || !isAbsolute(folder)) {
      throw new HardkeyError('ERR_PIN_REQUIRED', `no credential ${name}: CREDENTIALS_DIRECTORY is not set`, {
        hint: `run as a systemd service with LoadCredentialEncrypted=${name}`,
      })
    }
    const path = join(folder, name)
    const bytes = await readOwnFile(path, { maxBytes: longestOf(kind) + 2, secret: true, code: 'ERR_URI_INVALID' })
    return checkedPin(bytes, kind, `the credential ${name}`)
  }
}

/** What was read without its one line ending; takes the bytes over. */
export function checkedPin(bytes: Uint8Array, kind: PinRequest['kind'], origin: string): Uint8Array {
  try {
    const pin = bytes.subarray(0, bytes.length - lineEnding(bytes))
    const longest = longestOf(kind)
    const fault = faultOf(pin, longest)
    if (fault === undefined) return ownCopy(pin)
    throw new HardkeyError('ERR_SECRET_INVALID', `the ${kind} in ${origin} ${fault}`, {
      hint: `it is one line of 1 to ${longest} bytes`,
    })
  } finally {
    bytes.fill(0)
  }
}

function lineEnding(bytes: Uint8Array): 0 | 1 | 2 {
  if (bytes.at(-1) !== 0x0a) return 0
  return bytes.at(-2) === 0x0d ? 2 : 1
}

function longestOf(kind: PinRequest['kind']): number {
  return kind === 'token' || kind === 'access token' || kind === 'JWT' ? longestToken : longestPin
}

function faultOf(pin: Uint8Array, longest: number): string | undefined {
  if (pin.length === 0) return 'is empty'
  if (pin.length > longest) return `is longer than ${longest} bytes`
  if (pin.includes(0x0a) || pin.includes(0x0d)) return 'has more than one line'
  return pin.includes(0) ? 'has a NUL byte' : undefined
}

function nothing(): never {
  throw new HardkeyError('ERR_PIN_REQUIRED', 'the key URI has an empty pin-value')
}

function invalid(message: string, hint?: string): HardkeyError {
  return new HardkeyError('ERR_URI_INVALID', message, { hint })
}
