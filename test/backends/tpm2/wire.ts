// A software TPM as the wire sees it, with and without the scripted proxy in front, for tests of sessions and commands.
// In: the way. Out: an opened Tpm, and short forms of what each test does first. Everything ends with the test.

import { onTestFinished } from 'vitest'
import { type ParentKind, parentOf } from '../../../src/backends/tpm2/documents/parents.ts'
import type { Authorization } from '../../../src/backends/tpm2/wire/authorized-command.ts'
import { TPM_ALG, TPMA_OBJECT } from '../../../src/backends/tpm2/wire/constants.ts'
import { hmac } from '../../../src/backends/tpm2/wire/hmac-commands.ts'
import {
  type CreatedObject,
  create,
  createPrimary,
  load,
  type PublicObject,
} from '../../../src/backends/tpm2/wire/object-commands.ts'
import type { Entity } from '../../../src/backends/tpm2/wire/plain-command.ts'
import { type PublicArea, readPublicArea } from '../../../src/backends/tpm2/wire/public-area.ts'
import { type SaltKey, saltKey } from '../../../src/backends/tpm2/wire/salt.ts'
import { Session } from '../../../src/backends/tpm2/wire/session.ts'
import { parseTpmAddress } from '../../../src/backends/tpm2/wire/tcti.ts'
import { Tpm, type TpmOptions } from '../../../src/backends/tpm2/wire/tpm.ts'
import { startTpmProxy, type TpmProxy } from '../../faults/tpm-proxy.ts'
import { type Swtpm, type SwtpmWay, startSwtpm } from '../../peers/swtpm.ts'
import { day, keyText } from './tpm-with-key.ts'

export const nothing: Uint8Array = new Uint8Array(0)

/** A fresh TPM that ends with the test. */
export async function freshTpm(way: SwtpmWay = 'tcp'): Promise<Swtpm> {
  const swtpm = await startSwtpm(way)
  onTestFinished(() => swtpm.stop())
  return swtpm
}

/** Opens it; closed with the test. */
export async function opened(device: string, options?: TpmOptions): Promise<Tpm> {
  const tpm = await Tpm.open(parseTpmAddress(device), options)
  onTestFinished(() => tpm.close())
  return tpm
}

/** A fresh TPM behind a proxy, opened through it. */
export async function behindProxy(options?: TpmOptions): Promise<{ swtpm: Swtpm; proxy: TpmProxy; tpm: Tpm }> {
  const swtpm = await freshTpm()
  const proxy = await startTpmProxy(swtpm)
  onTestFinished(() => proxy.stop())
  return { swtpm, proxy, tpm: await opened(proxy.device, options) }
}

/** Makes the primary key, by a session without salt and the empty auth value of the hierarchy. */
export async function primary(tpm: Tpm, kind: ParentKind = 'h2'): Promise<PublicObject> {
  const { hierarchy, template } = parentOf(kind)
  const session = await Session.start(tpm, { kind: 'hmac', salt: undefined })
  return await createPrimary(tpm, { hierarchy, template, authorization: { session, authValue: nothing, last: true } })
}

export function saltOf(parent: PublicObject): SaltKey {
  return saltKey(parent.handle, parent.publicArea, parent.name)
}

export async function salted(tpm: Tpm, parent: PublicObject, kind: 'hmac' | 'policy' = 'hmac'): Promise<Session> {
  return await Session.start(tpm, { kind, salt: saltOf(parent) })
}

export interface KeyWish {
  readonly authValue?: Uint8Array
  readonly authPolicy?: Uint8Array
  /** Without it wrong auth values count. */
  readonly noDA?: boolean
}

/** The public area that hardkey's own keys have: fixedTPM, fixedParent, sign, and a policy or userWithAuth. */
export function keyTemplate({ authPolicy = nothing, noDA = true }: KeyWish = {}): PublicArea {
  const { fixedTPM, fixedParent, sign, userWithAuth } = TPMA_OBJECT
  const attributes =
    fixedTPM | fixedParent | sign | (authPolicy.length === 0 ? userWithAuth : 0) | (noDA ? TPMA_OBJECT.noDA : 0)
  const scheme = { scheme: TPM_ALG.HMAC, hash: TPM_ALG.SHA256 }
  return { type: TPM_ALG.KEYEDHASH, nameAlg: TPM_ALG.SHA256, attributes, authPolicy, scheme, unique: nothing }
}

/** Makes the HMAC key of the vectors under the parent. */
export async function createKey(tpm: Tpm, parent: PublicObject, wish: KeyWish = {}): Promise<CreatedObject> {
  const session = await salted(tpm, parent)
  return await create(tpm, {
    parent,
    sensitive: { userAuth: wish.authValue ?? nothing, data: Buffer.from(keyText) },
    template: keyTemplate(wish),
    authorization: { session, authValue: nothing, decrypt: true, last: true },
  })
}

/** Makes and loads it. */
export async function loadedKey(tpm: Tpm, parent: PublicObject, wish: KeyWish = {}): Promise<Entity> {
  const made = await createKey(tpm, parent, wish)
  const session = await salted(tpm, parent)
  return await load(tpm, { parent, ...made, authorization: { session, authValue: nothing, last: true } })
}

/** The HMAC of the vectors' day by a fresh salted session, in hex. */
export async function dayHmac(
  tpm: Tpm,
  parent: PublicObject,
  key: Entity,
  authorization: Partial<Authorization> = {},
): Promise<string> {
  const session = authorization.session ?? (await salted(tpm, parent))
  const usual = { session, authValue: nothing, of: 'the key', decrypt: true, encrypt: true, last: true }
  const mac = await hmac(tpm, { key, data: day, authorizations: [{ ...usual, ...authorization }] })
  return Buffer.from(mac).toString('hex')
}

export function areaOf(object: PublicObject): PublicArea {
  return readPublicArea(object.publicArea)
}
