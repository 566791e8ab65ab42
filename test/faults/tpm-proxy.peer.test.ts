// The controls of the TPM proxy: what it lets pass is as swtpm said it, and each rule gets the better of a client that
// checks nothing, where the criteria name what it has broken.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { day, dayAnswer, hex, hmacOf, type TpmWithKey, tpmWithKey } from '../backends/tpm2/tpm-with-key.ts'
import { exchange } from '../peers/swtpm.ts'
import { tpm2Tools } from '../peers/tpm2-tools.ts'
import { carelessHmac, hmacCommand, whateverComes } from './careless-client.ts'
import { brokenCriteria, type Fault } from './criteria.ts'
import { startTpmProxy, type TpmProxy } from './tpm-proxy.ts'
import {
  cut,
  delay,
  deny,
  first,
  flip,
  lengthen,
  pad,
  refuse,
  replay,
  resize,
  retag,
  silence,
  withoutHmac,
} from './tpm-rules.ts'

const otherDay = Buffer.from('20150831')
let device: TpmWithKey
let proxy: TpmProxy
beforeAll(async () => {
  device = await tpmWithKey('unix')
  proxy = await startTpmProxy(device.tpm)
})
afterAll(async () => {
  await proxy?.stop()
  await device?.remove()
})
beforeEach(() => {
  proxy.order()
  proxy.forget()
})

const ask = (data: Uint8Array = day): Promise<Buffer> =>
  exchange({ host: '127.0.0.1', port: proxy.port }, hmacCommand(device.handle, data))
const careless = (data: Uint8Array = day): Promise<string> => carelessHmac(proxy.port, hmacCommand(device.handle, data))

describe('without rules', () => {
  it('tpm2-tools get the right answer through the proxy', async () => {
    const tools = await tpm2Tools(proxy.device)
    tools.write('day', day)
    const said = await tools.run('hmac', '-c', hex(device.handle), '-g', 'sha256', '--hex', 'day')
    expect(said.trim()).toBe(dayAnswer)
    expect(proxy.count('HMAC_Start') + proxy.count('HMAC')).toBeGreaterThanOrEqual(1)
    tools.remove()
  })

  it('what crosses is recorded in both directions', async () => {
    const answer = await ask()
    expect(proxy.commands()).toEqual(['HMAC'])
    expect(proxy.bytes()).toEqual(Buffer.concat([hmacCommand(device.handle, day), answer]))
    expect(answer.subarray(16, 48).toString('hex')).toBe(dayAnswer)
  })
})

describe('a rule', () => {
  const codeOf = async () => (await ask()).readUInt32BE(6)

  it('that refuses keeps the command from the TPM, so often as it says', async () => {
    proxy.order(refuse('HMAC', 0x922, first(2)))
    expect([await codeOf(), await codeOf(), await codeOf()]).toEqual([0x922, 0x922, 0])
  })

  it('that denies lets the TPM do it', async () => {
    proxy.order(deny('HMAC', 0x101))
    expect((await ask()).toString('hex')).toBe('80010000000a00000101')
  })

  it.each([
    ['cuts', () => cut('HMAC', 20), 20, 53],
    ['adds bytes behind', () => lengthen('HMAC', 4), 57, 53],
    ['adds bytes within', () => pad('HMAC', 4), 57, 57],
    ['lies about the size', () => resize('HMAC', 0), 53, 0],
  ] as const)('that %s changes length or size of the answer', async (_what, rule, length, said) => {
    proxy.order(rule())
    const answer = await whateverComes(proxy.port, hmacCommand(device.handle, day))
    expect([answer.length, answer.readUInt32BE(2)]).toEqual([length, said])
  })

  it('that changes the tag leaves the rest', async () => {
    const whole = await ask()
    proxy.order(retag('HMAC', 0x00c4))
    expect((await ask()).toString('hex')).toBe(`00c4${whole.toString('hex').slice(4)}`)
  })

  it('that hides TPM2_HMAC takes it out of the list too', async () => {
    const list = Buffer.from('8001000000160000017a000000020000015500000001', 'hex')
    const listed = async () =>
      (await exchange({ host: '127.0.0.1', port: proxy.port }, list)).subarray(15).toString('hex')
    expect(await listed()).toMatch(/^00000001....0155$/)
    proxy.order(...withoutHmac())
    expect(await listed()).toBe('00000000')
    expect(await codeOf()).toBe(0x143)
  })
})

describe('a client that checks nothing', () => {
  const judged = async (act: () => Promise<string>, more: Partial<Fault<string>> = {}) => {
    const fault = { act, mend: () => proxy.order(), isRight: (answer: string) => answer === dayAnswer, canaries: {} }
    return (await brokenCriteria({ ...fault, ...more })).broken
  }
  /** For an act that does not end: neither it nor what it holds is waited for. */
  const impatient = { withinMilliseconds: 500, settleMilliseconds: 200 }

  it('takes a flipped bit for an answer', async () => {
    proxy.order(flip('HMAC', 20))
    expect(await judged(careless)).toEqual(['N2: another answer than the right one'])
  })

  it('takes the answer of another day for that of today', async () => {
    expect(await careless(otherDay)).toBe(hmacOf(otherDay))
    proxy.order(replay('HMAC'))
    expect(await judged(careless)).toEqual(['N2: another answer than the right one'])
  })

  it('takes half an answer for one', async () => {
    proxy.order(cut('HMAC', 40))
    expect(await judged(careless)).toEqual(['N2: another answer than the right one'])
  })

  it('waits for ever where none comes', async () => {
    proxy.order(silence('HMAC'))
    expect(await judged(careless, impatient)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^N7: no end within/)]),
    )
  })

  it('gives an auth value twice', async () => {
    const refused = () => proxy.exchanges.filter(({ answer }) => answer?.readUInt32BE(6) === 0x9a2).length
    proxy.order(refuse('HMAC', 0x9a2))
    const twice = async () => {
      await careless()
      return await careless()
    }
    const broken = await judged(twice, { tries: refused, again: careless })
    expect(broken).toContain('N5: 2 PINs or passphrases tried under the fault')
  })

  it('is late with a slow TPM', async () => {
    proxy.order(delay('HMAC', 700))
    expect(await judged(careless, impatient)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^N7: no end within/)]),
    )
  })
})
