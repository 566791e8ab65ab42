// `hardkey relay SOCKET`: brings the socket of `hardkey serve --socket` to a port of 127.0.0.1, in the network of a container,
// until a signal. It has no key, no token and no credentials.

import { startRelay } from '../../endpoint/relay.ts'
import type { ParsedArguments } from '../args.ts'
import type { CommandContext } from '../command.ts'
import { leaveTypedSignals, untilAborted } from '../interrupt.ts'
import { addressLine } from '../program/client-variables.ts'
import { portOption } from '../program/port-option.ts'

export async function relay({ args, output, report, signal }: CommandContext): Promise<number> {
  const running = await startRelay({
    socketPath: args.word('SOCKET'),
    place: { port: portOption(args) ?? 0 },
    owner: ownerOption(args),
    onRefused: (error) => report.failure(error),
  })
  try {
    if ('port' in running.at) output.line(addressLine(running.at.port))
    leaveTypedSignals()
    output.end()
    await untilAborted(signal)
  } finally {
    await running.close()
  }
  throw signal.reason
}

/** @throws ERR_USAGE */
function ownerOption(args: ParsedArguments): number | undefined {
  const text = args.value('socket-owner')
  if (text === undefined) return undefined
  if (/^[0-9]{1,10}$/.test(text)) return Number(text)
  throw args.wrong('--socket-owner is no user number', 'write the uid, as id -u tells it')
}
