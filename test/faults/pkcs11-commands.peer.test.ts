// The command over a PKCS#11 device or module that fails (F-P01 to F-P26): standard output holds one session or nothing,
// standard error lines of ours, no other identity is used, nothing is left, and the next run works.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { pkcs11Tool } from '../backends/pkcs11/pkcs11-tool.ts'
import { FaultyCommand, objectsOf } from './commands.ts'
import { underFault } from './criteria.ts'
import { type DeviceFault, openingFaults, signingFaults } from './pkcs11-faults.ts'
import { brokenModules } from './pkcs11-modules.ts'

let command: FaultyCommand
beforeAll(async () => {
  command = await FaultyCommand.make()
})
afterAll(() => command?.remove())
beforeEach(() => command.device.shim.forget())
afterEach(() => command.device.shim.order())

/** The first of each id, but what takes the deadlines of the command: those have a test of their own. */
function oneOfEachId(): (readonly [id: string, what: string, fault: DeviceFault])[] {
  const quick = [...openingFaults, ...signingFaults].filter(
    ({ options, uri }) => options === undefined && uri === undefined,
  )
  const ids = [...new Set(quick.map(({ id }) => id))].sort()
  return ids
    .flatMap((id) => quick.filter((fault) => fault.id === id).slice(0, 2))
    .map((fault) => [fault.id, fault.what, fault])
}

describe('credential-process', () => {
  const ask = (...more: string[]) => command.run(['credential-process', 'prod', '--verbose', ...more])

  it.each(oneOfEachId())('%s: over a token or module that %s', async (_id, _what, fault) => {
    command.device.shim.order(...fault.orders)
    const { error } = await underFault(command.fault(() => ask()))
    // A PIN from a file is nobody's to watch over: a token that had a wrong one is not tried.
    const isRefused = fault.id === 'F-P04' || fault.comes !== 'the right answer'
    expect(error === undefined).toBe(!isRefused)
    if (isRefused) expect(error).toMatchObject({ status: 1, stderr: expect.stringMatching(/^hardkey: error: \S/m) })
  })

  it('F-P01: a wrong PIN in the file costs one try, and no other until a person has logged in', async () => {
    const wrong = command.home.write('wrong', 'canary-wrong-pin')
    const act = async () => {
      const ran = await ask('--pin-source', `file:${wrong}`)
      for (let times = 0; times < 3; times++) expect((await ask()).stderr).toContain('none was tried again')
      return ran
    }
    const mend = async () => void (await pkcs11Tool(command.device.hsm, '--list-objects'))
    const { error } = await underFault(command.fault(act, { mend, again: () => ask() }))
    expect(error).toMatchObject({ status: 1, stderr: expect.stringContaining('refused the PIN') })
  })

  it('F-P19: a module that hangs in C_Login is ended at the deadline', async () => {
    command.device.shim.order('C_Login * hang')
    const { error } = await underFault(command.fault(() => ask()))
    expect(error).toMatchObject({ stderr: expect.stringContaining('did not return from C_Login within 10 s') })
  })

  it('F-P09: a token that was taken out is named, and found when it is back', async () => {
    const act = () => {
      command.device.hsm.unplug()
      return ask()
    }
    const mend = () => command.device.hsm.plug()
    const { error } = await underFault(command.fault(act, { mend, again: () => ask() }))
    expect(error).toMatchObject({ stderr: expect.stringMatching(/error: token "prod" .*is not there/) })
  })

  it('F-P18: 32 wrong bytes are found by STS, and the hint names the secret in the device', async () => {
    command.device.shim.order('C_Sign * constant 7')
    const { error } = await underFault(command.fault(() => ask(), { identity: undefined }))
    expect(error).toMatchObject({ status: 1, stderr: expect.stringMatching(/hint: the device holds another secret/) })
  })
})

describe('import', () => {
  const again = () => command.run(['credential-process', 'prod'])

  it.each([
    ['F-P18', 'computes with no key at all', 'C_Sign * constant 7', 'does not compute with the key'],
    ['F-P24', 'does not protect the key', 'C_GetAttributeValue * tell 0x162 1', 'does not protect the key'],
    ['F-P25', 'is full', 'C_CreateObject * return 0x31', 'CKR_DEVICE_MEMORY'],
    ['F-P25', 'is write-protected', 'C_GetTokenInfo * set 0x2', 'write-protected'],
  ])('%s: into a token that %s leaves no object and no record', async (_id, _what, order, message) => {
    command.device.shim.order(order)
    const { error } = await underFault(command.fault(() => command.checkIn('two'), { again }))
    expect(error).toMatchObject({ status: 1, stderr: expect.stringContaining(message) })
  })

  it('F-P18: into a token that computes with another key leaves no object and no record', async () => {
    command.device.shim.order('C_SignInit * object prod')
    const { secretAccessKey } = command.other
    const act = () => command.checkIn('two', { input: secretAccessKey })
    const { error } = await underFault(command.fault(act, { again }))
    expect(error).toMatchObject({ status: 1, stderr: expect.stringContaining('does not compute with the key') })
  })
})

describe('inspect', () => {
  it.each([
    ['a constant', 'C_Sign * constant 7'],
    ['the answers of another key', 'C_SignInit * object aws'],
  ])('F-P18: finds a device that gives %s', async (_what, order) => {
    command.device.shim.order(order)
    const { stdout, status } = await command.run(['inspect', 'prod'])
    expect(stdout).toMatch(/check value .*ANOTHER in the device/)
    expect(status).toBe(1)
  })
})

describe('whoami', () => {
  it('F-P23: says in one line each what is wrong with a module', async () => {
    const modules = await brokenModules()
    const again = () => command.run(['credential-process', 'prod'])
    for (const path of Object.values(modules.paths)) {
      const uri = `pkcs11:token=prod;object=prod?module-path=${path}`
      const words = ['whoami', uri, '--access-key-id', command.key.accessKeyId, '--region', 'eu-west-1']
      const { error } = await underFault(command.fault(() => command.run(words), { again }))
      expect(error).toMatchObject({
        stderr: expect.stringMatching(/^hardkey: error: [^\n]*\n(hardkey: hint: [^\n]*\n)?$/),
      })
    }
    modules.remove()
  })

  it('the objects of the token are still the two that were there', () => {
    expect(objectsOf(command.device)).toHaveLength(2)
  })
})
