// What hardkey writes is used by others: aws-tpm-process-credential's way of reading a key file (rebuilt from its formats) and
// tpm2-tools 5.4. The interop list of the notes on the seed, C1 lines 3 and 4.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answerAt, importAt, openAt, type Place } from './opening.ts'
import { type SeedFiles, seedFiles, seedPassword, seedPcrExtension } from './seed-files.ts'
import { dayAnswer, hex, makeH2, type TpmWithKey, tpmWithKey } from './tpm-with-key.ts'

let device: TpmWithKey
let seed: SeedFiles
beforeAll(async () => {
  device = await tpmWithKey('unix')
  await device.tools.run('pcrextend', seedPcrExtension)
  seed = await seedFiles(device.tpm)
})
afterAll(async () => {
  seed?.remove()
  await device?.remove()
})

const kinds: readonly (readonly [string, string, Omit<Place, 'path'>])[] = [
  ['plain', 'none', {}],
  ['password', `password:${seedPassword}`, { query: { auth: 'yes' }, auth: seedPassword }],
  ['pcr', 'pcr', { query: { pcrs: 'sha256:23' } }],
  ['both', `pcr+password:${seedPassword}`, { query: { auth: 'yes', pcrs: 'sha256:23' }, auth: seedPassword }],
]

const importAs = async (name: string, more: Omit<Place, 'path'>, parent = {}) => {
  const file = device.tools.path(`${name}.tss2.pem`)
  await importAt(device.tpm.device, { ...more, path: { file, ...parent } })
  return file
}

/** The two areas of a key file, taken out by openssl. */
function convert(file: string, name: string): void {
  const der = Buffer.from(execFileSync('openssl', ['asn1parse', '-inform', 'PEM', '-in', file, '-out', `${file}.der`]))
  expect(der.toString()).toContain('OBJECT')
  const places = [...der.toString().matchAll(/^ *(\d+):d=1 .*prim: OCTET STRING/gm)].map(([, at]) => Number(at))
  for (const [index, ending] of ['pub', 'priv'].entries()) {
    const at = String(places.at(index - 2))
    const words = ['asn1parse', '-inform', 'PEM', '-in', file, '-strparse', at, '-noout', '-out', `${file}.${ending}`]
    // The content is no DER of its own; openssl has written it before it says so.
    try {
      execFileSync('openssl', words, { stdio: 'ignore' })
    } catch {}
    writeFileSync(device.tools.path(`${name}.${ending}`), device.tools.read(`${name}.tss2.pem.${ending}`))
  }
}

describe('a key file of ours', () => {
  it.each(kinds)('%s: is loaded as aws-tpm-process-credential does', async (name, wants, more) => {
    expect(await seed.use(await importAs(`seed-${name}`, more), wants)).toBe(dayAnswer)
  })

  it('is loaded by tpm2_load as it is', async () => {
    const file = await importAs('tools', {})
    await device.tools.run('load', '-r', file, '-c', 'tools.ctx')
    const said = await device.tools.run('hmac', '-c', 'tools.ctx', '-g', 'sha256', '--hex', 'day')
    expect(said.trim()).toBe(dayAnswer)
  })

  it.each(kinds)('%s: is loaded by tpm2_load after conversion', async (name, wants, more) => {
    const file = await importAs(`converted-${name}`, more, { parent: 'h2' })
    convert(file, `converted-${name}`)
    await makeH2(device.tools)
    const areas = ['-u', `converted-${name}.pub`, '-r', `converted-${name}.priv`]
    await device.tools.run('load', '-C', 'h2.ctx', ...areas, '-c', 'k.ctx')
    const hmac = ['hmac', '-c', 'k.ctx', '-g', 'sha256', '--hex', 'day']
    if (name === 'plain') return expect((await device.tools.run(...asWords(hmac))).trim()).toBe(dayAnswer)
    if (name === 'password') {
      return expect((await device.tools.run(...asWords([...hmac, '-p', seedPassword]))).trim()).toBe(dayAnswer)
    }
    await device.tools.keep('startauthsession', '--policy-session', '-S', 's.ctx')
    await device.tools.keep('policypcr', '-S', 's.ctx', '-l', 'sha256:23')
    if (name === 'both') await device.tools.keep('policyauthvalue', '-S', 's.ctx')
    const session = wants.startsWith('pcr+') ? `session:s.ctx+${seedPassword}` : 'session:s.ctx'
    expect((await device.tools.run(...asWords([...hmac, '-p', session]))).trim()).toBe(dayAnswer)
    await device.tools.flush()
  })
})

describe('a persistent key of ours', () => {
  it('is used by tpm2_hmac', async () => {
    await importAt(device.tpm.device, { path: { handle: '0x81010500' } })
    const said = await device.tools.run('hmac', '-c', '0x81010500', '-g', 'sha256', '--hex', 'day')
    expect(said.trim()).toBe(dayAnswer)
  })
})

describe('parents and Names', () => {
  it('the record names the H-2 key that the generator makes', async () => {
    const imported = await importAt(device.tpm.device, { path: { file: device.tools.path('named.tss2.pem') } })
    expect(imported.uri.get('salt-name')?.toLowerCase()).toBe((await seed.parent('h2')).name)
  })

  it('the record has the whole public area of a persistent parent, so that nobody needs to ask for it', async () => {
    const path = { file: device.tools.path('kept.tss2.pem'), parent: '0x81000001' }
    const imported = await importAt(device.tpm.device, { path })
    expect(imported.uri.get('salt-public')?.toLowerCase()).toBe((await seed.parent('h2')).publicArea)
  })

  it.each(['h2', 'rsa-ek', 'ecc-ek', 'rsa-srk', 'ecc-srk', '0x81000001'])(
    'a key below %s is opened again by its record, and by its file alone',
    async (parent) => {
      const file = device.tools.path(`below-${parent}.tss2.pem`)
      const { uri } = await importAt(device.tpm.device, { path: { file, parent } })
      const key = await openAt(device.tpm.device, { path: { file } })
      expect(key.info.attributes.parent).toBe(parent === '0x81000001' ? hex(device.parent) : parent)
      await key.close()
      expect(await answerAt(device.tpm.device, { path: { file } })).toBe(dayAnswer)
      expect(uri.get('file')).toBe(file)
    },
  )

  it('the Name in the record is that of the object', async () => {
    const { uri } = await importAt(device.tpm.device, { path: { handle: '0x81010501' } })
    await device.tools.run('readpublic', '-c', '0x81010501', '-n', 'object.name', '-o', 'object.pub')
    expect(uri.get('name')?.toLowerCase()).toBe(device.tools.read('object.name').toString('hex'))
    const area = device.tools.read('object.pub').subarray(2)
    expect(uri.get('name')?.toLowerCase()).toBe(`000b${createHash('sha256').update(area).digest('hex')}`)
  })
})

function asWords([name = '', ...words]: readonly string[]): [string, ...string[]] {
  return [name, ...words]
}
