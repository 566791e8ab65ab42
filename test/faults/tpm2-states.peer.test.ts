// States of a real TPM in which a key fails, made as they come about: wrong auth values, the lockout, power cuts, a reset, a
// cleared TPM, another key in the same place, changed PCRs, objects that a killed process has left.
// Longer than 250 lines, so that all of them stand together.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openKey } from '../../src/backends/open.ts'
import type { KeyUri } from '../../src/key/uri.ts'
import { answerText, authSource, importAt, uriOf } from '../backends/tpm2/opening.ts'
import {
  day,
  dayAnswer,
  hex,
  importByTools,
  keyText,
  persistByTools,
  type TpmWithKey,
  tpmWithKey,
} from '../backends/tpm2/tpm-with-key.ts'
import { builtEnvironment } from '../peers/peer.ts'
import { leftInTpm, wrongAuthCount } from '../peers/tpm-questions.ts'
import { startTpmProxy } from './tpm-proxy.ts'
import { silence } from './tpm-rules.ts'

const auth = 'canary-auth-6650'
let device: TpmWithKey
let folder: string
beforeEach(async () => {
  device = await tpmWithKey('unix')
  folder = mkdtempSync(join(tmpdir(), 'hardkey-tpm-states-'))
})
afterEach(async () => {
  await device?.remove()
  rmSync(folder, { recursive: true, force: true })
})

/** Checks a key in as a file below H-2. */
async function checkIn(query: Readonly<Record<string, string>> = {}, path: Readonly<Record<string, string>> = {}) {
  const place = path.handle === undefined ? { file: join(folder, 'prod.tss2.pem'), ...path } : path
  const withAuth = query.auth === undefined ? {} : { auth }
  return (await importAt(device.tpm.device, { path: place, query, ...withAuth })).uri
}

async function ask(uri: KeyUri, given?: string): Promise<string> {
  const key = await openKey(uri, { pin: authSource(given) })
  try {
    return answerText(await key.hmac(day))
  } finally {
    await key.close()
  }
}

const counter = () => wrongAuthCount(device.tpm)

/** Makes wrong tries with tpm2-tools, at a key of the seed's without noDA. */
async function spendTries(count: number): Promise<void> {
  await importByTools(device.tools, 'spent', ['-p', auth])
  await device.tools.run('load', '-C', hex(device.parent), '-u', 'spent.pub', '-r', 'spent.priv', '-c', 'spent.ctx')
  // The first answer after a start is RETRY, which counts for nothing.
  for (let tries = 0; tries < count; tries += 1) {
    await device.tools.refusal('hmac', '-c', 'spent.ctx', '-p', `canary-wrong-${tries}`, 'day')
  }
  expect(await counter()).toBe(count)
}

const refusalOf = (uri: KeyUri, given?: string) => ask(uri, given).catch((error: unknown) => error)
const wordsOf = (refusal: unknown) => `${Object(refusal).message}; ${Object(refusal).hint}`

describe('auth values', () => {
  it('F-T03: a wrong one is tried once, and the counter of the TPM moves by one for each', async () => {
    await device.tools.run('dictionarylockout', '-s', '-n', '32', '-t', '1000', '-l', '1000')
    const uri = await checkIn({ auth: 'yes' })
    for (const tries of [1, 2, 3]) {
      const wrong = authSource(`canary-wrong-${tries}`)
      await expect(openKey(uri, { pin: wrong }).then((key) => key.hmac(day))).rejects.toMatchObject({
        code: 'ERR_PIN_INCORRECT',
      })
      expect([await counter(), wrong.asked()]).toEqual([tries, 1])
    }
    expect(await ask(uri, auth)).toBe(dayAnswer)
    expect(await counter()).toBe(3)
    expect(await leftInTpm(device.tpm)).toEqual([])
  })

  it('F-T03: none is tried where the next wrong one would lock the TPM', async () => {
    await spendTries(2)
    const uri = await checkIn({ auth: 'yes' })
    const refusal = await refusalOf(uri, auth)
    expect(refusal).toMatchObject({ code: 'ERR_PIN_LOCKED', tryAgain: false })
    expect(wordsOf(refusal)).toMatch(/2 of 3/)
    expect(await counter()).toBe(2)
  })

  it('F-T04: the lockout is told with its recovery time, and a key without dictionary attack protection goes on', async () => {
    await spendTries(3)
    const [typed, plain] = [await checkIn({ auth: 'yes' }), await checkIn({}, { handle: '0x81010600' })]
    const refusal = await refusalOf(typed, auth)
    expect(refusal).toMatchObject({ code: 'ERR_PIN_LOCKED', tryAgain: false })
    expect(wordsOf(refusal)).toMatch(/every \d+ s/)
    expect(await counter()).toBe(3)
    expect(await ask(plain)).toBe(dayAnswer)
  })

  it('F-T01: the RETRY that a TPM gives at the first use of a protected key after a start is not seen', async () => {
    const uri = await checkIn({ auth: 'yes' })
    for (let starts = 0; starts < 2; starts += 1) {
      await device.tpm.reboot()
      expect(await ask(uri, auth)).toBe(dayAnswer)
    }
    expect(await counter()).toBe(0)
  })
})

