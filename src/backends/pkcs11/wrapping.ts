// A key comes to a PKCS#11 token encrypted. In: a token, or a key that was wrapped for one. Out: the public half of its wrapping
// pair; the wrapped key, without any token; the key in the token, whose host never sees it.
// OASIS PKCS#11 Specification 3.1, section 5.18.6 (C_UnwrapKey), with RSA-OAEP over the key whole.
// 1. A pair's private half is sensitive, not extractable, and unwraps; where the token takes CKA_UNWRAP_TEMPLATE, it unwraps
//    nothing that would come out again.
// 2. Which hash the token knows for OAEP is tried with random bytes, that leave nothing in it.

import { constants, publicEncrypt, randomBytes } from 'node:crypto'
import { HardkeyError } from '../../errors.ts'
import { fingerprint } from '../../key/fingerprint.ts'
import type { DeviceContext, KeyWrapping, WrappingKey } from '../../key/hmac-key.ts'
import type { Secret } from '../../key/secret.ts'
import type { KeyUri } from '../../key/uri.ts'
import { tokenAddress } from './address.ts'
import { keyTypes } from './constants.ts'
import { pkcs11Importer } from './import.ts'
import { isTemplateFault, templates } from './key-templates.ts'
import type { KeyAttributes, OaepHash, WrappingPair } from './messages.ts'
import { describeToken } from './token.ts'
import { openToken, type Pkcs11Options, settingsOf, type TokenSession } from './token-session.ts'
import { oaepHashOf, oaepKinds, pairLabel, readSpki, spkiOf } from './wrapping-pair.ts'

/** In this order, for tokens that make no longer ones. */
const pairBits = [3072, 2048] as const
const idBytes = 8

/**
 * The token keeps one pair, with the label "hardkey wrapping key". `create` makes it.
 *
 * Who must not need it: the commands `wrapping-key`, `wrap` and `import` use it.
 */
export function pkcs11Wrapping(options: Pkcs11Options = {}): KeyWrapping {
  const importer = pkcs11Importer(options)
  return {
    scheme: 'pkcs11',
    wrappingKey: async (uri, context, { create }) => await readWrappingKey(uri, context, options, create),
    wrap: (key, wrappingKey) => encrypted(key, wrappingKey),
    importWrapped: async (uri, wrapped, context) => await importer.importWrapped(uri, wrapped, context),
  }
}

function encrypted(key: Secret, { kind, name, publicKey }: WrappingKey): Uint8Array {
  const oaepHash = oaepHashOf(kind)
  if (fingerprint(publicKey) !== name) {
    throw new HardkeyError('ERR_KEY_FILE_INVALID', 'the wrapping key is not the one that the file names')
  }
  return key.lend((bytes) => oaep(publicKey, oaepHash, bytes))
}

function oaep(spki: Uint8Array, oaepHash: OaepHash, bytes: Uint8Array): Uint8Array {
  const padding = constants.RSA_PKCS1_OAEP_PADDING
  return new Uint8Array(publicEncrypt({ key: readSpki(spki), padding, oaepHash }, bytes))
}

async function readWrappingKey(
  uri: KeyUri,
  context: DeviceContext,
  options: Pkcs11Options,
  create: boolean,
): Promise<WrappingKey> {
  const wish = { uri, address: tokenAddress(uri), settings: settingsOf(options), context, write: true }
  const session = await openToken(wish)
  try {
    const { pair, isNew } = await onlyPair(session, context.signal, create)
    try {
      return await describe(session, pair)
    } catch (error) {
      // It is the last that was made: nothing was unwrapped by it.
      if (isNew && !session.client.ended) await session.client.destroy('created')
      throw error
    }
  } finally {
    await session.client.close()
  }
}

async function describe(session: TokenSession, pair: WrappingPair): Promise<WrappingKey> {
  const flaws = pairFlaws(pair.attributes)
  if (flaws.length > 0) {
    const message = `${session.client.device} does not protect its wrapping key: ${flaws.join(', ')}`
    throw new HardkeyError('ERR_KEY_UNUSABLE', message, {
      hint: 'whoever has the PIN could read what is sent to it; take another token',
    })
  }
  const publicKey = spkiOf(pair)
  const hash = await knownHash(session, publicKey)
  const isOpen = await unwrapsInClear(session, publicKey, hash)
  return {
    scheme: 'pkcs11',
    kind: oaepKinds[hash],
    device: describeToken(session.token),
    name: fingerprint(publicKey),
    publicKey,
    warnings: isOpen ? [openWarning] : [],
  }
}

