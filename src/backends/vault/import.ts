// A secret checks in to a transit engine. In: a key URI and the bytes of the key. Out: the URI that opens it, with the
// attributes read back; or no key at all. HTTP API, transit, Import Key: wrapped, type `hmac`, not exportable.
// 1. A key of that name is never touched: ERR_KEY_EXISTS.
// 2. The secret leaves this process wrapped under the server's RSA-4096 key alone (wrapping.ts).
// 3. Where the answer of the import is lost, the key is looked up and its HMAC compared; it is never sent twice.

import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import { HardkeyError } from '../../errors.ts'
import { checkLabel } from '../../key/check-label.ts'
import { fingerprint } from '../../key/fingerprint.ts'
import type { DeviceContext, ImportedKey, KeyImporter, KeyWrapping, WrappedKey } from '../../key/hmac-key.ts'
import type { Secret } from '../../key/secret.ts'
import type { KeyUri } from '../../key/uri.ts'
import { type KeyAnswer, readHmac, readWrappingKey } from './answer.ts'
import { diagnose, type Refused } from './diagnosis.ts'
import { keyInfo, readKeyFacts } from './key-facts.ts'
import { vaultKeyAddress } from './key-uri.ts'
import { type Asking, ask, askForHmac, keyPath } from './requests.ts'
import { type Settings, settingsOf, type VaultOptions } from './settings.ts'
import { refusal, type VaultAnswer } from './status.ts'
import { withServer } from './with-server.ts'
import { checkedWrappingKey, spkiOf, wrapped } from './wrapped.ts'

/** HTTP API, transit: a key of type `hmac` has at least this many bytes. */
const shortestKey = 32

/**
 * Imports keys of 32 bytes and more. The token must be allowed to read the wrapping key, and to read, import and use the
 * key; to remove it again, also to write its `config` and to delete it.
 *
 * Who must not need it: the command's `import` uses it. Throws as `vaultBackend().open`, ERR_KEY_EXISTS,
 * ERR_SECRET_INVALID for a shorter key, ERR_POLICY_REFUSED, and ERR_KEY_UNUSABLE where the server does not keep the key as
 * it was asked to.
 *
 * @throws ERR_USAGE for a time that is not a number above 0, or is beyond 24 days
 */
export function vaultImporter(options: VaultOptions = {}): KeyImporter & Pick<KeyWrapping, 'importWrapped'> {
  return new VaultImporter(settingsOf(options))
}

class VaultImporter implements KeyImporter {
  readonly scheme = 'vault'
  readonly #settings: Settings

  constructor(settings: Settings) {
    this.#settings = settings
  }

  async import(uri: KeyUri, key: Secret, context: DeviceContext): Promise<ImportedKey> {
    const address = vaultKeyAddress(uri)
    refuseShort(key)
    return await withServer(address, this.#settings, context, async (asking) => {
      await refuseTaken(asking)
      const ciphertext = wrapped(key, await offeredKey(asking))
      await send(asking, ciphertext, (hmac) => isHmacUnder(key, hmac))
      return await this.#imported(asking, uri, context)
    })
  }

  /** A key that was encrypted elsewhere for the wrapping key of this very engine. */
  async importWrapped(uri: KeyUri, delivered: WrappedKey, context: DeviceContext): Promise<ImportedKey> {
    return await withServer(vaultKeyAddress(uri), this.#settings, context, async (asking) => {
      await refuseTaken(asking)
      if (fingerprint(spkiOf(await offeredKey(asking))) !== delivered.name) throw forAnother(asking, delivered)
      const isOurs = (hmac: Uint8Array): boolean => Buffer.from(hmac.subarray(0, 8)).toString('hex') === delivered.check
      await send(asking, delivered.ciphertext, isOurs)
      return await this.#imported(asking, uri, context)
    })
  }

  async #imported(asking: Asking, uri: KeyUri, context: DeviceContext): Promise<ImportedKey> {
    const facts = await judged(asking)
    const imported = uri.with({ query: { 'key-version': String(facts.latestVersion) } })
    const remove = (): Promise<void> => this.remove(imported, { pin: context.pin })
    return { uri: imported, info: keyInfo(vaultKeyAddress(imported), asking.client.where, facts, []), remove }
  }

  async remove(uri: KeyUri, context: DeviceContext): Promise<void> {
    // Whatever version it has now: it is to go.
    const address = { ...vaultKeyAddress(uri), keyVersion: undefined }
    await withServer(address, this.#settings, context, async (asking) => {
      await readKeyFacts(asking)
      await removeKey(asking)
    })
  }
}

/** @throws ERR_SECRET_INVALID */
export function refuseShort(key: Secret): void {
  if (key.length >= shortestKey) return
  throw new HardkeyError('ERR_SECRET_INVALID', `a transit engine takes HMAC keys of ${shortestKey} bytes and more`)
}

async function refuseTaken(asking: Asking): Promise<void> {
  const { address } = asking
  const facts = await factsIfThere(asking)
  if (facts === undefined) return
  throw new HardkeyError(
    'ERR_KEY_EXISTS',
    `${asking.client.where} has a key "${address.key}" at ${address.mount} already`,
    {
      hint: 'it is never overwritten; take another key in the key URI, or forget the old one first',
    },
  )
}

