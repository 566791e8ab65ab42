// A TPM, or somebody between it and us, that fails (F-T01 to F-T21): before a key is opened and while it is open, with a key
// file and with a persistent key. After each fault the criteria N1 to N8 hold; the faults that a table holds stand in
// tpm-faults.ts, those of power, time and other programs here.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { deviceDateKeys } from '../../src/sigv4/date-key.ts'
import { sigV4Signer } from '../../src/sigv4/signer.ts'
import { answerText } from '../backends/tpm2/opening.ts'
import { day, dayAnswer } from '../backends/tpm2/tpm-with-key.ts'
import { leftInTpm } from '../peers/tpm-questions.ts'
import { brokenCriteria, type Outcome, underFault } from './criteria.ts'
import { FaultyTpm, type Kind } from './faulty-tpm.ts'
import { replayed, replayedStart, slowFaults, type TpmFault, tpmFaults } from './tpm-faults.ts'
import { commandCodes } from './tpm-proxy.ts'
import { cut, delay, flip, pad, refuse, withoutHmac } from './tpm-rules.ts'

let tpm: FaultyTpm
beforeAll(async () => {
  tpm = await FaultyTpm.make()
})
afterAll(() => tpm?.remove())
beforeEach(() => {
  tpm.proxy.order()
  tpm.proxy.manage(false)
  tpm.proxy.forget()
})

// One that leaves something must not make the next ones fail.
afterEach(() => tpm.device.tools.flush())

/** 10,000 take two minutes or more: nearly all of it is swtpm's. */
const failingTurns = process.env.TEST_LONG === '1' ? 10_000 : 2000
const kinds: readonly Kind[] = ['file', 'handle']
const allKinds: readonly Kind[] = [...kinds, 'typed']

function named(faults: readonly TpmFault[], kind: Kind): (readonly [string, string, TpmFault])[] {
  return faults
    .filter(({ only }) => (only === undefined ? kinds.includes(kind) : only === kind))
    .map((fault) => [fault.id, fault.what, fault])
}

function expectOutcome(outcome: Outcome<string>, { comes, says = '' }: Pick<TpmFault, 'comes' | 'says'>): void {
  if (comes === 'the right answer') expect(outcome).toEqual({ answer: dayAnswer })
  else expect([comes].flat()).toContain(Object(outcome.error).code ?? outcome)
  const { message = '', hint = '' } = Object(outcome.error)
  expect(`${message}; ${hint}`).toContain(says)
}

/** How often each command came under the fault. */
function expectAtMost(limits: TpmFault['atMost'] = {}, came: ReadonlyMap<string, number>): void {
  for (const [name, limit] of Object.entries(limits)) expect(came.get(name) ?? 0, name).toBeLessThanOrEqual(limit)
}

function counting(act: () => Promise<string>): { act: () => Promise<string>; came: Map<string, number> } {
  const came = new Map<string, number>()
  let isFirst = true
  return {
    came,
    act: async () => {
      try {
        return await act()
      } finally {
        // The second time is after the fault.
        if (isFirst) for (const name of tpm.proxy.commands()) came.set(name, (came.get(name) ?? 0) + 1)
        isFirst = false
      }
    },
  }
}

describe.each(allKinds)('a key by its %s, before it is opened', (kind) => {
  it.each(named(tpmFaults, kind))('%s: a TPM that %s', async (_id, _what, fault) => {
    const { act, came } = counting(async () => await tpm.answer(kind))
    tpm.proxy.order(...fault.rules())
    tpm.proxy.manage(fault.isManaged ?? false)
    expectOutcome(await underFault(tpm.fault(kind, act)), fault)
    expectAtMost(fault.atMost, came)
  })
})

describe.each(allKinds)('a key by its %s, while it is open', (kind) => {
  // What the transport finds out is the same for both.
  const faults = tpmFaults.filter(({ isManaged }) => isManaged !== true || kind === 'file')
  it.each(named(faults, kind))('%s: a TPM that %s', async (_id, _what, fault) => {
    const key = await tpm.open(kind)
    await tpm.rest()
    tpm.proxy.forget()
    const { act, came } = counting(async () => answerText(await key.hmac(day)))
    tpm.proxy.order(...fault.rules())
    tpm.proxy.manage(fault.isManaged ?? false)
    // A key whose auth value was refused does not give it again.
    const again = fault.comes === 'ERR_PIN_INCORRECT' ? async () => await tpm.answer(kind) : undefined
    expectOutcome(await underFault(tpm.fault(kind, act, { again })), fault)
    expectAtMost(fault.atMost, came)
    await key.close()
    expect(await leftInTpm(tpm.device.tpm)).toEqual([])
  })
})

