// Authorization sessions against a real TPM: what they prove, what they hide, and what they refuse.

import { expect, it } from 'vitest'
import { type ParentKind, parentOf } from '../../../src/backends/tpm2/documents/parents.ts'
import { authorizedCommand } from '../../../src/backends/tpm2/wire/authorized-command.ts'
import { TPM_ALG, TPM_ECC, TPM_RH } from '../../../src/backends/tpm2/wire/constants.ts'
import { hmac } from '../../../src/backends/tpm2/wire/hmac-commands.ts'
import {
  createPrimary,
  evictControl,
  load,
  type PublicObject,
  readPublic,
} from '../../../src/backends/tpm2/wire/object-commands.ts'
import type { Entity } from '../../../src/backends/tpm2/wire/plain-command.ts'
import { writePublicArea } from '../../../src/backends/tpm2/wire/public-area.ts'
import { prepareSalt } from '../../../src/backends/tpm2/wire/salt.ts'
import { Session } from '../../../src/backends/tpm2/wire/session.ts'
import { writeSensitiveCreate } from '../../../src/backends/tpm2/wire/structures.ts'
import type { Tpm } from '../../../src/backends/tpm2/wire/tpm.ts'
import { commandCodes } from '../../faults/tpm-proxy.ts'
import { day, dayAnswer, keyText } from './tpm-with-key.ts'
import {
  areaOf,
  behindProxy,
  createKey,
  dayHmac,
  freshTpm,
  keyTemplate,
  loadedKey,
  nothing,
  opened,
  primary,
  salted,
  saltOf,
} from './wire.ts'

const parentHandle = 0x8100_0001
const keyHandle = 0x8101_0100

/** Puts the parent, and a key if there is one, under persistent handles, and returns the parent there. */
async function persisted(tpm: Tpm, parent: PublicObject, key?: Entity): Promise<PublicObject> {
  const keep = async (object: Entity, persistentHandle: number) => {
    const session = await Session.start(tpm, { kind: 'hmac', salt: undefined })
    const authorization = { session, authValue: nothing, last: true }
    await evictControl(tpm, { hierarchy: 0x4000_0001, object, persistentHandle, authorization })
    await tpm.flush(object.handle)
  }
  await keep(parent, parentHandle)
  if (key !== undefined) await keep(key, keyHandle)
  return await readPublic(tpm, parentHandle)
}

it.each<ParentKind>(['h2', 'rsa-srk', 'ecc-srk'])(
  'computes kDate over a session salted to the parent %s',
  async (kind) => {
    const tpm = await opened((await freshTpm()).device)
    const parent = await primary(tpm, kind)
    expect(await dayHmac(tpm, parent, await loadedKey(tpm, parent))).toBe(dayAnswer)
  },
)

it.each<ParentKind>(['rsa-ek', 'ecc-ek'])('salts to %s while the key lies under another parent', async (kind) => {
  const tpm = await opened((await freshTpm()).device)
  const parent = await primary(tpm)
  const key = await loadedKey(tpm, parent)
  expect(await dayHmac(tpm, await primary(tpm, kind), key)).toBe(dayAnswer)
})

it('needs 2 commands for a persistent key', async () => {
  const { tpm, proxy } = await behindProxy()
  const made = await primary(tpm)
  const parent = await persisted(tpm, made, await loadedKey(tpm, made))
  const key = await readPublic(tpm, keyHandle)
  proxy.forget()
  const prepared = prepareSalt(areaOf(parent))
  await tpm.scoped(async () => {
    const session = await Session.start(tpm, { kind: 'hmac', salt: saltOf(parent), prepared })
    expect(await dayHmac(tpm, parent, key, { session })).toBe(dayAnswer)
  })
  expect(proxy.commands()).toEqual(['StartAuthSession', 'HMAC'])
  expect(prepared.salt.every((byte) => byte === 0)).toBe(true)
})

it('needs 4 commands for a key file below a persistent parent', async () => {
  const { tpm, proxy } = await behindProxy()
  const parent = await persisted(tpm, await primary(tpm))
  const made = await createKey(tpm, parent)
  proxy.forget()
  await tpm.scoped(async () => {
    const session = await salted(tpm, parent)
    const key = await load(tpm, { parent, ...made, authorization: { session, authValue: nothing } })
    expect(await dayHmac(tpm, parent, key, { session })).toBe(dayAnswer)
  })
  expect(proxy.commands()).toEqual(['StartAuthSession', 'Load', 'HMAC', 'FlushContext'])
})

it('L-6 shows neither secret, auth value nor kDate on the bus; without encryption it would', async () => {
  const { tpm, proxy } = await behindProxy()
  const authValue = Buffer.from('correct horse')
  const parent = await primary(tpm)
  const key = await loadedKey(tpm, parent, { authValue })
  await dayHmac(tpm, parent, key, { authValue })
  const hits = () =>
    [keyText, 'correct horse', Buffer.from(dayAnswer, 'hex')].map((canary) => proxy.bytes().includes(canary))
  expect(hits()).toEqual([false, false, false])
  await inClear(tpm, parent, key, authValue)
  expect(hits()).toEqual([true, true, true])
})

