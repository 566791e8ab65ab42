// A key that was encrypted elsewhere comes to a TPM: below each kind of parent, in that TPM alone, whole or not at all. Two
// software TPMs, each with seeds of its own; tpm2-tools ask whether the key could go on from there.

import { createHmac } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { backendEntry } from '../../../src/backends/list.ts'
import { tpm2Wrapping } from '../../../src/backends/tpm2/wrapping.ts'
import { KeyUri } from '../../../src/key/uri.ts'
import { commandCodes, startTpmProxy, type TpmProxy } from '../../faults/tpm-proxy.ts'
import { temporaryFolder } from '../../files/temporary-folder.ts'
import { changedFiles, fileFor, type Receiver, received, refusal, secretText } from '../../lifecycle/delivery.ts'
import { type Swtpm, startSwtpm } from '../../peers/swtpm.ts'
import { leftInTpm } from '../../peers/tpm-questions.ts'
import { type Tpm2Tools, tpm2Tools } from '../../peers/tpm2-tools.ts'
import { answerAt, answerText, authSource } from './opening.ts'

const parents = ['h2', 'rsa-ek', 'ecc-ek', 'rsa-srk', 'ecc-srk'] as const
/** An RSA parent is made anew for each. */
const everyNth = process.env.TEST_LONG === '1' ? 1 : 23
const wrapping = tpm2Wrapping()
const pin = authSource(undefined)
let tpm: Swtpm
let other: Swtpm
let proxy: TpmProxy
let tools: Tpm2Tools
beforeAll(async () => {
  tpm = await startSwtpm('unix')
  other = await startSwtpm('unix')
  proxy = await startTpmProxy(other)
  tools = await tpm2Tools(tpm.tcti)
})
afterEach(async () => expect(await leftInTpm(tpm)).toEqual([]))
afterAll(async () => {
  tools?.remove()
  await proxy?.stop()
  await other?.stop()
  await tpm?.stop()
})

const keyOf = (parent: string) =>
  wrapping.wrappingKey(KeyUri.of('tpm2', { parent }, { device: tpm.device }), { pin }, { create: false })
const fileOf = async (parent: string) => fileFor(wrapping, await keyOf(parent))
const into = (device: string, path: Readonly<Record<string, string>>): Receiver => ({
  to: KeyUri.of('tpm2', path, { device }),
  entry: backendEntry('tpm2'),
  pin,
})
const inFile = (device = tpm.device): Receiver => into(device, { file: join(temporaryFolder(), 'edge.tss2.pem') })
const today = new Date().toISOString().slice(0, 10).replaceAll('-', '')

describe('a key wrapped for a TPM', () => {
  it.each(parents)('below %s answers as the secret does, and is described for what it is', async (parent) => {
    const { stored, info } = await received(await fileOf(parent), inFile())
    expect(info).toMatchObject({ attributes: { fixedTPM: false, fixedParent: false, parent } })
    expect(info.warnings.join()).toContain('made outside of this TPM')
    const uri = KeyUri.parse(stored.record.uri)
    const place = { path: { file: uri.get('file') ?? '', parent }, query: { name: uri.get('name') ?? '' } }
    const expected = createHmac('sha256', `AWS4${secretText}`).update(today).digest()
    expect(await answerAt(tpm.device, place, Buffer.from(today))).toBe(answerText(expected))
  })

  it('is kept at a handle, and no TPM2_Duplicate takes it from there, whatever the session', async () => {
    await received(await fileOf('h2'), into(tpm.device, { handle: '0x81010800' }))
    await tools.run('readpublic', '-c', '0x81010800', '-o', 'made.pub')
    // An empty authPolicy; TPMA_OBJECT without fixedTPM and fixedParent. TPM 2.0 Library, Part 2, 12.2.4 and 8.3.
    expect(tools.read('made.pub').readUInt16BE(10)).toBe(0)
    expect(tools.read('made.pub').readUInt32BE(6) & 0x12).toBe(0)
    const out = ['-r', 'out.dup', '-s', 'out.seed']
    const words = ['-C', 'null', '-G', 'null', '-c', '0x81010800', ...out]
    await tools.keep('startauthsession', '--policy-session', '-S', 's.ctx')
    await tools.keep('policycommandcode', '-S', 's.ctx', '-L', 'move.policy', 'TPM2_CC_Duplicate')
    // TPM_RC_AUTH_UNAVAILABLE or TPM_RC_POLICY_FAIL: there is no policy that could be satisfied.
    expect(await tools.refusal('duplicate', ...words, '-p', 'session:s.ctx')).toMatch(/0x(12F|99D)/i)
    expect(await tools.refusal('duplicate', ...words)).toMatch(/0x(12F|124|99D)/i)
    expect(existsSync(tools.path('out.dup'))).toBe(false)
    await tools.flush()
    await tools.run('evictcontrol', '-C', 'o', '-c', '0x81010800')
  })
})

describe('another TPM', () => {
  it.each(parents)(
    'refuses a key that was wrapped for the %s of the first, and is sent nothing of it',
    async (parent) => {
      const file = await fileOf(parent)
      proxy.forget()
      const receiver = inFile(proxy.device)
      expect(await refusal(() => received(file, receiver))).toBe('ERR_KEY_UNUSABLE')
      expect(proxy.exchanges.map(({ code }) => code)).not.toContain(commandCodes.Import)
      expect(existsSync(receiver.to.get('file') ?? '')).toBe(false)
    },
  )

  it('cannot open it where the file names that TPM as its own', async () => {
    const file = JSON.parse((await fileOf('h2')).toString())
    const mine = await wrapping.wrappingKey(
      KeyUri.of('tpm2', { parent: 'h2' }, { device: other.device }),
      { pin },
      { create: false },
    )
    const forged = Buffer.from(`${JSON.stringify({ ...file, name: mine.name }, null, 2)}\n`)
    expect(await refusal(() => received(forged, inFile(other.device)))).toBe('ERR_KEY_UNUSABLE')
  })
})

describe('a file that was changed on its way', () => {
  it.each(['ecc-ek', 'rsa-srk'])(
    'to the %s is refused, whichever byte it is, and leaves nothing',
    async (parent) => {
      const taken: number[] = []
      for (const { at, changed } of changedFiles(await fileOf(parent), everyNth)) {
        const receiver = inFile()
        if ((await refusal(() => received(changed, receiver))) === 'taken') taken.push(at)
        if (existsSync(receiver.to.get('file') ?? '')) taken.push(at)
      }
      expect(taken).toEqual([])
    },
    600_000,
  )
})

describe('what a wrapped key shall want', () => {
  it.each([{ pcrs: 'sha256:7' }, { auth: 'yes' }])('cannot be asked for where it is opened: %j', async (query) => {
    const receiver = inFile()
    const asked = { ...receiver, to: receiver.to.with({ query }) }
    expect(await refusal(async () => received(await fileOf('h2'), asked))).toBe('ERR_URI_INVALID')
  })
})