describe.each(kinds)('a key by its %s, and time', (kind) => {
  it.each(named(slowFaults, kind))('%s: a TPM that %s', async (_id, _what, fault) => {
    const act = async () => await tpm.answer(kind)
    const { act: counted, came } = counting(act)
    tpm.proxy.order(...fault.rules())
    // A session that was started and never told us stays until the TPM is reset; nobody can flush it.
    const kept = fault.comes === 'ERR_TIMEOUT' ? { kept: undefined } : {}
    expectOutcome(await underFault(tpm.fault(kind, counted, kept)), fault)
    expectAtMost(fault.atMost, came)
    await tpm.device.tools.flush()
  })

  it('F-T21: a TPM that takes long computes once for 20 signatures at once', async () => {
    const key = await tpm.open(kind)
    const keys = deviceDateKeys({ key, accessKeyId: 'AKIAIOSFODNN7EXAMPLE' })
    const signer = sigV4Signer({ keys, region: 'eu-west-1', service: 'sts' })
    tpm.proxy.order(delay('HMAC', 2000))
    tpm.proxy.forget()
    const url = 'https://sts.eu-west-1.amazonaws.com/'
    const date = new Date()
    const signed = await Promise.all(Array.from({ length: 20 }, () => signer.sign({ method: 'GET', url }, { date })))
    expect(new Set(signed.map(({ headers }) => JSON.stringify(headers))).size).toBe(1)
    expect(tpm.proxy.count('HMAC')).toBe(1)
    await key.close()
  })
})

describe.each(kinds)('a key by its %s, and an old answer', (kind) => {
  it.each([
    ['HMAC', replayed],
    ['StartAuthSession', replayedStart],
  ])('F-T16: a replayed answer of %s is refused', async (name, rules) => {
    await tpm.answer(kind)
    tpm.proxy.order(...rules)
    const act = async () => await tpm.answer(kind)
    // The answer of StartAuthSession names a session that is not there, and the real one was never started.
    const { error } = await underFault(tpm.fault(kind, act))
    expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_DEVICE_FAILED$/) })
    expect(name).not.toBe('')
  })
})

describe.each(kinds)('a key by its %s, in a TPM without TPM2_HMAC', (kind) => {
  it('answers by a sequence', async () => {
    tpm.proxy.order(...withoutHmac())
    expect(await tpm.answer(kind)).toBe(dayAnswer)
    expect(tpm.proxy.count('SequenceComplete')).toBe(1)
    expect(await leftInTpm(tpm.device.tpm)).toEqual([])
  })

  it.each([
    ['HMAC_Start', 0x902, 'ERR_DEVICE_UNAVAILABLE'],
    ['SequenceComplete', 0x101, 'ERR_DEVICE_FAILED'],
  ] as const)('F-T07: leaves nothing where %s fails', async (name, code, comes) => {
    tpm.proxy.order(refuse(name, code), ...withoutHmac())
    const { error } = await underFault(tpm.fault(kind, async () => await tpm.answer(kind)))
    expect(error).toMatchObject({ code: comes })
  })
})

describe(`${failingTurns} failing operations`, () => {
  it('F-T07: leave no handle', async () => {
    const key = await tpm.open('file')
    const rules = [
      refuse('HMAC', 0x101),
      flip('HMAC', 20),
      refuse('Load', 0x101),
      refuse('HMAC', 0x99d),
      pad('Load', 3),
    ]
    let failures = 0
    for (const rule of rules) {
      tpm.proxy.order(rule)
      for (let turn = 0; turn < failingTurns / rules.length; turn += 1) {
        await key.hmac(day).catch(() => {
          failures += 1
        })
        if (turn % 100 === 0) tpm.proxy.forget()
      }
      expect(await leftInTpm(tpm.device.tpm)).toEqual([])
    }
    expect(failures).toBe(failingTurns)
    tpm.proxy.order()
    expect(answerText(await key.hmac(day))).toBe(dayAnswer)
    await key.close()
  }, 600_000)
})

describe('answers cut at every byte', () => {
  it.each([
    ['StartAuthSession', 'file'],
    ['Load', 'file'],
    ['HMAC', 'handle'],
  ] as const)('F-T15: of %s lead to an error, and to the right answer once they are whole', async (name, kind) => {
    tpm.proxy.manage(true)
    await tpm.answer(kind)
    const whole = tpm.proxy.exchanges.find(({ code }) => code === commandCodes[name])?.answer?.length ?? 0
    expect(whole).toBeGreaterThan(40)
    for (let bytes = 0; bytes < whole; bytes += 1) {
      tpm.proxy.order(cut(name, bytes))
      const refusal = await tpm.answer(kind).catch((error: unknown) => error)
      expect(Object(refusal).code, `${bytes} bytes`).toMatch(/^ERR_DEVICE_(FAILED|UNAVAILABLE)$/)
    }
    tpm.proxy.order()
    expect(await tpm.answer(kind)).toBe(dayAnswer)
    await tpm.rest()
    expect(await leftInTpm(tpm.device.tpm)).toEqual([])
  })
})

describe('the judge of these faults is judged', () => {
  it('where a client would leave a session in the TPM', async () => {
    const act = async () => {
      await tpm.device.tools.keep('startauthsession', '--hmac-session', '-S', 'left.ctx')
      return dayAnswer
    }
    const { broken } = await brokenCriteria(tpm.fault('file', act, { again: async () => dayAnswer }))
    expect(broken).toEqual(['N1, N4: something that must stay was changed'])
    await tpm.device.tools.flush()
  })

  it('where a client would try an auth value twice', async () => {
    const wrong = async () => await tpm.answer('typed', 'canary-wrong-auth').catch(() => '')
    const act = async () => {
      await wrong()
      await wrong()
      return await tpm.answer('typed')
    }
    const again = async () => await tpm.answer('typed')
    const { broken } = await brokenCriteria(tpm.fault('typed', act, { again, kept: undefined }))
    expect(broken).toContain('N5: 2 PINs or passphrases tried under the fault')
    await tpm.device.tools.run('dictionarylockout', '-c')
  })
})
