// The steps of a policy against a real TPM: digests as it computes them itself, and keys that are used as their policy says.

import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { expect, it } from 'vitest'
import { officeKeyFrom, officePublic, tpmSignature } from '../../../src/backends/tpm2/date-rule.ts'
import { pcrDigest, readPcrList, selectionsOf } from '../../../src/backends/tpm2/documents/pcr.ts'
import { handleName, type PolicyStep, policyDigest } from '../../../src/backends/tpm2/documents/policy.ts'
import { commandHash } from '../../../src/backends/tpm2/wire/authorized-command.ts'
import { written } from '../../../src/backends/tpm2/wire/codec.ts'
import { TPM_ALG, TPM_CC, TPM_RH } from '../../../src/backends/tpm2/wire/constants.ts'
import { hmac } from '../../../src/backends/tpm2/wire/hmac-commands.ts'
import { create, load, loadExternal } from '../../../src/backends/tpm2/wire/object-commands.ts'
import { unnamedEntity } from '../../../src/backends/tpm2/wire/plain-command.ts'
import {
  pcrRead,
  policyAuthValue,
  policyCommandCode,
  policyCpHash,
  policyDuplicationSelect,
  policyGetDigest,
  policyOr,
  policyPcr,
  policySecret,
  policySigned,
} from '../../../src/backends/tpm2/wire/policy-commands.ts'
import { Session } from '../../../src/backends/tpm2/wire/session.ts'
import type { Tpm } from '../../../src/backends/tpm2/wire/tpm.ts'
import { day, dayAnswer, keyText } from './tpm-with-key.ts'
import { behindProxy, dayHmac, freshTpm, keyTemplate, loadedKey, nothing, opened, primary, salted } from './wire.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

async function byOwner(tpm: Tpm) {
  const session = await Session.start(tpm, { kind: 'hmac', salt: undefined })
  return { session, authValue: nothing, of: 'the owner hierarchy', last: true }
}

it('every step leads to the digest that is computed in software', async () => {
  const tpm = await opened((await freshTpm()).device)
  const session = await salted(tpm, await primary(tpm), 'policy')
  const selections = selectionsOf(readPcrList('sha256:7,23+sha1:0'))
  const digest = pcrDigest((await pcrRead(tpm, selections)).digests)
  const steps: PolicyStep[] = []
  const agrees = async (step: PolicyStep) => {
    steps.push(step)
    expect(hex(await policyGetDigest(tpm, session))).toBe(hex(policyDigest(steps) ?? nothing))
  }
  await policyPcr(tpm, session, { pcrDigest: digest, selections })
  await agrees({ kind: 'pcr', selections, pcrDigest: digest })
  await policyAuthValue(tpm, session)
  await agrees({ kind: 'authValue' })
  const digests = [await policyGetDigest(tpm, session), new Uint8Array(32)]
  await policyOr(tpm, session, digests)
  await agrees({ kind: 'or', digests })
  const owner = unnamedEntity(TPM_RH.OWNER)
  await policySecret(tpm, session, { entity: owner, authorization: await byOwner(tpm), policyRef: nothing })
  await agrees({ kind: 'secret', entityName: handleName(TPM_RH.OWNER), handle: TPM_RH.OWNER, policyRef: nothing })
  await policyCommandCode(tpm, session, TPM_CC.HMAC)
  await agrees({ kind: 'commandCode', code: TPM_CC.HMAC })
})

it('TPM2_PolicyCpHash and TPM2_PolicyDuplicationSelect lead to the digests computed in software', async () => {
  const tpm = await opened((await freshTpm()).device)
  const parent = await primary(tpm)
  const cpHash = createHash('sha256').update('any').digest()
  const one = await salted(tpm, parent, 'policy')
  await policyCpHash(tpm, one, cpHash)
  expect(hex(await policyGetDigest(tpm, one))).toBe(hex(policyDigest([{ kind: 'cpHash', cpHash }]) ?? nothing))
  const names = { objectName: parent.name, newParentName: parent.name }
  for (const includeObject of [true, false]) {
    const two = await salted(tpm, parent, 'policy')
    await policyDuplicationSelect(tpm, two, { ...names, includeObject })
    const digest = policyDigest([{ kind: 'duplicationSelect', ...names, includeObject }])
    expect(hex(await policyGetDigest(tpm, two))).toBe(hex(digest ?? nothing))
  }
})

it('F-T13 a key bound to PCRs is used under their values and refused under others', async () => {
  const tpm = await opened((await freshTpm()).device)
  const parent = await primary(tpm)
  const selections = selectionsOf(readPcrList('sha256:23'))
  const digest = pcrDigest((await pcrRead(tpm, selections)).digests)
  const authPolicy = policyDigest([{ kind: 'pcr', selections, pcrDigest: digest }]) ?? nothing
  const key = await loadedKey(tpm, parent, { authPolicy })
  const session = await salted(tpm, parent, 'policy')
  await policyPcr(tpm, session, { pcrDigest: nothing, selections })
  expect(await dayHmac(tpm, parent, key, { session })).toBe(dayAnswer)
  const other = await salted(tpm, parent, 'policy')
  const wrong = policyPcr(tpm, other, { pcrDigest: new Uint8Array(32), selections })
  await expect(wrong).rejects.toMatchObject({ code: 'ERR_POLICY_REFUSED', serviceCode: 'TPM_RC_VALUE' })
  await policyPcr(tpm, other, { pcrDigest: nothing, selections: selectionsOf(readPcrList('sha256:22')) })
  await expect(dayHmac(tpm, parent, key, { session: other })).rejects.toMatchObject({
    code: 'ERR_POLICY_REFUSED',
    serviceCode: 'TPM_RC_POLICY_FAIL',
  })
  await expect(dayHmac(tpm, parent, key)).rejects.toMatchObject({ serviceCode: 'TPM_RC_AUTH_UNAVAILABLE' })
})

