// The commands against a real TPM: objects made, loaded, kept and imported, and policies as the TPM itself computes them.

import { createHash, randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { listHandles } from '../../../src/backends/tpm2/wire/capability.ts'
import { written } from '../../../src/backends/tpm2/wire/codec.ts'
import { TPM_ALG, TPM_RH } from '../../../src/backends/tpm2/wire/constants.ts'
import { hmacBySequence } from '../../../src/backends/tpm2/wire/hmac-commands.ts'
import { evictControl, importObject, load, readPublic } from '../../../src/backends/tpm2/wire/object-commands.ts'
import { readPublicArea, writePublicArea } from '../../../src/backends/tpm2/wire/public-area.ts'
import { Session } from '../../../src/backends/tpm2/wire/session.ts'
import { writeSensitive2b } from '../../../src/backends/tpm2/wire/structures.ts'
import type { Tpm } from '../../../src/backends/tpm2/wire/tpm.ts'
import { withoutHmac } from '../../faults/tpm-rules.ts'
import { day, dayAnswer, keyText } from './tpm-with-key.ts'
import {
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
} from './wire.ts'

const handle = 0x8101_0100
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

async function byOwner(tpm: Tpm) {
  const session = await Session.start(tpm, { kind: 'hmac', salt: undefined })
  return { session, authValue: nothing, of: 'the owner hierarchy', last: true }
}

it('keeps a key under a persistent handle, refuses to overwrite it, and removes it', async () => {
  const tpm = await opened((await freshTpm()).device)
  const parent = await primary(tpm)
  const object = await loadedKey(tpm, parent)
  const keep = async () =>
    await evictControl(tpm, {
      hierarchy: TPM_RH.OWNER,
      object,
      persistentHandle: handle,
      authorization: await byOwner(tpm),
    })
  await keep()
  const kept = await readPublic(tpm, handle)
  expect(hex(kept.name)).toBe(hex(object.name))
  expect(await dayHmac(tpm, parent, kept)).toBe(dayAnswer)
  await expect(keep()).rejects.toMatchObject({ code: 'ERR_KEY_EXISTS', serviceCode: 'TPM_RC_NV_DEFINED' })
  const authorization = await byOwner(tpm)
  await evictControl(tpm, { hierarchy: TPM_RH.OWNER, object: kept, persistentHandle: handle, authorization })
  expect(await listHandles(tpm, 0x8100_0000)).toEqual([])
  await expect(readPublic(tpm, handle)).rejects.toMatchObject({ code: 'ERR_KEY_NOT_FOUND' })
})

it('F-T11 B-068 a key file of another parent, and one with a bit changed, is not loaded', async () => {
  const tpm = await opened((await freshTpm()).device)
  const made = await createKey(tpm, await primary(tpm))
  const other = await primary(tpm, 'ecc-srk')
  const tries = async (publicArea: Uint8Array) => {
    const authorization = { session: await salted(tpm, other), authValue: nothing }
    return await load(tpm, { parent: other, private: made.private, publicArea, authorization })
  }
  const failure = { code: 'ERR_KEY_UNUSABLE', hint: expect.stringContaining('this TPM was cleared') }
  await expect(tries(made.publicArea)).rejects.toMatchObject({ ...failure, serviceCode: 'TPM_RC_INTEGRITY' })
  const changed = Buffer.from(made.publicArea)
  changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1)
  await expect(tries(changed)).rejects.toMatchObject(failure)
})

it('imports a key that was made elsewhere', async () => {
  const tpm = await opened((await freshTpm()).device)
  const parent = await primary(tpm)
  const seedValue = randomBytes(32)
  const data = Buffer.from(keyText)
  const unique = createHash('sha256').update(seedValue).update(data).digest()
  const publicArea = writePublicArea({
    ...keyTemplate(),
    type: TPM_ALG.KEYEDHASH,
    scheme: hmacScheme,
    attributes: 0x40440,
    unique,
  })
  const duplicate = written((writer) =>
    writeSensitive2b(writer, { sensitiveType: TPM_ALG.KEYEDHASH, authValue: nothing, seedValue, sensitive: data }),
  )
  const session = await salted(tpm, parent)
  const authorization = { session, authValue: nothing, decrypt: true }
  const imported = await importObject(tpm, { parent, publicArea, duplicate, encryptedSeed: nothing, authorization })
  const key = await load(tpm, { parent, private: imported, publicArea, authorization: { session, authValue: nothing } })
  expect(await dayHmac(tpm, parent, key, { session })).toBe(dayAnswer)
})

const hmacScheme = { scheme: TPM_ALG.HMAC, hash: TPM_ALG.SHA256 } as const

it('computes kDate by a sequence in a TPM without TPM2_HMAC', async () => {
  const { tpm, proxy } = await behindProxy()
  const parent = await primary(tpm)
  const authValue = Buffer.from('pass')
  const key = await loadedKey(tpm, parent, { authValue })
  proxy.order(...withoutHmac())
  await expect(dayHmac(tpm, parent, key, { authValue })).rejects.toMatchObject({
    code: 'ERR_BACKEND_UNSUPPORTED',
    serviceCode: 'TPM_RC_COMMAND_CODE',
  })
  proxy.forget()
  const session = await salted(tpm, parent)
  const mac = await hmacBySequence(tpm, {
    key,
    data: day,
    start: [{ session, authValue }],
    complete: [{ session, authValue: nothing, decrypt: true, encrypt: true, last: true }],
  })
  expect(hex(mac)).toBe(dayAnswer)
  expect(proxy.commands()).toEqual(['StartAuthSession', 'HMAC_Start', 'SequenceComplete'])
  expect(proxy.bytes().includes(Buffer.from(mac))).toBe(false)
})

it('the public area that a TPM gives back is written as it was read', async () => {
  const tpm = await opened((await freshTpm()).device)
  for (const kind of ['h2', 'rsa-srk'] as const) {
    const { publicArea } = await primary(tpm, kind)
    expect(hex(writePublicArea(readPublicArea(publicArea)))).toBe(hex(publicArea))
  }
})
