// Files of tpmcopy both ways: those of the independent generator check in, and what hardkey writes for tpmcopy is opened by an
// independent reader (seed_use.py) that does what its import does. C1 of the notes on the seed.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backendEntry } from '../../../src/backends/list.ts'
import { readTpmcopy } from '../../../src/backends/tpm2/tpmcopy.ts'
import { tpm2Wrapping } from '../../../src/backends/tpm2/wrapping.ts'
import { Secret } from '../../../src/key/secret.ts'
import { KeyUri } from '../../../src/key/uri.ts'
import { checkIn } from '../../../src/lifecycle/check-in.ts'
import { wrapSecret } from '../../../src/lifecycle/wrap.ts'
import { temporaryFolder } from '../../files/temporary-folder.ts'
import { accessKeyId } from '../../lifecycle/delivery.ts'
import { answerAt, authSource } from './opening.ts'
import { peerAddress, pythonPeer, type SeedFiles, seedFiles, seedPassword, seedPcrExtension } from './seed-files.ts'
import { dayAnswer, type TpmWithKey, tpmWithKey } from './tpm-with-key.ts'

const parents = ['h2', 'rsa-ek', 'ecc-ek', 'rsa-srk', 'ecc-srk'] as const
let device: TpmWithKey
let seed: SeedFiles
beforeAll(async () => {
  device = await tpmWithKey('unix')
  await device.tools.run('pcrextend', seedPcrExtension)
  await device.tools.run('dictionarylockout', '-s', '-n', '32', '-t', '1', '-l', '1')
  seed = await seedFiles(device.tpm)
})
afterAll(async () => {
  seed?.remove()
  await device?.remove()
})

/** Checks the file in, and gives the HMAC of the day by what was written. */
async function throughCheckIn(name: string, query: Readonly<Record<string, string>>, auth?: string): Promise<string> {
  const folder = join(temporaryFolder(), 'keys')
  const file = join(folder, 'edge.tss2.pem')
  const { wrapped, sendersName } = readTpmcopy(readFileSync(seed.path(name)))
  expect(sendersName).toBe('aws')
  const to = KeyUri.of('tpm2', { file }, { device: device.tpm.device, ...query })
  const common = { name: 'edge', accessKeyId, folder, now: () => new Date() }
  await checkIn({ ...common, secret: { wrapped }, to, entry: backendEntry('tpm2'), pin: authSource(auth) })
  expect(readFileSync(file, 'utf8')).toContain('TSS2 PRIVATE KEY')
  return await answerAt(device.tpm.device, { path: { file }, query, auth })
}

describe('a duplication file of tpmcopy checks in', () => {
  it.each(parents)('below %s', async (parent) => {
    expect(await throughCheckIn(`copy-${parent}-plain.json`, {})).toBe(dayAnswer)
  })

  it.each(['', '-syntax'])('with a password%s', async (syntax) => {
    expect(await throughCheckIn(`copy-h2-password${syntax}.json`, { auth: 'yes' }, seedPassword)).toBe(dayAnswer)
  })

  it.each(['', '-syntax'])('with a PCR%s', async (syntax) => {
    expect(await throughCheckIn(`copy-ecc-ek-pcr${syntax}.json`, { pcrs: 'sha256:23' })).toBe(dayAnswer)
  })
})

describe('what wrap writes for tpmcopy', () => {
  it.each(parents)('is opened below %s by another reader of its format', async (parent) => {
    const wrapping = tpm2Wrapping()
    const uri = KeyUri.of('tpm2', { parent }, { device: device.tpm.device })
    const wrappingKey = await wrapping.wrappingKey(uri, { pin: authSource(undefined) }, { create: false })
    const secret = Secret.take(Buffer.from('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'))
    const input = { wrapping, wrappingKey, accessKeyId, secret, format: 'tpmcopy', now: new Date() } as const
    const path = join(temporaryFolder(), 'out.json')
    writeFileSync(path, await wrapSecret(input))
    expect(await pythonPeer('seed_use.py', 'copy', peerAddress(device.tpm), path)).toBe(dayAnswer)
  })
})