/** Undefined where there is no such key. @throws ERR_POLICY_REFUSED where that cannot be seen */
async function factsIfThere(asking: Asking): Promise<KeyAnswer | undefined> {
  const address = { ...asking.address, keyVersion: undefined }
  let facts: KeyAnswer | undefined
  try {
    facts = await readKeyFacts({ ...asking, address })
  } catch (error) {
    if (error instanceof HardkeyError && error.code === 'ERR_KEY_NOT_FOUND') return undefined
    throw error
  }
  if (facts !== undefined) return facts
  throw (await diagnose(asking, { path: keyPath(address), capability: 'read' })).error
}

/** The wrapping key of the engine, checked. @throws ERR_DEVICE_FAILED, ERR_POLICY_REFUSED */
export async function offeredKey(asking: Asking): Promise<KeyObject> {
  const path = `${asking.address.mount}/wrapping_key`
  const offered = await ask(asking, { method: 'GET', path })
  if (offered.status !== 200) throw await refused(asking, offered, { path, capability: 'read' })
  return checkedWrappingKey(readWrappingKey(offered.body, offered.where), offered.where)
}

async function send(asking: Asking, ciphertext: Uint8Array, isOurs: (hmac: Uint8Array) => boolean): Promise<void> {
  const path = keyPath(asking.address, '/import')
  const body = JSON.stringify({
    ciphertext: Buffer.from(ciphertext).toString('base64'),
    hash_function: 'SHA256',
    type: 'hmac',
    allow_rotation: false,
    exportable: false,
    allow_plaintext_backup: false,
  })
  let answer: VaultAnswer
  try {
    answer = await ask(asking, { method: 'POST', path, body, once: true })
  } catch (error) {
    await mustBeThere(asking, isOurs, error)
    return
  }
  if (answer.status !== 200 && answer.status !== 204) {
    throw await refused(asking, answer, { path, capability: 'update' })
  }
}

/** The import may have been done, and its answer lost. @throws the failure where it was not */
async function mustBeThere(asking: Asking, isOurs: (hmac: Uint8Array) => boolean, failure: unknown): Promise<void> {
  // What the caller ended stays ended; the connection may be gone with it.
  asking.signal?.throwIfAborted()
  if ((await factsIfThere(asking)) === undefined) throw failure
  const answer = await askForHmac(asking, checkLabel())
  if (answer.status !== 200) throw failure
  const { hmac } = readHmac(answer.body, answer.where)
  const isThis = isOurs(hmac)
  hmac.fill(0)
  if (isThis) return
  throw new HardkeyError('ERR_KEY_EXISTS', `somebody made another key "${asking.address.key}" at the same time`, {
    hint: 'take another key in the key URI',
    cause: failure,
  })
}

function isHmacUnder(key: Secret, hmac: Uint8Array): boolean {
  const expected = key.lend((bytes) => createHmac('sha256', bytes).update(checkLabel()).digest())
  const isSame = timingSafeEqual(hmac, expected)
  expected.fill(0)
  return isSame
}

function forAnother({ client, address }: Asking, { device }: WrappedKey): HardkeyError {
  return new HardkeyError('ERR_KEY_UNUSABLE', `the key is not wrapped for ${client.where}, mount ${address.mount}`, {
    hint: `it is for ${device}; print the wrapping key of this one, and have the key wrapped for it`,
  })
}

/** What the server says of the new key. Where it does not keep it as asked, the key is removed again. */
async function judged(asking: Asking): Promise<KeyAnswer> {
  const facts = await factsIfThere(asking)
  const faults = facts === undefined ? ['not there'] : faultsOf(facts)
  if (facts !== undefined && faults.length === 0) return facts
  if (facts !== undefined) await removeKey(asking)
  throw new HardkeyError(
    'ERR_KEY_UNUSABLE',
    `the server does not keep the key as it was asked to: ${faults.join(', ')}`,
    {
      hint: 'the key was removed again',
    },
  )
}

function faultsOf({
  type,
  latestVersion,
  exportable,
  allowPlaintextBackup,
  importedAllowsRotation,
}: KeyAnswer): string[] {
  return [
    ...(type === 'hmac' ? [] : [`type ${type}`]),
    ...(latestVersion === 1 ? [] : [`version ${latestVersion}`]),
    ...(exportable ? ['exportable'] : []),
    ...(allowPlaintextBackup ? ['allow_plaintext_backup'] : []),
    ...(importedAllowsRotation === true ? ['imported_key_allow_rotation'] : []),
  ]
}

/** Deletion must be allowed first. HTTP API, transit, Update Key Configuration and Delete Key. */
async function removeKey(asking: Asking): Promise<void> {
  const steps = [
    { method: 'POST', path: keyPath(asking.address, '/config'), body: '{"deletion_allowed":true}' },
    { method: 'DELETE', path: keyPath(asking.address), body: undefined },
  ] as const
  for (const step of steps) {
    const answer = await ask(asking, step)
    if (answer.status === 200 || answer.status === 204) continue
    const capability = step.method === 'DELETE' ? 'delete' : 'update'
    const failure = await refused(asking, answer, { path: step.path, capability })
    // It was there a moment ago: an answer was lost, and the deletion sent again.
    if (step.method === 'DELETE' && failure.code === 'ERR_KEY_NOT_FOUND') continue
    throw failure
  }
}

async function refused(asking: Asking, answer: VaultAnswer, what: Refused): Promise<HardkeyError> {
  return answer.status === 403 ? (await diagnose(asking, what)).error : refusal(answer, asking.address)
}
