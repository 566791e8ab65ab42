// A line for the systemd journal. In: one line of text. Out: it is in the hands of journald, or the call fails in a second.
// Node has no datagram sockets of Unix, so this speaks the stream that every service's output takes: seven lines of head,
// then messages (sd_journal_stream_fd(3)). journald asks the kernel itself who writes.

import { connect } from 'node:net'
import { HardkeyError } from '../../errors.ts'
import { systemCode } from '../../files/file-failure.ts'

const deadlineMilliseconds = 1000

/** Identifier, unit, priority (6: informational), prefixes of levels, and on to syslog, kernel log, console. */
const head = ['hardkey', '', '6', '0', '0', '0', '0', '']

/** @throws ERR_CONFIG_INVALID where no journald takes it */
export async function writeToJournal(line: string, path = '/run/systemd/journal/stdout'): Promise<void> {
  const socket = connect(path)
  try {
    await new Promise<void>((done, fail) => {
      socket.once('error', fail)
      socket.setTimeout(deadlineMilliseconds, () => fail(new Error('it does not read')))
      socket.end(`${head.join('\n')}${line}\n`, done)
    })
  } catch (error) {
    throw new HardkeyError('ERR_CONFIG_INVALID', `the journal takes no line (${systemCode(error) ?? 'TIMEOUT'})`, {
      hint: 'name a file in place of it: --account FILE',
      cause: error,
    })
  } finally {
    socket.destroy()
  }
}
