// What the seed's tools and tpm2-tools 5.4 made is opened and used: the interop list of the notes on the seed, C1 lines 1,
// 2 and 4. The files come from an independent generator and from tpm2-tools themselves; all answer the kDate of A1.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { leftInTpm } from '../../peers/tpm-questions.ts'
import { answerAt, answerText, openAt, type Place } from './opening.ts'
import { type SeedFiles, seedFiles, seedPassword, seedPcrExtension } from './seed-files.ts'
import {
  dayAnswer,
  hex,
  importByTools,
  makeH2,
  ownedAlone,
  persistByTools,
  type TpmWithKey,
  tpmWithKey,
} from './tpm-with-key.ts'

let device: TpmWithKey
let seed: SeedFiles
beforeAll(async () => {
  device = await tpmWithKey('unix')
  await device.tools.run('pcrextend', seedPcrExtension)
  // Where nothing is said of an auth value, the empty one is tried first, and counts.
  await device.tools.run('dictionarylockout', '-s', '-n', '32', '-t', '1', '-l', '1')
  seed = await seedFiles(device.tpm)
})
afterEach(async () => expect(await leftInTpm(device.tpm)).toEqual([]))
afterAll(async () => {
  seed?.remove()
  await device?.remove()
})

const file = (name: string, more: Omit<Place, 'path'> & { readonly path?: Place['path'] } = {}): Place => ({
  ...more,
  path: { file: seed.path(name), ...more.path },
})
const answer = (place: Place) => answerAt(device.tpm.device, place)
const withPassword = { auth: seedPassword }
const withPcr = { query: { pcrs: 'sha256:23' } }
const parents = ['h2', 'rsa-ek', 'ecc-ek', 'rsa-srk', 'ecc-srk'] as const

describe('key files of the seed', () => {
  it.each([
    ['seed.pem', 'its program: emptyAuth TRUE, parent a transient handle'],
    ['readme.pem', 'its first READMEs: no emptyAuth, attributes 0x40052'],
    ['old-oid.pem', 'the old OID'],
  ])('%s: %s', async (name) => {
    expect(await answer(file(name))).toBe(dayAnswer)
  })

  it('a pair of raw areas', async () => {
    const path = { public: seed.path('pair.pub'), private: seed.path('pair.priv') }
    expect(await answer({ path })).toBe(dayAnswer)
  })

  it.each(['old-rsa', 'old-ecc'])(
    '%s.pem, whose parent is of an older template, below its persistent handle',
    async (name) => {
      const kind = name === 'old-rsa' ? 'rsa2048:aes128cfb' : 'ecc256:aes128cfb'
      const attributes = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt'
      await device.tools.run('createprimary', '-C', 'o', '-G', kind, '-g', 'sha256', '-a', attributes, '-c', 'old.ctx')
      await device.tools.run('evictcontrol', '-C', 'o', '-c', 'old.ctx', '0x81000009')
      try {
        expect(await answer(file(`${name}.pem`, { path: { parent: '0x81000009' } }))).toBe(dayAnswer)
      } finally {
        await device.tools.run('evictcontrol', '-C', 'o', '-c', '0x81000009')
      }
    },
  )
})

describe('key files of tpm2genkey', () => {
  it.each([
    ['pcr', {}],
    ['password', withPassword],
    ['pcr-password', withPassword],
  ])('genkey-%s.pem, whose policy stands in the file', async (kind, more) => {
    expect(await answer(file(`genkey-${kind}.pem`, more))).toBe(dayAnswer)
  })

  it.each([
    ['pcr', withPcr],
    ['password', withPassword],
    ['pcr-password', { ...withPassword, ...withPcr }],
  ])('genkey-%s-bare.pem, whose policy is told or guessed', async (kind, more) => {
    expect(await answer(file(`genkey-${kind}-bare.pem`, more))).toBe(dayAnswer)
  })
})

describe.each(parents)('key files of tpmcopy below %s', (parent) => {
  it('a loadable key, and the parent that fits is said', async () => {
    const key = await openAt(device.tpm.device, file(`copy-${parent}-plain.pem`))
    expect(answerText(await key.hmac(Buffer.from('20150830')))).toBe(dayAnswer)
    expect(key.info.attributes.parent).toBe(parent)
    await key.close()
  })

  it.each([
    ['password', withPassword],
    ['password-syntax', withPassword],
    ['pcr', withPcr],
    ['pcr-syntax', {}],
  ])('a loadable key with a policy to be used or moved: %s', async (kind, more) => {
    expect(await answer(file(`copy-${parent}-${kind}.pem`, more))).toBe(dayAnswer)
  })

  it.each([
    ['plain', {}],
    ['password', withPassword],
    ['pcr', withPcr],
    ['pcr-syntax', {}],
  ])('an importable key, brought in for the time of its use: %s', async (kind, more) => {
    expect(await answer(file(`copy-${parent}-${kind}-importable.pem`, more))).toBe(dayAnswer)
  })

  it.each([
    ['plain', {}],
    ['password', withPassword],
    ['pcr', withPcr],
  ])('the JSON of its duplicate: %s', async (kind, more) => {
    expect(await answer(file(`copy-${parent}-${kind}.json`, more))).toBe(dayAnswer)
  })

  it('the parent that the URI names', async () => {
    expect(await answer(file(`copy-${parent}-plain.pem`, { path: { parent } }))).toBe(dayAnswer)
  })
})

