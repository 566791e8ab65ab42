// DateKeys for one run: the device is opened first, given back after one HMAC, and opened anew for another date.

import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { parseCommandArguments } from '../../../src/cli/args.ts'
import { deviceTerminal } from '../../../src/cli/ask/terminal.ts'
import type { CommandContext } from '../../../src/cli/command.ts'
import { withDateKeys } from '../../../src/cli/device/date-keys.ts'
import { namedKey } from '../../../src/cli/device/open-key.ts'
import { descriptorOutput } from '../../../src/cli/output.ts'
import { descriptorReport } from '../../../src/cli/report.ts'
import { readEnvironment } from '../../../src/cli/settings/environment.ts'
import { commandNamed } from '../../../src/cli/table.ts'
import { CheckedIn } from '../checked-in.ts'

let there: CheckedIn
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterAll(() => there.remove())

const scope = { region: 'eu-west-1', service: 'sts' }
const now = new Date('2026-11-24T12:00:00Z')

function contextOf(...words: string[]): CommandContext {
  const whoami = commandNamed('whoami')
  if (whoami === undefined) throw new Error('there is such a command')
  const { signal } = new AbortController()
  return {
    args: parseCommandArguments(whoami, words),
    environment: readEnvironment(there.home.environment(), 'linux', () => there.home.folder),
    output: descriptorOutput(1, () => {}),
    report: descriptorReport(2, false, () => false),
    terminal: deviceTerminal(signal, () => {}),
    now: () => now,
    signal,
  }
}

describe('DateKeys of one run', () => {
  const dateKey = (date: string): Buffer => createHmac('sha256', `AWS4${there.secretAccessKey}`).update(date).digest()

  it('are right, also for another date after the device was given back', async () => {
    const context = contextOf('prod')
    const made = await withDateKeys(context, await namedKey(context), {
      scope,
      prepare: async () => undefined,
      use: async (keys) => [await keys.dateKey('20261124'), await keys.dateKey('20261125')],
    })
    expect(made.map((key) => key.export())).toEqual([dateKey('20261124'), dateKey('20261125')])
  })

  it('are not made where the preparation fails, and what failed is told', async () => {
    const context = contextOf('prod')
    const use = vi.fn()
    const prepare = (): Promise<undefined> => Promise.reject(new Error('no network'))
    await expect(withDateKeys(context, await namedKey(context), { scope, prepare, use })).rejects.toThrow('no network')
    expect(use).not.toHaveBeenCalled()
  })

  it('are not made where the device cannot be opened, and what was prepared is closed', async () => {
    const context = contextOf('prod', '--pin-source', 'file:/nonexistent/pin')
    const close = vi.fn()
    const prepare = async (): Promise<{ close: () => void }> => ({ close })
    const run = withDateKeys(context, await namedKey(context), { scope, prepare, use: vi.fn() })
    await expect(run).rejects.toMatchObject({ code: 'ERR_URI_INVALID' })
    expect(close).toHaveBeenCalledOnce()
  })
})
