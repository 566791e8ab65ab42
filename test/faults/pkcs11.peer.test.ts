// A PKCS#11 device or module that fails (F-P01 to F-P26) before a key is opened, while it signs, and while a secret
// checks in. After each fault the criteria N1 to N8 hold; the faults themselves stand in pkcs11-faults.ts.
// Longer than 250 lines, so that the table and what no table holds stand together.

import { createHmac } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { HmacKey } from '../../src/key/hmac-key.ts'
import type { KeyUri } from '../../src/key/uri.ts'
import { deviceDateKeys } from '../../src/sigv4/date-key.ts'
import { sigV4Signer } from '../../src/sigv4/signer.ts'
import {
  childrenLeft,
  day,
  dayAnswer,
  type Fixture,
  fixture,
  hex,
  pins,
  secretBytes,
} from '../backends/pkcs11/fixture.ts'
import { writeKey } from '../backends/pkcs11/pkcs11-tool.ts'
import { p11KitServer } from '../peers/p11kit.ts'
import { testPin } from '../peers/softhsm.ts'
import { objectsOf } from './commands.ts'
import { brokenCriteria, type Fault, type Outcome, underFault } from './criteria.ts'
import { type DeviceFault, importFaults, openingFaults, signingFaults } from './pkcs11-faults.ts'
import { brokenModules } from './pkcs11-modules.ts'

const aws = 'token=prod;object=aws'
const otherKey = Buffer.alloc(44, 'x')
let device: Fixture

beforeAll(async () => {
  device = await fixture()
  await device.hsm.addToken('other')
})
afterAll(() => device.remove())
beforeEach(() => {
  device.shim.order()
  device.shim.forget()
})
afterEach(() => expect(childrenLeft()).toEqual([]))

function faulty(act: () => Promise<string>, more: Partial<Fault<string>> = {}): Fault<string> {
  return {
    act,
    mend: () => device.shim.order(),
    isRight: (answer) => answer === dayAnswer,
    kept: () => objectsOf(device),
    tries: device.shim.pinsSpent,
    canaries: { PIN: Buffer.from(testPin), key: secretBytes, DateKey: Buffer.from(dayAnswer, 'hex') },
    ...more,
  }
}

async function answerOf(key: HmacKey): Promise<string> {
  try {
    return hex(await key.hmac(day))
  } finally {
    await key.close()
  }
}

function uriOf({ path, pinSource }: NonNullable<DeviceFault['uri']> = {}): KeyUri {
  const query = pinSource === undefined ? {} : { 'pin-source': pinSource }
  return device.uri(aws).with({ path: path ?? {}, query })
}

function named(faults: readonly DeviceFault[]): (readonly [id: string, what: string, fault: DeviceFault])[] {
  return faults.map((fault) => [fault.id, fault.what, fault])
}

function expectOutcome(outcome: Outcome<string>, { comes, says = '' }: Pick<DeviceFault, 'comes' | 'says'>): void {
  if (comes === 'the right answer') expect(outcome).toEqual({ answer: dayAnswer })
  else expect(outcome.error).toMatchObject({ code: comes, message: expect.stringContaining(says) })
  expect(device.shim.calls()).not.toContain('C_GetAttributeValue value')
}

describe('before a key is opened', () => {
  it.each(named(openingFaults))('%s: a token or module that %s', async (_id, _what, fault) => {
    const act = async () => await answerOf(await device.open(uriOf(fault.uri), fault.options ?? {}))
    const again = async () => await answerOf(await device.open(device.uri(aws)))
    device.shim.order(...fault.orders)
    expectOutcome(await underFault(faulty(act, { again })), fault)
  })

  it('F-P01: a PIN that is wrong', async () => {
    const act = async () => await answerOf(await device.open(device.uri(aws), { pin: pins('canary-wrong-pin') }))
    const again = async () => await answerOf(await device.open(device.uri(aws)))
    const canaries = { PIN: Buffer.from(testPin), 'wrong PIN': Buffer.from('canary-wrong-pin') }
    expectOutcome(await underFault(faulty(act, { again, canaries })), { comes: 'ERR_PIN_INCORRECT' })
  })

  it('F-P10: another token of the label, where the URI names a serial number', async () => {
    const uri = device.uri(`${aws};serial=4711`)
    const act = async () => await answerOf(await device.open(uri))
    const again = async () => await answerOf(await device.open(device.uri(aws)))
    const says = 'token "prod" (serial 4711)'
    expectOutcome(await underFault(faulty(act, { again })), { comes: 'ERR_DEVICE_UNAVAILABLE', says })
  })

  it('F-P23: a file that is no module of this machine', async () => {
    const modules = await brokenModules()
    try {
      for (const [name, path] of Object.entries(modules.paths)) {
        const act = async () => await answerOf(await device.open(device.uri(aws, path)))
        const again = async () => await answerOf(await device.open(device.uri(aws)))
        const { error } = await underFault(faulty(act, { again }))
        const code = name === 'missing' ? 'ERR_URI_INVALID' : 'ERR_DEVICE_FAILED'
        expect(error, name).toMatchObject({ code, message: expect.stringMatching(/^[^\n]{20,200}$/) })
      }
    } finally {
      modules.remove()
    }
  })
})