describe('power', () => {
  it('F-T05: three power cuts do not lock a key without auth value, nor one with PCRs', async () => {
    const [plain, bound] = [await checkIn(), await checkIn({ pcrs: 'sha256:23' }, { handle: '0x81010601' })]
    for (let cuts = 0; cuts < 4; cuts += 1) {
      expect([await ask(plain), await ask(bound)]).toEqual([dayAnswer, dayAnswer])
      await device.tpm.powerCut()
    }
    expect(await ask(plain)).toBe(dayAnswer)
    expect(await counter()).toBe(0)
  })

  it('F-T05: three power cuts lock a protected key of the seed, and hardkey says so', async () => {
    await importByTools(device.tools, 'seed')
    await persistByTools(device.tools, 'seed', 0x81010602)
    for (let cuts = 0; cuts < 3; cuts += 1) {
      await device.tools.run('hmac', '-c', '0x81010602', 'day')
      await device.tpm.powerCut()
    }
    expect(await counter()).toBe(3)
    await expect(ask(seedUri('0x81010602'))).rejects.toMatchObject({ code: 'ERR_PIN_LOCKED' })
  })

  it.each(['powerCut', 'reboot'] as const)('F-T19: a key that is open goes on after a reset (%s)', async (how) => {
    const uri = await checkIn()
    const key = await openKey(uri, { pin: authSource(undefined) })
    expect(answerText(await key.hmac(day))).toBe(dayAnswer)
    await device.tpm[how]()
    expect(answerText(await key.hmac(day))).toBe(dayAnswer)
    await key.close()
    expect(await leftInTpm(device.tpm)).toEqual([])
  })
})

describe('another content', () => {
  it('F-T11: a TPM that was cleared is told from a damaged key, and the key file stays', async () => {
    const [file, kept] = [await checkIn(), await checkIn({}, { handle: '0x81010603' })]
    const before = readFileSync(join(folder, 'prod.tss2.pem'), 'utf8')
    await device.tools.run('clear', '-c', 'p')
    // With the pinned Name the parent is another key, without it the key file does not fit.
    for (const query of [{}, { 'salt-name': undefined }]) {
      const refusal = await refusalOf(file.with({ query }))
      expect(refusal).toMatchObject({ code: 'ERR_KEY_UNUSABLE', tryAgain: false })
      expect(wordsOf(refusal)).toMatch(/cleared.*another TPM|another TPM.*cleared/)
    }
    expect(readFileSync(join(folder, 'prod.tss2.pem'), 'utf8')).toBe(before)
    await expect(ask(kept)).rejects.toMatchObject({ code: 'ERR_KEY_NOT_FOUND' })
  })

  it('F-T12: a handle that holds another key now is refused', async () => {
    const uri = await checkIn({}, { handle: '0x81010604' })
    await device.tools.run('evictcontrol', '-C', 'o', '-c', '0x81010604')
    device.tools.write('aws4.key', 'another key')
    await importByTools(device.tools, 'other', ['-a', 'sign|userwithauth|noda'])
    await persistByTools(device.tools, 'other', 0x81010604)
    device.tools.write('aws4.key', keyText)
    await expect(ask(uri)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_KEY_(UNUSABLE|NOT_FOUND)$/) })
  })

  it('F-T12: a handle that holds no HMAC key is refused', async () => {
    await expect(ask(seedUri(hex(device.parent)))).rejects.toMatchObject({ code: 'ERR_KEY_UNUSABLE' })
  })

  it('B-068: a key file whose public part has another bit is refused, and told as damaged or foreign', async () => {
    const uri = await checkIn({}, { parent: 'h2' })
    const path = join(folder, 'prod.tss2.pem')
    const [head = '', ...rest] = readFileSync(path, 'utf8').trim().split('\n')
    const der = Buffer.from(rest.slice(0, -1).join(''), 'base64')
    // The last byte of the unique field, in front of the OCTET STRING of the private area.
    const unique = der.indexOf(Buffer.from('0005000b0020', 'hex')) + 6 + 31
    der.writeUInt8(der.readUInt8(unique) ^ 1, unique)
    const text = `${head}\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n${rest.at(-1)}\n`
    const damaged = join(folder, 'damaged.tss2.pem')
    writeFileSync(damaged, text, { mode: 0o600 })
    const refusal = await ask(uri.with({ path: { file: damaged }, query: { name: undefined } })).catch(
      (e: unknown) => e,
    )
    expect(refusal).toMatchObject({ code: 'ERR_KEY_UNUSABLE' })
    const { message = '', hint = '' } = Object(refusal)
    expect(`${message}; ${hint}`).toMatch(/damaged/)
  })
})

