// The software TPM answers in each of its ways, and forgets nothing when it is cut off; tpm2-tools reach it.

import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { startSwtpm, swtpmWays } from './swtpm.ts'
import { type Tpm2Tools, tpm2Tools } from './tpm2-tools.ts'

const key = 'AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const day = '20150830'
const dayAnswer = createHmac('sha256', key).update(day).digest('hex')
const srk = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|decrypt'

/** A storage key at 0x81000001 and the HMAC key below it at 0x81010100. */
async function importKey(tools: Tpm2Tools): Promise<void> {
  tools.write('aws4.key', key)
  await tools.run('createprimary', '-C', 'o', '-G', 'ecc256:aes128cfb', '-g', 'sha256', '-a', srk, '-c', 'p.ctx')
  await tools.run('evictcontrol', '-C', 'o', '-c', 'p.ctx', '0x81000001')
  const made = ['-u', 'k.pub', '-r', 'k.priv']
  await tools.run('import', '-C', '0x81000001', '-G', 'hmac', '-i', 'aws4.key', ...made, '-a', 'sign|userwithauth|noda')
  await tools.run('load', '-C', '0x81000001', ...made, '-c', 'k.ctx')
  await tools.run('evictcontrol', '-C', 'o', '-c', 'k.ctx', '0x81010100')
}

describe.each(swtpmWays)('swtpm over %s', (way) => {
  it('keeps an HMAC key that tpm2-tools imported, also over a power cut', async () => {
    const tpm = await startSwtpm(way)
    const tools = await tpm2Tools(tpm.tcti)
    try {
      await importKey(tools)
      await tpm.powerCut()
      tools.write('day', day)
      expect((await tools.run('hmac', '-c', '0x81010100', '-g', 'sha256', '--hex', 'day')).trim()).toBe(dayAnswer)
    } finally {
      tools.remove()
      await tpm.stop()
    }
  })
})

it('a software TPM starts again after an orderly shutdown', async () => {
  const tpm = await startSwtpm()
  await tpm.reboot()
  const random = await tpm.send(Buffer.from('80010000000c0000017b0010', 'hex'))
  expect([random.readUInt32BE(6), random.length]).toEqual([0, 28])
  await tpm.stop()
})
