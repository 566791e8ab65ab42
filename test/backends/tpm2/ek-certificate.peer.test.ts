// The certificate of an endorsement key: read from the TPM, and checked on a machine without one. The certificate lies where a
// maker puts it, in NV; tpm2-tools write it there, OpenSSL issues it.

import { execFileSync } from 'node:child_process'
import { createPublicKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tpm2Wrapping } from '../../../src/backends/tpm2/wrapping.ts'
import type { WrappingKey } from '../../../src/key/hmac-key.ts'
import { KeyUri } from '../../../src/key/uri.ts'
import { builtEnvironment } from '../../peers/peer.ts'
import { authSource } from './opening.ts'
import { type TpmWithKey, tpmWithKey } from './tpm-with-key.ts'

/** TCG EK Credential Profile, 2.2.1.4. */
const indices = { 'rsa-ek': '0x01c00002', 'ecc-ek': '0x01c0000a' } as const
type Kind = keyof typeof indices
const wrapping = tpm2Wrapping()
let device: TpmWithKey
let folder: string
beforeAll(async () => {
  device = await tpmWithKey('unix')
  folder = device.tools.folder
  for (const name of ['maker', 'stranger']) {
    const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30']
    openssl(...words, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`)
  }
})
afterAll(() => device?.remove())

function openssl(...words: readonly string[]): void {
  execFileSync('openssl', [...words], { cwd: folder, env: builtEnvironment({ HOME: folder }), stdio: 'pipe' })
}

/** Issues a certificate for the EK as tpm2-tools see it, and puts it where a maker does. */
async function certify(kind: Kind, days = '10'): Promise<void> {
  const pem = join(folder, `${kind}.pub.pem`)
  await device.tools.run('createek', '-G', kind === 'rsa-ek' ? 'rsa' : 'ecc', '-c', 'ek.ctx', '-u', pem, '-f', 'pem')
  // Of the request the subject alone is taken: an endorsement key signs none.
  openssl('req', '-new', '-key', 'stranger.key', '-subj', '/CN=TPM', '-out', 'ek.csr')
  const issue = ['x509', '-req', '-in', 'ek.csr', '-CA', 'maker.pem', '-CAkey', 'maker.key', '-force_pubkey', pem]
  openssl(...issue, '-days', days, '-outform', 'DER', '-out', `${kind}.der`)
  const der = readFileSync(join(folder, `${kind}.der`))
  const attributes = 'ownerwrite|ownerread|authread|no_da'
  await device.tools.run('nvdefine', indices[kind], '-C', 'o', '-s', `${der.length}`, '-a', attributes)
  await device.tools.run('nvwrite', indices[kind], '-C', 'o', '-i', join(folder, `${kind}.der`))
}

const keyOf = async (path: Readonly<Record<string, string>> = {}): Promise<WrappingKey> =>
  wrapping.wrappingKey(
    KeyUri.of('tpm2', path, { device: device.tpm.device }),
    { pin: authSource(undefined) },
    { create: false },
  )
const authorities = (name: string) => readFileSync(join(folder, `${name}.pem`))
const check = (key: WrappingKey, pem: Uint8Array, now = new Date()) => wrapping.checkCertificate?.(key, pem, now)
const refused = expect.objectContaining({ code: 'ERR_KEY_FILE_INVALID' })

describe('a TPM without certificates', () => {
  it('is sent keys below the H-2 primary key, for which no maker vouches', async () => {
    const key = await keyOf()
    expect(key).toMatchObject({ kind: 'h2', certificate: undefined })
    expect(() => check(key, authorities('maker'))).toThrow(refused)
  })
})

describe.each(['rsa-ek', 'ecc-ek'] as const)('a TPM with a certificate of its %s', (kind) => {
  let key: WrappingKey
  beforeAll(async () => {
    await certify(kind)
    key = await keyOf()
  })

  it('is sent keys below it, and brings the certificate along', () => {
    expect(key.kind).toBe(kind)
    const { publicKey } = new X509Certificate(key.certificate ?? new Uint8Array(0))
    expect(publicKey.equals(createPublicKey(authorities(`${kind}.pub`)))).toBe(true)
  })

  it('is vouched for by its maker, also among others', () => {
    check(key, authorities('maker'))
    check(key, Buffer.concat([authorities('stranger'), authorities('maker')]))
  })

  it.each([
    ['another authority', () => check(key, authorities('stranger'))],
    ['no authority', () => check(key, Buffer.from('-----BEGIN NOTHING-----'))],
    ['a time before it', () => check(key, authorities('maker'), new Date(Date.now() - 86_400_000))],
    ['a time after it', () => check(key, authorities('maker'), new Date(Date.now() + 11 * 86_400_000))],
    ['a certificate that is none', () => check({ ...key, certificate: Buffer.alloc(60) }, authorities('maker'))],
  ])('is refused for %s', (_, act) => {
    expect(act).toThrow(refused)
  })

  it('is refused where another key took the place of its own', async () => {
    const other = await keyOf({ parent: 'h2' })
    expect(() => check({ ...other, certificate: key.certificate }, authorities('maker'))).toThrow(refused)
  })
})