describe('PCRs', () => {
  it('F-T13: a PCR that changed is named, costs no try, and when it is back the key works', async () => {
    const uri = await checkIn({ pcrs: 'sha256:16,23' })
    expect(await ask(uri)).toBe(dayAnswer)
    await device.tools.run('pcrextend', `23:sha256=${'11'.repeat(32)}`)
    const refusal = await refusalOf(uri)
    expect(refusal).toMatchObject({ code: 'ERR_POLICY_REFUSED', tryAgain: false })
    expect(Object(refusal).message).toMatch(/sha256:23/)
    expect(Object(refusal).message).not.toMatch(/sha256:16/)
    expect([await counter(), await leftInTpm(device.tpm)]).toEqual([0, []])
    await device.tools.run('pcrreset', '23')
    expect(await ask(uri)).toBe(dayAnswer)
  })
})

describe('a process that was killed with handles in the TPM', () => {
  it('F-T08: is no hindrance to the next, which flushes nothing foreign', async () => {
    // Below a persistent parent a key takes one of the three places of a TPM without resource manager.
    const uri = await checkIn({}, { parent: hex(device.parent) })
    const proxy = await startTpmProxy(device.tpm)
    const there = uri.with({ query: { device: proxy.device } })
    proxy.order(silence('HMAC'))
    const program = `
      import { openKey } from '${new URL('../../dist/index.js', import.meta.url)}'
      const key = await openKey(process.argv[1])
      await key.hmac(Buffer.from('20150830'))`
    const words = ['--input-type=module', '-e', program, `${there}`]
    const child = spawn(process.execPath, words, { env: builtEnvironment(), stdio: 'ignore' })
    while (proxy.count('HMAC') === 0 && child.exitCode === null) await new Promise((go) => setTimeout(go, 20))
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    const left = await leftInTpm(device.tpm)
    expect(left.length).toBeGreaterThan(0)
    proxy.order()
    expect(await ask(there)).toBe(dayAnswer)
    expect(await leftInTpm(device.tpm)).toEqual(left)
    await proxy.stop()
  })

  it('F-T06: where others hold every place, the resource manager is named', async () => {
    const uri = await checkIn()
    for (const name of ['a', 'b']) {
      const files = ['-u', 'aws.pub', '-r', 'aws.priv', '-c', `${name}.ctx`]
      // Written to swtpm itself, a context stays loaded until somebody flushes it.
      await device.tools.keep('load', '-C', hex(device.parent), ...files)
    }
    const left = await leftInTpm(device.tpm)
    const refusal = await refusalOf(uri)
    expect(refusal).toMatchObject({ code: 'ERR_DEVICE_UNAVAILABLE' })
    expect(Object(refusal).hint).toContain('/dev/tpmrm0')
    expect(await leftInTpm(device.tpm)).toEqual(left)
  })
})

/** A persistent key that tpm2-tools made, by its handle alone. */
function seedUri(handle: string): KeyUri {
  return uriOf(device.tpm.device, { path: { handle } })
}
