// `hardkey credential-process NAME`: temporary credentials for AWS tools. Out: one JSON object on standard output, only
// on success. AWS SDKs and Tools Reference Guide, "Process credential provider".
// The device is begun to be opened before the rest is loaded: AWS tools start this command often, and wait for it.

import { processJson } from '../../credentials/process-json.ts'
import type { CommandContext } from '../command.ts'
import { namedKey } from '../open-key.ts'
import { startedDevice } from '../started-device.ts'

/** botocore asks anew when less than 15 minutes are left, so a shorter session is fetched for every command. */
const shortSessionSeconds = 1800

/** Prints temporary credentials of one of the three STS actions. */
export async function credentialProcess(context: CommandContext): Promise<number> {
  const { now, output, report } = context
  if (output.isTerminal())
    report.warning('this shows credentials on the terminal; AWS tools call this command themselves')
  const named = await namedKey(context)
  const started = await startedDevice(context, named)
  try {
    const [{ newSession }, { accountFor }] = await Promise.all([import('../new-session.ts'), import('../account.ts')])
    const session = await newSession(context, named, started)
    const left = (session.credentials.expiration.getTime() - now().getTime()) / 1000
    if (left < shortSessionSeconds - 60) {
      report.warning('a session under 30 minutes makes some AWS tools ask twice for each command; see --duration')
    }
    output.line(processJson(session.credentials))
    await accountFor(context).handedOut(named, session.credentials)
    return 0
  } finally {
    await started?.end()
  }
}
