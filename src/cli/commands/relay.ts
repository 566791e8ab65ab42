// `hardkey relay SOCKET`: brings the socket of `hardkey serve --socket` to a port of 127.0.0.1, in the network of a container,
// until a signal. It has no key, no token and no credentials.

import { startRelay } from '../../endpoint/relay.ts'
import { addressLine } from '../client-variables.ts'
import type { CommandContext } from '../command.ts'
import { leaveTypedSignals, untilAborted } from '../interrupt.ts'
import { portOption } from '../port-option.ts'

export async function relay({ args, output, signal }: CommandContext): Promise<number> {
  const running = await startRelay(args.word('SOCKET'), { port: portOption(args) ?? 0 })
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