/** The control: the same two commands by sessions that encrypt nothing. */
async function inClear(tpm: Tpm, parent: PublicObject, key: Entity, authValue: Uint8Array): Promise<void> {
  const session = await salted(tpm, parent)
  const sensitive = { userAuth: authValue, data: Buffer.from(keyText) }
  await authorizedCommand(tpm, {
    code: commandCodes.Create,
    entities: [parent],
    write: (writer) => {
      writeSensitiveCreate(writer, sensitive)
      writer.tpm2b(writePublicArea(keyTemplate())).u16(0).u32(0)
    },
    authorizations: [{ session, authValue: nothing }],
  })
  await authorizedCommand(tpm, {
    code: commandCodes.HMAC,
    entities: [key],
    write: (writer) => writer.tpm2b(day).u16(0x10),
    authorizations: [{ session, authValue, last: true }],
  })
}

it('a session of its own may encrypt, where the auth value of the key is not known to whoever uses it', async () => {
  const tpm = await opened((await freshTpm()).device)
  const parent = await primary(tpm)
  const key = await loadedKey(tpm, parent, { authValue: Buffer.from('pass') })
  const [session, other] = [await salted(tpm, parent), await salted(tpm, parent)]
  const authorizations = [
    { session, authValue: Buffer.from('pass'), last: true },
    { session: other, authValue: undefined, decrypt: true, encrypt: true, last: true },
  ]
  const mac = await hmac(tpm, { key, data: day, authorizations })
  expect(Buffer.from(mac).toString('hex')).toBe(dayAnswer)
  expect(tpm.handles).toEqual([parent.handle, key.handle])
})

it('takes an auth value with trailing zeros as the TPM does: without them', async () => {
  const tpm = await opened((await freshTpm()).device)
  const parent = await primary(tpm)
  const key = await loadedKey(tpm, parent, { authValue: Buffer.from('pass\0\0') })
  for (const authValue of ['pass', 'pass\0'].map((text) => Buffer.from(text))) {
    expect(await dayHmac(tpm, parent, key, { authValue })).toBe(dayAnswer)
  }
})

it('uses one session for several commands, in either direction encrypted', async () => {
  const tpm = await opened((await freshTpm()).device)
  const parent = await primary(tpm)
  const key = await loadedKey(tpm, parent)
  const session = await salted(tpm, parent)
  for (const [decrypt, encrypt] of [
    [true, true],
    [false, true],
    [true, true],
  ] as const) {
    expect(await dayHmac(tpm, parent, key, { session, decrypt, encrypt, last: false })).toBe(dayAnswer)
  }
  await session.end()
  expect(tpm.handles).not.toContain(session.handle)
})

it('refuses to encrypt by a session without salt', async () => {
  const tpm = await opened((await freshTpm()).device)
  const parent = await primary(tpm)
  const key = await loadedKey(tpm, parent)
  const session = await Session.start(tpm, { kind: 'hmac', salt: undefined })
  await expect(dayHmac(tpm, parent, key, { session })).rejects.toMatchObject({ code: 'ERR_INTERNAL' })
})

it('salts to a key on P-384 whose Name is by SHA-384', async () => {
  const tpm = await opened((await freshTpm()).device)
  const parent = await primary(tpm)
  const key = await loadedKey(tpm, parent)
  const { template } = parentOf('ecc-srk')
  if (template.type !== TPM_ALG.ECC) throw new Error('the template is for another type')
  const unique = { x: nothing, y: nothing }
  const wish = { ...template, nameAlg: TPM_ALG.SHA384, curve: TPM_ECC.NIST_P384, unique }
  const session = await Session.start(tpm, { kind: 'hmac', salt: undefined })
  const authorization = { session, authValue: nothing, last: true }
  const other = await createPrimary(tpm, { hierarchy: TPM_RH.OWNER, template: wish, authorization })
  expect(other.name).toHaveLength(50)
  expect(await dayHmac(tpm, other, key)).toBe(dayAnswer)
})

it('a session bound to a key starts only where the key is, and then works', async () => {
  const tpm = await opened((await freshTpm()).device)
  const parent = await primary(tpm)
  const key = await loadedKey(tpm, parent)
  const bound = (bind: number) => Session.start(tpm, { kind: 'hmac', salt: saltOf(parent), bind })
  expect(await dayHmac(tpm, parent, key, { session: await bound(key.handle) })).toBe(dayAnswer)
  await expect(bound(0x8101_0100)).rejects.toMatchObject({
    code: 'ERR_KEY_NOT_FOUND',
    message: expect.stringContaining('handle 2'),
  })
})

it('refuses to use a session after its end, whose key is zeros by then', async () => {
  const { tpm, proxy } = await behindProxy()
  const parent = await primary(tpm)
  const key = await loadedKey(tpm, parent)
  const session = await salted(tpm, parent)
  await dayHmac(tpm, parent, key, { session })
  proxy.forget()
  await expect(dayHmac(tpm, parent, key, { session })).rejects.toMatchObject({ code: 'ERR_INTERNAL' })
  expect(proxy.exchanges).toEqual([])
})