describe('tpm2_import', () => {
  const pair = (name: string, more: Omit<Place, 'path'> = {}, parent = hex(device.parent)): Place => ({
    ...more,
    path: { public: device.tools.path(`${name}.pub`), private: device.tools.path(`${name}.priv`), parent },
  })
  const policy = async (name: string, ...steps: readonly (readonly string[])[]) => {
    await device.tools.keep('startauthsession', '-S', 'trial.ctx')
    for (const [command = '', ...words] of steps) {
      await device.tools.keep(command, '-S', 'trial.ctx', ...words, '-L', name)
    }
    await device.tools.keep('flushcontext', 'trial.ctx')
  }
  const pcrStep = ['policypcr', '-l', 'sha256:23'] as const

  it('a key without auth value', async () => {
    await importByTools(device.tools, 'plain')
    expect(await answer(pair('plain'))).toBe(dayAnswer)
  })

  it('a key without auth value, of whose parent nothing is said', async () => {
    await importByTools(device.tools, 'plain')
    const { path } = pair('plain')
    expect(await answer({ path: { public: path.public ?? '', private: path.private ?? '' } })).toBe(dayAnswer)
  })

  it('a key with an auth value', async () => {
    await importByTools(device.tools, 'auth', ['-p', seedPassword])
    expect(await answer(pair('auth', withPassword))).toBe(dayAnswer)
  })

  it('a key bound to a PCR', async () => {
    await policy('pcr.policy', pcrStep)
    await importByTools(device.tools, 'pcr', ['-L', 'pcr.policy', '-a', 'sign|noda'])
    expect(await answer(pair('pcr', withPcr))).toBe(dayAnswer)
  })

  it('a key bound to a PCR and an auth value', async () => {
    await policy('both.policy', pcrStep, ['policyauthvalue'])
    await importByTools(device.tools, 'both', ['-L', 'both.policy', '-a', 'sign|noda', '-p', seedPassword])
    expect(await answer(pair('both', { ...withPcr, ...withPassword }))).toBe(dayAnswer)
  })

  it('a key that may be duplicated onward, as in the guide', async () => {
    await policy('move.policy', ['policycommandcode', 'TPM2_CC_Duplicate'])
    await importByTools(device.tools, 'moving', ['-L', 'move.policy', '-a', 'sign|userwithauth'])
    expect(await answer(pair('moving'))).toBe(dayAnswer)
  })
})

describe('tpm2_encodeobject 5.4', () => {
  const encode = async (name: string, parent: string, auth?: string) => {
    await importByTools(device.tools, name, auth === undefined ? [] : ['-p', auth])
    // -p says that there is an auth value, and takes none.
    const more = auth === undefined ? [] : ['-p']
    const files = ['-u', `${name}.pub`, '-r', `${name}.priv`, '-o', `${name}.pem`]
    await device.tools.run('encodeobject', '-C', parent, ...files, ...more)
    ownedAlone(device.tools, `${name}.pem`)
    // It leaves a session in the TPM.
    await device.tools.flush()
  }
  const pem = (name: string, more: Omit<Place, 'path'> = {}): Place => ({
    ...more,
    path: { file: device.tools.path(`${name}.pem`) },
  })

  it.each(['0x81000001', 'o'])('-C %s: a key without auth value, though emptyAuth is FALSE', async (parent) => {
    await encode('without', parent)
    expect(await answer(pem('without'))).toBe(dayAnswer)
  })

  it('-p: a key with an auth value, though emptyAuth is TRUE, and encoded 01', async () => {
    await encode('with', 'o', seedPassword)
    expect(await answer(pem('with', withPassword))).toBe(dayAnswer)
  })
})

describe('persistent handles', () => {
  it('of a key that tpm2-tools made', async () => {
    expect(await answer({ path: { handle: hex(device.handle) } })).toBe(dayAnswer)
  })

  it('of a key with an auth value', async () => {
    await importByTools(device.tools, 'held', ['-p', seedPassword])
    await persistByTools(device.tools, 'held', 0x81010101)
    expect(await answer({ path: { handle: '0x81010101' }, ...withPassword })).toBe(dayAnswer)
  })

  it('of a key bound to a PCR and an auth value', async () => {
    await makeH2(device.tools)
    const areas = ['-u', device.tools.path('both.pub'), '-r', device.tools.path('both.priv')]
    await device.tools.run('load', '-C', 'h2.ctx', ...areas, '-c', 'both.ctx')
    await device.tools.run('evictcontrol', '-C', 'o', '-c', 'both.ctx', '0x81010102')
    const place = { path: { handle: '0x81010102' }, query: { ...withPcr.query, auth: 'yes' }, ...withPassword }
    expect(await answer(place)).toBe(dayAnswer)
  })
})
