// The date rule holds in the TPM: with the office's approval of a day the TPM computes that day and no other, for hardkey and
// for somebody who speaks to the TPM directly (date_rule_peer.py). A missing approval is told before the TPM is asked.

import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openKey } from '../../../src/backends/open.ts'
import { KeyUri } from '../../../src/key/uri.ts'
import { CommandHome, throwAwayKey } from '../../cli/hardkey.ts'
import { startTpmProxy, type TpmProxy } from '../../faults/tpm-proxy.ts'
import { withoutHmac } from '../../faults/tpm-rules.ts'
import { leftInTpm } from '../../peers/tpm-questions.ts'
import { answerText, authSource } from './opening.ts'
import { peerAddress, pythonPeer } from './seed-files.ts'
import { hmacOf, type TpmWithKey, tpmWithKey } from './tpm-with-key.ts'

const home = new CommandHome()
const key = throwAwayKey()
const handle = '0x81010b00'
let device: TpmWithKey
let proxy: TpmProxy
let officePem: string
let uri: KeyUri

const daysFrom = (ahead: number): string =>
  new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '')
const right = (data: string): string => hmacOf(data, `AWS4${key.secretAccessKey}`)

async function run(words: readonly string[], input?: string): Promise<string> {
  const ran = await home.run(words, { environment: { TPM2TOOLS_TCTI: proxy.device }, input })
  if (ran.status !== 0) throw new Error(`${words.join(' ')}: ${ran.stderr}`)
  return ran.stdout
}

beforeAll(async () => {
  device = await tpmWithKey('unix')
  proxy = await startTpmProxy(device.tpm)
  const office = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  officePem = home.write('office.pem', office.privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const rule = home.write('office.pub', office.publicKey.export({ type: 'spki', format: 'pem' }))
  const source = ['--access-key-id', key.accessKeyId, '--from', 'stdin', '--offline', '--region', 'eu-west-1']
  const words = ['import', 'ruled', '--to', 'tpm2', '--persist', handle, '--date-rule', rule, ...source]
  await run(words, key.secretAccessKey)
  await run(['approve', 'ruled', '--office-key', officePem, '--days', '2'])
  const { uri: text, keyUri } = JSON.parse(home.read('hardkey/keys/ruled.json'))
  const recorded = KeyUri.parse(text ?? keyUri)
  uri = recorded.with({ query: { approvals: `${home.records}/ruled.approvals.json` } })
})
afterAll(async () => {
  await proxy?.stop()
  await device?.remove()
  home.remove()
})
beforeEach(() => {
  proxy.order()
  proxy.forget()
})

async function ask(data: string): Promise<string> {
  const opened = await openKey(uri, { pin: authSource(undefined) })
  try {
    return answerText(await opened.hmac(Buffer.from(data)))
  } finally {
    await opened.close()
  }
}

describe('by hardkey', () => {
  it('an approved day is computed', async () => {
    expect(await ask(daysFrom(0))).toBe(right(daysFrom(0)))
    expect(await ask(daysFrom(1))).toBe(right(daysFrom(1)))
  })

  it('F-T14: a day that is not approved is told before the TPM computes, with the days that are', async () => {
    const refusal = await ask(daysFrom(2)).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'ERR_POLICY_REFUSED', tryAgain: false })
    expect(`${Object(refusal).message}; ${Object(refusal).hint}`).toContain(daysFrom(1))
    expect([proxy.count('HMAC'), proxy.count('PolicySigned')]).toEqual([0, 0])
  })

  it('F-T14: 11111111, an old and a far date are not approved', async () => {
    for (const data of ['11111111', '20150830', daysFrom(3650)]) {
      await expect(ask(data)).rejects.toMatchObject({ code: 'ERR_POLICY_REFUSED' })
    }
  })

  it('the check value is approved too', async () => {
    expect(JSON.parse(await run(['inspect', 'ruled', '--json']))).toMatchObject({ sameKey: true })
  })

  it('a TPM without TPM2_HMAC is refused, since a sequence has no cpHash of the data', async () => {
    proxy.order(...withoutHmac())
    await expect(ask(daysFrom(0))).rejects.toMatchObject({ code: 'ERR_BACKEND_UNSUPPORTED' })
  })

  it('leaves nothing in the TPM', async () => {
    expect(await leftInTpm(device.tpm)).toEqual([])
  })
})

describe('by somebody who speaks to the TPM directly', () => {
  const direct = async (approved: string, asked: string): Promise<string> =>
    await pythonPeer('date_rule_peer.py', peerAddress(device.tpm), handle, officePem, approved, asked)

  it('today is computed with the approval of today', async () => {
    expect(await direct(daysFrom(0), daysFrom(0))).toBe(right(daysFrom(0)))
  })

  it('F-T14: tomorrow is refused with the approval of today (0x99D)', async () => {
    expect(await direct(daysFrom(0), daysFrom(1))).toBe('command 0x155 answers 0x99d')
  })

  it('F-T14: no session of an auth value helps', async () => {
    device.tools.write('today', daysFrom(0))
    expect(await device.tools.refusal('hmac', '-c', handle, 'today')).toMatch(/0x12F/i)
  })
})