describe('while a key signs', () => {
  it.each(named(signingFaults))('%s: a token or module that %s', async (_id, _what, fault) => {
    const key = await device.open(uriOf(fault.uri), { pauseMilliseconds: 1, ...fault.options })
    device.shim.forget()
    device.shim.order(...fault.orders)
    const act = async () => hex(await key.hmac(day))
    expectOutcome(await underFault(faulty(act)), fault)
    await key.close()
  })

  it('F-P09: a token that is taken out and comes back', async () => {
    const key = await device.open(device.uri(aws))
    device.hsm.unplug()
    const act = async () => hex(await key.hmac(day))
    const outcome = await underFault(faulty(act, { mend: () => device.hsm.plug(), kept: undefined }))
    expectOutcome(outcome, { comes: 'ERR_DEVICE_UNAVAILABLE', says: 'token "prod"' })
    await key.close()
  })

  it('F-P16: an object that was removed, and made anew', async () => {
    const uri = device.uri('token=prod;object=passing')
    const made = await device.importKey(uri)
    const key = await device.open(uri, { pauseMilliseconds: 1 })
    await made.remove()
    let renewed: Awaited<ReturnType<Fixture['importKey']>> | undefined
    const mend = async () => {
      renewed = await device.importKey(uri)
    }
    const act = async () => hex(await key.hmac(day))
    expectOutcome(await underFault(faulty(act, { mend, kept: undefined })), { comes: 'ERR_KEY_NOT_FOUND' })
    await key.close()
    await renewed?.remove()
  })

  it('F-P16: two objects of one label, of which none is picked', async () => {
    const key = await device.open(device.uri(aws), { pauseMilliseconds: 1 })
    const remove = await writeKey(device.hsm, { label: 'aws', id: Buffer.of(0x77) })
    device.shim.order('C_SignInit +1 return 0x60')
    device.shim.forget()
    const act = async () => hex(await key.hmac(day))
    expectOutcome(await underFault(faulty(act, { mend: remove, kept: undefined })), { comes: 'ERR_KEY_AMBIGUOUS' })
    await key.close()
  })

  it('F-P26: 1,000 callers at once on a token that gives one session', async () => {
    const key = await device.open(device.uri(aws))
    device.shim.order('C_OpenSession * return 0xb1')
    const act = async () => {
      const answers = await Promise.all(Array.from({ length: 1000 }, () => key.hmac(day)))
      return [...new Set(answers.map(hex))].join()
    }
    expectOutcome(await underFault(faulty(act)), { comes: 'the right answer' })
    await key.close()
  })
})

describe('1,000 signatures at once', () => {
  it('F-P26: take one call of the device, by single flight', async () => {
    const key = await device.open(device.uri(aws))
    const keys = deviceDateKeys({ key, accessKeyId: 'AKIAIOSFODNN7EXAMPLE' })
    const signer = sigV4Signer({ keys, region: 'eu-west-1', service: 'sts' })
    const date = new Date()
    const url = 'https://sts.eu-west-1.amazonaws.com/'
    const signed = await Promise.all(Array.from({ length: 1000 }, () => signer.sign({ method: 'GET', url }, { date })))
    expect(new Set(signed.map(({ headers }) => JSON.stringify(headers))).size).toBe(1)
    expect(device.shim.count('C_Sign')).toBe(1)
    await key.close()
  })
})

describe('while a secret checks in', () => {
  const place = 'token=prod;object=fresh;id=%01%02'
  const checkIn = async (): Promise<string> => {
    const imported = await device.importKey(device.uri(place))
    const answer = await answerOf(await device.open(imported.uri))
    await imported.remove()
    return answer
  }

  it.each(named(importFaults))('%s: a token or module that %s', async (_id, _what, fault) => {
    device.shim.order(...fault.orders)
    expectOutcome(await underFault(faulty(checkIn)), fault)
  })
})

describe('a device in another process', () => {
  it('F-P09, F-P12: whose server is killed is named, and found when the server is back', async () => {
    const server = await p11KitServer(device.hsm, 'pkcs11:token=prod')
    const { environment } = server
    const key = await device.open(device.uri(aws, server.module), { environment, pauseMilliseconds: 1 })
    const act = async () => {
      await server.kill()
      return hex(await key.hmac(day))
    }
    const again = async () => hex(await key.hmac(day))
    const { error } = await underFault(faulty(act, { mend: () => server.restart(), again, tries: undefined }))
    expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_DEVICE_(UNAVAILABLE|FAILED)$/) })
    await key.close()
    await server.remove()
  })
})

describe('the shim itself is caught', () => {
  const again = async (): Promise<string> => await answerOf(await device.open(device.uri(aws)))

  it('where a client would give the PIN twice', async () => {
    const act = async () => {
      await expect(again()).rejects.toMatchObject({ code: 'ERR_PIN_INCORRECT' })
      return await again()
    }
    device.shim.order('C_Login * return 0xa0')
    const { broken } = await brokenCriteria(faulty(act, { again }))
    expect(broken).toEqual(['N5: 2 PINs or passphrases tried under the fault'])
  })

  it.each([
    ['a constant', 'C_Sign * constant 7', '07'.repeat(32)],
    [
      'the answer of another key',
      'C_SignInit * object other-key',
      createHmac('sha256', otherKey).update(day).digest('hex'),
    ],
  ])('where a client would take %s', async (_what, order, wrong) => {
    const other = await device.importKey(device.uri('token=prod;object=other-key'), { key: otherKey })
    device.shim.order(order)
    const { outcome, broken } = await brokenCriteria(faulty(again))
    expect([outcome, broken]).toEqual([{ answer: wrong }, ['N2: another answer than the right one']])
    await other.remove()
  })

  it('where an object would be left behind', async () => {
    let left: Awaited<ReturnType<Fixture['importKey']>> | undefined
    const act = async () => {
      left ??= await device.importKey(device.uri('token=prod;object=left'))
      return dayAnswer
    }
    expect((await brokenCriteria(faulty(act))).broken).toEqual(['N1, N4: something that must stay was changed'])
    await left?.remove()
  })
})
