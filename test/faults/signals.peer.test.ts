// A signal while a PKCS#11 module keeps the command waiting (F-W06): in the login, in the signature, in a check-in. The
// command ends with the status of the signal and not a word, the process of the module with it, and nothing is left.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ended, type Ran } from '../cli/hardkey.ts'
import { FaultyCommand } from './commands.ts'
import { underFault } from './criteria.ts'

let command: FaultyCommand
beforeAll(async () => {
  command = await FaultyCommand.make()
})
afterAll(() => command?.remove())
beforeEach(() => command.device.shim.forget())
afterEach(() => command.device.shim.order())

const ask = (): Promise<Ran> => command.run(['credential-process', 'prod'])

/** Starts the command, and sends the signal once the module was called. */
async function interrupted(words: readonly string[], called: string, signal: NodeJS.Signals): Promise<Ran> {
  const child = command.home.start(words, { environment: command.environment })
  const end = ended(child)
  child.stdin?.end(command.key.secretAccessKey)
  while (command.device.shim.count(called) === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  child.kill(signal)
  return await end
}

describe.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
  ['SIGHUP', 129],
] as const)('%s', (signal, status) => {
  it.each([
    ['C_Initialize', 'is loaded'],
    ['C_Login', 'logs in'],
    ['C_Sign', 'signs'],
  ])('F-W06: ends credential-process in %s, while the module %s', async (name) => {
    command.device.shim.order(`${name} * hang`)
    const act = () => interrupted(['credential-process', 'prod'], name, signal)
    const { error } = await underFault(command.fault(act, { again: ask }))
    expect(error).toEqual({ status, stdout: '', stderr: '' })
  })

  it('F-W06: ends a check-in before the object is made, which leaves neither object nor record', async () => {
    command.device.shim.order('C_CreateObject * hang')
    const act = () => interrupted(command.importWords('two'), 'C_CreateObject', signal)
    const { error } = await underFault(command.fault(act, { again: ask }))
    expect(error).toEqual({ status, stdout: '', stderr: '' })
  })
})

describe('SIGTERM after the object was made', () => {
  it('F-W06: leaves no record, and the next check-in ends with the one right key', async () => {
    command.device.shim.order('C_SignInit +1 hang')
    const act = () => interrupted(command.importWords('two'), 'C_SignInit', 'SIGTERM')
    const again = async () => {
      const ran = await command.checkIn('two')
      return ran.status === 0 ? await command.run(['credential-process', 'two']) : ran
    }
    const { error } = await underFault(command.fault(act, { again, kept: undefined }))
    expect(error).toMatchObject({ status: 143, stdout: '' })
    expect((await command.run(['forget', 'two', '--from-device', '--yes'])).status).toBe(0)
  })
})

describe('a command that takes no notice of a signal', () => {
  it('is caught: it ends at the deadline of the device, with words and another status', async () => {
    command.device.shim.order('C_Sign * hang')
    // SIGCONT does nothing to a process that runs.
    const act = () => interrupted(['credential-process', 'prod'], 'C_Sign', 'SIGCONT')
    const { error } = await underFault(command.fault(act, { again: ask }))
    expect(error).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(/^hardkey: error: /) })
  })
})
