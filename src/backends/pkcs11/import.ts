// A secret checks in to a PKCS#11 token. In: a key URI and the bytes of the key. Out: the URI that opens it, with the
// attributes read back; or no object at all. OASIS PKCS#11 Specification 3.1, sections 4.10 and 5.7 (C_CreateObject).
// 1. An object with the same label or id is never touched: ERR_KEY_EXISTS.
// 2. Only what the token itself says afterwards counts; an object that it does not protect is destroyed again.
// 3. Imports of one user to one token look and make in turn: SoftHSM may not see what another process makes meanwhile.
// 4. CKA_ALWAYS_SENSITIVE and CKA_NEVER_EXTRACTABLE say nothing about an imported key, and are not looked at.

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { HardkeyError } from '../../errors.ts'
import { findRuntimeFolder } from '../../files/runtime-folder.ts'
import { fingerprint } from '../../files/stamp.ts'
import { withLock } from '../../files/with-lock.ts'
import type { DeviceContext, ImportedKey, KeyImporter, KeyInfo, KeyWrapping, WrappedKey } from '../../key/hmac-key.ts'
import type { Secret } from '../../key/secret.ts'
import type { KeyUri } from '../../key/uri.ts'
import { type KeyAddress, keyAddress, tokenAddress } from './address.ts'
import { describe, findKey, flaws, limits, shownAttributes } from './key-object.ts'
import { type Arrival, isTemplateFault, templates } from './key-templates.ts'
import type { KeyAttributes, Template } from './messages.ts'
import { modulePathOf } from './module-path.ts'
import { describeToken, uriOf } from './token.ts'
import { openToken, type Pkcs11Options, type Settings, settingsOf, type TokenSession } from './token-session.ts'
import { findPair, oaepHashOf } from './wrapping-pair.ts'

/** Bytes of CKA_ID where the URI names none: enough that two of them never meet. */
const idBytes = 8

/**
 * Makes keys on PKCS#11 tokens: a secret key object that is sensitive, private, not extractable, and good for HMAC
 * alone. Each attribute is read back; where the token does not keep one that matters, the object is destroyed and
 * ERR_KEY_UNUSABLE thrown. The URI must name `object` or `id`; a missing id is made.
 *
 * Who must not need it: the command's `import` uses it. Throws as `pkcs11Backend().open`, ERR_KEY_EXISTS, and
 * ERR_BACKEND_UNSUPPORTED where the token takes no such key.
 *
 * @throws ERR_USAGE for a time that is not a number above 0, or is beyond 24 days
 */
export function pkcs11Importer(options: Pkcs11Options = {}): KeyImporter & Pick<KeyWrapping, 'importWrapped'> {
  return new Pkcs11Importer(settingsOf(options))
}

/** How an object comes to be. */
interface NewObject {
  readonly arrival: Arrival
  /** Makes one object and reads its attributes back. */
  make(template: Template): Promise<KeyAttributes>
}

class Pkcs11Importer implements KeyImporter {
  readonly scheme = 'pkcs11'
  readonly #settings: Settings

  constructor(settings: Settings) {
    this.#settings = settings
  }

  async import(uri: KeyUri, key: Secret, context: DeviceContext): Promise<ImportedKey> {
    // The bytes are lent for the time of the call alone: the frame is made before the client first waits.
    return await this.#bring(uri, context, async ({ client }) => ({
      arrival: 'given',
      make: (template) => key.lend((bytes) => client.create(template, bytes)),
    }))
  }

  /** A key that was encrypted elsewhere for a wrapping pair of this very token. */
  async importWrapped(uri: KeyUri, wrapped: WrappedKey, context: DeviceContext): Promise<ImportedKey> {
    const hash = oaepHashOf(wrapped.kind)
    return await this.#bring(uri, context, async ({ client }) => {
      const pair = await findPair(client, wrapped, context.signal)
      const make = (template: Template) => client.unwrap({ pair, hash, template }, wrapped.ciphertext)
      return { arrival: 'unwrapped', make }
    })
  }

  /** `prepare` gives what makes one object by a template. */
  async #bring(
    uri: KeyUri,
    context: DeviceContext,
    prepare: (session: TokenSession) => Promise<NewObject>,
  ): Promise<ImportedKey> {
    const target = completed(uri)
    const session = await this.#open(target, context)
    try {
      const attributes = await this.#alone(session, context, async () => {
        await refuseTaken(session, target, context.signal)
        return await this.#make(session, target, await prepare(session), context)
      })
      const imported = importedUri(session, target)
      const remove = () => this.remove(imported, { pin: context.pin })
      return { uri: imported, info: infoOf(session, attributes, keyAddress(uri)), remove }
    } finally {
      await session.client.close()
    }
  }

  /** Runs `act` while no other import to this token does, where there is a folder for the lock. */
  async #alone<T>({ token }: TokenSession, { signal }: DeviceContext, act: () => Promise<T>): Promise<T> {
    const { path } = findRuntimeFolder({})
    if (path === undefined) return await act()
    const lock = join(path, `lock-${fingerprint(`pkcs11 ${describeToken(token)}`)}`)
    return await withLock(lock, { waitMilliseconds: this.#settings.timeoutMilliseconds, signal }, act)
  }

  async remove(uri: KeyUri, context: DeviceContext): Promise<void> {
    tokenAddress(uri)
    const address = keyAddress(uri)
    const session = await this.#open(uri, context)
    try {
      const { place } = await findKey(session.client, address, context.signal)
      await session.client.destroy(place)
    } finally {
      await session.client.close()
    }
  }

  /** The complete object, looked at, or none. */
  async #make(session: TokenSession, uri: KeyUri, object: NewObject, context: DeviceContext): Promise<KeyAttributes> {
    const attributes = await this.#create(session, uri, object, context)
    try {
      await judge(session, uri, attributes, object.arrival)
      return attributes
    } catch (error) {
      await this.#undo(session, uri, context, 'created')
      throw error
    }
  }

  /** Tries the narrowest template first. */
  async #create(session: TokenSession, uri: KeyUri, object: NewObject, context: DeviceContext): Promise<KeyAttributes> {
    let refusal: unknown
    for (const template of templates(keyAddress(uri), session.hasLogin, object.arrival)) {
      try {
        return await object.make(template)
      } catch (error) {
        // The module may have hung, crashed or erred after it had made the object, and nobody has read it back.
        await this.#undo(session, uri, context, 'unseen')
        if (!isTemplateFault(error)) throw error
        refusal = error
      }
    }
    throw refusal
  }

  /** Destroys what was made: `unseen` is looked for by its label and id, which nobody had before. */
  async #undo(
    { client, token }: TokenSession,
    uri: KeyUri,
    context: DeviceContext,
    made: 'created' | 'unseen',
  ): Promise<void> {
    const imported = importedUri({ token }, uri)
    try {
      if (client.ended) await this.remove(imported, { pin: context.pin })
      else await client.destroy(made === 'created' ? made : (await findKey(client, keyAddress(imported))).place)
    } catch (error) {
      if (error instanceof HardkeyError && error.code === 'ERR_KEY_NOT_FOUND') return
      throw new HardkeyError('ERR_DEVICE_FAILED', 'the import was cut short, and the token may hold an unchecked key', {
        hint: `look for it, and remove it: pkcs11-tool --delete-object --type secrkey, for ${imported.withoutSecrets()}`,
        cause: error,
      })
    }
  }

  async #open(uri: KeyUri, context: DeviceContext): Promise<TokenSession> {
    return await openToken({ uri, address: tokenAddress(uri), settings: this.#settings, context, write: true })
  }
}