it('a policy that asks for the auth value proves it by the HMAC of the session', async () => {
  const { tpm, proxy } = await behindProxy()
  const parent = await primary(tpm)
  const authPolicy = policyDigest([{ kind: 'authValue' }]) ?? nothing
  const key = await loadedKey(tpm, parent, { authPolicy, authValue: Buffer.from('correct horse') })
  const tries = async (text: string) => {
    const session = await salted(tpm, parent, 'policy')
    await policyAuthValue(tpm, session)
    return await dayHmac(tpm, parent, key, { session, authValue: Buffer.from(text) })
  }
  expect(await tries('correct horse')).toBe(dayAnswer)
  expect(proxy.bytes().includes('correct horse')).toBe(false)
  await expect(tries('wrong horse')).rejects.toMatchObject({ code: 'ERR_PIN_INCORRECT' })
})

it('a session of its own encrypts under a policy that does not ask for the auth value of a key that has one', async () => {
  const tpm = await opened((await freshTpm()).device)
  const parent = await primary(tpm)
  const steps: PolicyStep[] = [{ kind: 'commandCode', code: TPM_CC.HMAC }]
  const wish = { authPolicy: policyDigest(steps) ?? nothing, authValue: Buffer.from('nobody knows') }
  const key = await loadedKey(tpm, parent, wish)
  const session = await salted(tpm, parent, 'policy')
  await policyCommandCode(tpm, session, TPM_CC.HMAC)
  const other = { session: await salted(tpm, parent), authValue: undefined, decrypt: true, encrypt: true, last: true }
  const mac = await hmac(tpm, { key, data: day, authorizations: [{ session, authValue: nothing, last: true }, other] })
  expect(hex(mac)).toBe(dayAnswer)
})

it('loads and uses a key below an endorsement key by TPM2_PolicySecret', async () => {
  const tpm = await opened((await freshTpm()).device)
  const parent = await primary(tpm, 'ecc-ek')
  const ekSession = async () => {
    const session = await salted(tpm, parent, 'policy')
    const authorization = await byOwner(tpm)
    await policySecret(tpm, session, { entity: unnamedEntity(TPM_RH.ENDORSEMENT), authorization, policyRef: nothing })
    return { session, authValue: nothing, last: true }
  }
  const made = await create(tpm, {
    parent,
    sensitive: { userAuth: nothing, data: Buffer.from(keyText) },
    template: keyTemplate(),
    authorization: { ...(await ekSession()), decrypt: true },
  })
  const key = await load(tpm, { parent, ...made, authorization: await ekSession() })
  expect(await dayHmac(tpm, parent, key)).toBe(dayAnswer)
})

it.each([
  ['ec', generateKeyPairSync('ec', { namedCurve: 'prime256v1' })],
  ['rsa', generateKeyPairSync('rsa', { modulusLength: 2048 })],
])('F-T14 an office key (%s) approves one day: the TPM refuses the next one', async (_, pair) => {
  const tpm = await opened((await freshTpm()).device)
  const parent = await primary(tpm)
  const office = officeKeyFrom(pair.publicKey)
  const authPolicy = policyDigest([{ kind: 'signed', key: officePublic(office), policyRef: nothing }]) ?? nothing
  const key = await loadedKey(tpm, parent, { authPolicy })
  const parameters = written((writer) => writer.tpm2b(day).u16(TPM_ALG.NULL))
  const cpHash = commandHash(TPM_CC.HMAC, [key.name], parameters)
  const toSign = Buffer.concat([new Uint8Array(4), cpHash])
  const raw = sign('sha256', toSign, { key: pair.privateKey, dsaEncoding: 'ieee-p1363' })
  const use = async (data: Uint8Array) =>
    await tpm.scoped(async () => {
      const signer = await loadExternal(tpm, { publicArea: officePublic(office), hierarchy: TPM_RH.OWNER })
      const session = await salted(tpm, parent, 'policy')
      const signature = tpmSignature(office, raw)
      await policySigned(tpm, session, { signer, cpHash, policyRef: nothing, signature })
      return hex(
        await hmac(tpm, { key, data, authorizations: [{ session, authValue: nothing, encrypt: true, last: true }] }),
      )
    })
  expect(await use(day)).toBe(dayAnswer)
  await expect(use(Buffer.from('20150831'))).rejects.toMatchObject({ serviceCode: 'TPM_RC_POLICY_FAIL' })
})

it('reads PCRs eight at a time', async () => {
  const tpm = await opened((await freshTpm()).device)
  const { selections, digests } = await pcrRead(tpm, selectionsOf(readPcrList('sha256:0,1,2,3,4,5,6,7,8,9')))
  expect(digests).toHaveLength(8)
  expect(hex(selections[0]?.select ?? nothing)).toBe('ff0000')
})
