// A key URI: which key, in which device, and how the device is reached and unlocked.
// In: text in the syntax of RFC 7512, whatever the scheme. Out: decoded attributes, and text again without a PIN.
// What the attributes of a scheme mean is its backend's business.

import { inspect } from 'node:util'
import { HardkeyError } from '../errors.ts'
import { didYouMean } from './did-you-mean.ts'
import { Secret } from './secret.ts'
import {
  type Attributes,
  type AttributeValue,
  attributesFrom,
  isSecretName,
  readUriText,
  refuseInBoth,
  type UriParts,
  writeUriText,
} from './uri-text.ts'

/** Attributes to set, by name, as decoded text or bytes. */
export type UriValues = Readonly<Record<string, string | Uint8Array>>

/** Changes to the attributes of a URI; `undefined` takes one away. */
export interface UriChanges {
  readonly path?: Readonly<Record<string, string | Uint8Array | undefined>> | undefined
  readonly query?: Readonly<Record<string, string | Uint8Array | undefined>> | undefined
}

/**
 * A key URI, immutable. A `pin-value` is held as a Secret: neither `toString()` nor `get()` nor JSON shows it, only
 * `pinValue()` gives it.
 *
 * @example
 * ```ts
 * import { KeyUri } from 'hardkey'
 * const uri = KeyUri.parse('pkcs11:token=prod;object=aws?module-path=/usr/lib/libhsm.so&pin-value=1234')
 * console.log(uri.get('token')) // 'prod'
 * console.log(`${uri}`) // 'pkcs11:token=prod;object=aws?module-path=%2Fusr%2Flib%2Flibhsm.so&pin-value=[secret]'
 * ```
 */
export class KeyUri {
  /** In lower case, without the colon: `pkcs11`. */
  readonly scheme: string
  readonly #path: Attributes
  readonly #query: Attributes

  private constructor(parts: UriParts) {
    this.scheme = parts.scheme
    this.#path = parts.path
    this.#query = parts.query
    // As a method it would need a computed name, which isolatedDeclarations refuses.
    Object.defineProperty(this, inspect.custom, { value: () => `KeyUri ${this.toString()}` })
  }

  /**
   * The URI that the text says. A raw `/` in a value is read. Whether hardkey knows the scheme and the attributes is
   * not asked here.
   *
   * @throws ERR_URI_INVALID for malformed text and for 64 KiB of it; names the attribute and the character, counted
   * from 1, and never shows a value
   */
  static parse(text: string): KeyUri {
    return new KeyUri(readUriText(text))
  }

  /**
   * A URI from decoded values.
   *
   * @throws ERR_URI_INVALID for a name or value that no URI can hold
   */
  static of(scheme: string, path: UriValues, query: UriValues = {}): KeyUri {
    const parts = { scheme, path: attributesFrom(path), query: attributesFrom(query) }
    refuseInBoth(parts.path, parts.query)
    return new KeyUri(parts)
  }

  /** Decoded text of an attribute of path or query. Undefined where there is none, it is not text, or it is the PIN. */
  get(name: string): string | undefined {
    const bytes = this.#plain(name)
    if (bytes === undefined) return undefined
    const text = Buffer.from(bytes).toString()
    return Buffer.from(text).equals(bytes) ? text : undefined
  }

  /** Decoded bytes of an attribute, a copy: 01 02 for `id=%01%02`. Undefined where there is none, or it is the PIN. */
  bytes(name: string): Uint8Array | undefined {
    return this.#plain(name)?.slice()
  }

  has(name: string): boolean {
    return this.#path.has(name) || this.#query.has(name)
  }

  /** Every name, path first, in the order of the text. */
  names(): readonly string[] {
    return [...this.#path.keys(), ...this.#query.keys()]
  }

  /**
   * Refuses attributes that the backend does not know. One of the query is taken in the path too, as other tools write.
   * A backend calls this first.
   *
   * @throws ERR_URI_INVALID, with the name that was probably meant
   */
  expect(path: readonly string[], query: readonly string[]): void {
    const known = [...path, ...query]
    const unknown = [...this.#path.keys()].find((name) => !known.includes(name))
    this.#refuseUnknown(unknown, known)
    const unknownInQuery = [...this.#query.keys()].find((name) => !query.includes(name))
    if (unknownInQuery !== undefined && path.includes(unknownInQuery)) {
      throw new HardkeyError('ERR_URI_INVALID', `attribute "${unknownInQuery}" stands after the "?" of the key URI`, {
        hint: 'attributes that say which key stand before the "?"',
      })
    }
    this.#refuseUnknown(unknownInQuery, query)
  }

  /** The same URI with some attributes set or taken away. An attribute moves to the part in which it is set. */
  with(changes: UriChanges): KeyUri {
    const path = new Map(this.#path)
    const query = new Map(this.#query)
    change(path, query, changes.path ?? {})
    change(query, path, changes.query ?? {})
    return new KeyUri({ scheme: this.scheme, path, query })
  }

  /** The same URI without `pin-value`: what a record keeps. */
  withoutSecrets(): KeyUri {
    return new KeyUri({ scheme: this.scheme, path: withoutPin(this.#path), query: withoutPin(this.#query) })
  }

  /**
   * The PIN of a `pin-value`, a fresh copy that the caller wipes. The text that was parsed keeps it too, which is why
   * `pin-source` is better.
   */
  pinValue(): Secret | undefined {
    const value = this.#path.get('pin-value') ?? this.#query.get('pin-value')
    return value instanceof Secret ? Secret.join(value) : undefined
  }

  /** RFC 7512 text, `/` percent-encoded; a `pin-value` shows as `[secret]`. */
  toString(): string {
    return writeUriText({ scheme: this.scheme, path: this.#path, query: this.#query })
  }

  toJSON(): string {
    return this.toString()
  }

  #plain(name: string): Uint8Array | undefined {
    const value = this.#path.get(name) ?? this.#query.get(name)
    return value instanceof Secret ? undefined : value
  }

  #refuseUnknown(name: string | undefined, known: readonly string[]): void {
    if (name === undefined) return
    // Behind a PIN with a raw ";" or "&" in it, what looks like a name may be the rest of the PIN.
    const hidden = this.names().some(isSecretName)
    const shown = hidden ? 'an attribute' : `the attribute "${name}"`
    const meant = hidden ? undefined : didYouMean(name, known)
    throw new HardkeyError('ERR_URI_INVALID', `${this.scheme}: does not have ${shown} of this key URI`, {
      hint: meant === undefined ? `it has ${known.join(', ')}` : `did you mean "${meant}"?`,
    })
  }
}

function change(
  target: Map<string, AttributeValue>,
  other: Map<string, AttributeValue>,
  values: Readonly<Record<string, string | Uint8Array | undefined>>,
): void {
  for (const [name, value] of Object.entries(values)) {
    other.delete(name)
    if (value === undefined) target.delete(name)
    else for (const [checkedName, checked] of attributesFrom({ [name]: value })) target.set(checkedName, checked)
  }
}

function withoutPin(attributes: Attributes): Attributes {
  return new Map([...attributes].filter(([name]) => !isSecretName(name)))
}