/** The URI with an id of its own, read as bytes from here on. */
function completed(uri: KeyUri): KeyUri {
  tokenAddress(uri)
  const { id, idFromHex } = keyAddress(uri)
  return uri.with({ path: { id: idFromHex ?? id ?? new Uint8Array(randomBytes(idBytes)) } })
}

/** Label and id must both be free: a second object with one of them would make later openings ambiguous. */
async function refuseTaken({ client }: TokenSession, uri: KeyUri, signal: AbortSignal | undefined): Promise<void> {
  for (const address of singly(keyAddress(uri))) {
    const found = await client.find(address, signal)
    if (found.length > 0) throw taken(client.device, address)
  }
}

function singly({ label, id }: KeyAddress): readonly KeyAddress[] {
  const none = { label: undefined, id: undefined, idFromHex: undefined }
  return [...(label === undefined ? [] : [{ ...none, label }]), ...(id === undefined ? [] : [{ ...none, id }])]
}

function taken(device: string, address: KeyAddress): HardkeyError {
  return new HardkeyError('ERR_KEY_EXISTS', `${device} has a secret key with ${describe(address)} already`, {
    hint: 'take another object in the key URI, or remove the old key first: hardkey forget NAME --from-device',
  })
}

/** The object may stay if the token protects it (one that was unwrapped may be modifiable, which is told), and if nobody has made one of the same names meanwhile. */
async function judge(
  { client, hasLogin }: TokenSession,
  uri: KeyUri,
  attributes: KeyAttributes,
  arrival: Arrival,
): Promise<void> {
  const told = arrival === 'unwrapped' ? { ...attributes, CKA_MODIFIABLE: false } : attributes
  const found = flaws(told, hasLogin)
  if (found.length > 0) {
    throw new HardkeyError('ERR_KEY_UNUSABLE', `${client.device} does not protect the key: ${found.join(', ')}`, {
      hint: 'the object was removed again; take another token',
    })
  }
  for (const address of singly(keyAddress(uri))) {
    if ((await client.find(address, undefined)).length !== 1) throw taken(client.device, address)
  }
}

/** Opens this very key: token by label and serial, key by label and id. */
function importedUri({ token }: Pick<TokenSession, 'token'>, uri: KeyUri): KeyUri {
  const { label, id } = keyAddress(uri)
  const source = uri.get('pin-source')
  const names = { ...(label === undefined ? {} : { object: label }), ...(id === undefined ? {} : { id }) }
  return uriOf(token, modulePathOf(uri)).with({
    path: { ...names, type: 'secret-key' },
    query: source === undefined ? {} : { 'pin-source': source },
  })
}

function infoOf(
  { token, protection, hasLogin }: TokenSession,
  attributes: KeyAttributes,
  { idFromHex }: KeyAddress,
): KeyInfo {
  const warnings = [
    ...(hasLogin ? [] : ['the token asks nobody for a PIN: whoever reaches it can use the key']),
    ...(idFromHex === undefined ? [] : ['the id was read as hexadecimal digits; a key URI writes bytes as %01%00']),
    ...limits(attributes),
  ]
  return {
    scheme: 'pkcs11',
    protection,
    device: describeToken(token),
    attributes: Object.freeze({ ...shownAttributes(attributes) }),
    warnings: Object.freeze(warnings),
  }
}
