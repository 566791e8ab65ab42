// Check-in, inspect and forget on a real PKCS#11 token (SoftHSM): the record opens the key again, and nothing is left of
// one that failed. In: a fresh token. Out: what the token holds.

import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BackendEntry } from '../../src/backends/list.ts'
import { openKey } from '../../src/backends/open.ts'
import { pkcs11Backend } from '../../src/backends/pkcs11/backend.ts'
import { pkcs11Importer } from '../../src/backends/pkcs11/import.ts'
import { HardkeyError } from '../../src/errors.ts'
import { Secret } from '../../src/key/secret.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { type CheckInInput, checkIn } from '../../src/lifecycle/check-in.ts'
import { forget } from '../../src/lifecycle/forget.ts'
import { inspect } from '../../src/lifecycle/inspect.ts'
import { recordUri } from '../../src/profiles/open-record.ts'
import { temporaryFolder } from '../files/temporary-folder.ts'
import { type SoftHsm, softHsm, testPin } from '../peers/softhsm.ts'
import { awsFiles } from '../profiles/aws-files.ts'
import { bare } from './prepared.ts'

const now = (): Date => new Date('2026-11-24T17:20:00Z')
const pin = async (): Promise<Uint8Array> => Uint8Array.from(Buffer.from(testPin))

let hsm: SoftHsm

beforeEach(async () => {
  hsm = await softHsm()
  await hsm.addToken('prod')
})

afterEach(() => hsm.remove())

/** The backend of the package, with the variable by which this token is found. */
function entry(): BackendEntry {
  const options = { environment: hsm.environment }
  return {
    scheme: 'pkcs11',
    backend: async () => pkcs11Backend(options),
    importer: async () => pkcs11Importer(options),
  }
}

function input(changes: Partial<CheckInInput> = {}): CheckInInput {
  return {
    name: 'aws',
    accessKeyId: 'AKIAQ3EGRZ5UXAMPLE2A',
    secret: Secret.take(Buffer.from(bare)),
    to: KeyUri.of('pkcs11', { token: 'prod' }, { 'module-path': hsm.module }),
    entry: entry(),
    pin,
    folder: join(temporaryFolder(), 'keys'),
    now,
    ...changes,
  }
}

describe('a check-in into a PKCS#11 token', () => {
  it('gives a record that opens the same key again, until it is forgotten', async () => {
    const { stored } = await checkIn(input())
    expect(KeyUri.parse(stored.record.uri).names()).toEqual(expect.arrayContaining(['token', 'serial', 'object', 'id']))
    expect(await inspect(stored, { pin, now, entry: entry() })).toMatchObject({ sameKey: true })
    const forgotten = await forget({ stored, files: awsFiles({}), fromDevice: { pin, entry: entry() } })
    expect(forgotten.device).toBe('removed')
    const backends = [await entry().backend()]
    await expect(openKey(recordUri(stored), { pin, backends })).rejects.toMatchObject({
      code: 'ERR_KEY_NOT_FOUND',
    })
  })

  it('leaves the token empty when AWS refuses the key, so that the next one succeeds', async () => {
    const prove = async (): Promise<never> => {
      throw new HardkeyError('ERR_STS_REFUSED', 'the signature does not match')
    }
    await expect(checkIn(input({ prove }))).rejects.toMatchObject({ code: 'ERR_STS_REFUSED' })
    expect((await checkIn(input())).found).toBe(false)
  })

  it('finds the key of one that was killed before its record, and refuses another of that name', async () => {
    await checkIn(input())
    expect((await checkIn(input())).found).toBe(true)
    const other = Secret.take(Buffer.from(bare.toLowerCase()))
    await expect(checkIn(input({ secret: other }))).rejects.toMatchObject({ code: 'ERR_KEY_EXISTS' })
  })
})