const openWarning =
  'the token does not bind what its wrapping key unwraps (CKA_UNWRAP_TEMPLATE): a program that has the PIN and a wrapped file ' +
  'could read the secret'

/** The pair, found or made, at the place 0. */
async function onlyPair(
  session: TokenSession,
  signal: AbortSignal | undefined,
  create: boolean,
): Promise<{ readonly pair: WrappingPair; readonly isNew: boolean }> {
  const { client } = session
  const [pair, second] = await client.pairs(Buffer.from(pairLabel), signal)
  if (second !== undefined) {
    throw new HardkeyError('ERR_KEY_AMBIGUOUS', `${client.device} has several pairs with the label "${pairLabel}"`, {
      hint: 'remove those that are not needed, as with pkcs11-tool --delete-object',
    })
  }
  if (pair !== undefined && create) {
    throw new HardkeyError('ERR_KEY_EXISTS', `${client.device} has a wrapping key already`, {
      hint: 'leave --create out',
    })
  }
  if (pair !== undefined) return { pair, isNew: false }
  if (create) return { pair: await madePair(session), isNew: true }
  throw new HardkeyError('ERR_KEY_NOT_FOUND', `${client.device} has no wrapping key`, {
    hint: 'make one: hardkey wrapping-key URI --create',
  })
}

async function madePair({ client }: TokenSession): Promise<WrappingPair> {
  const label = Buffer.from(pairLabel).toString('hex')
  const id = randomBytes(idBytes).toString('hex')
  let refusal: unknown
  for (const bits of pairBits) {
    for (const narrow of [true, false]) {
      try {
        return await client.makePair({ label, id, bits, narrow })
      } catch (error) {
        const isSize = error instanceof HardkeyError && error.serviceCode === 'CKR_KEY_SIZE_RANGE'
        if (!isTemplateFault(error) && !isSize) throw error
        refusal = error
      }
    }
  }
  throw refusal
}

/** Attributes of the private half that are not as they must be. */
function pairFlaws(attributes: KeyAttributes): readonly string[] {
  const wanted = { CKA_SENSITIVE: true, CKA_EXTRACTABLE: false, CKA_UNWRAP: true, CKA_DECRYPT: false } as const
  return Object.entries(wanted).flatMap(([name, value]) => {
    const told = attributes[name as keyof typeof wanted]
    return told === value ? [] : [`${name} is ${told === undefined ? 'not told' : told}`]
  })
}

/** The first hash by which the token unwraps. What it unwraps is an object of the session, which ends with it. */
async function knownHash({ client, hasLogin }: TokenSession, publicKey: Uint8Array): Promise<OaepHash> {
  let refusal: unknown
  for (const hash of ['sha256', 'sha1'] as const) {
    const ciphertext = oaep(publicKey, hash, randomBytes(44))
    for (const template of templates({ label: undefined, id: undefined }, hasLogin, 'unwrapped')) {
      try {
        await client.unwrap({ pair: 0, hash, template: { ...template, CKA_TOKEN: false } }, ciphertext)
        await client.destroy('created')
        return hash
      } catch (error) {
        if (!isUnwrapFault(error)) throw error
        refusal = error
      }
    }
  }
  throw refusal
}

/** Whether whoever is logged in could have the token put what it unwraps into an object that shows its value. */
async function unwrapsInClear({ client }: TokenSession, publicKey: Uint8Array, hash: OaepHash): Promise<boolean> {
  const template = {
    CKA_KEY_TYPE: keyTypes.CKK_GENERIC_SECRET,
    CKA_TOKEN: false,
    CKA_SENSITIVE: false,
    CKA_EXTRACTABLE: true,
  }
  try {
    await client.unwrap({ pair: 0, hash, template }, oaep(publicKey, hash, randomBytes(44)))
  } catch (error) {
    if (isUnwrapFault(error)) return false
    throw error
  }
  await client.destroy('created')
  return true
}

/** SoftHSM 2.6 says CKR_ARGUMENTS_BAD to SHA-256. */
function isUnwrapFault(error: unknown): boolean {
  const others: readonly (string | undefined)[] = [
    'CKR_ARGUMENTS_BAD',
    'CKR_MECHANISM_PARAM_INVALID',
    'CKR_WRAPPED_KEY_INVALID',
  ]
  return isTemplateFault(error) || (error instanceof HardkeyError && others.includes(error.serviceCode))
}
