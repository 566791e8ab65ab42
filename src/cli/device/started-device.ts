// Begins to open a key before the command has looked at what it is to do. In: a named key. Out: a backend that goes on
// from there, where its device takes long to reach.

import type { StartedBackend } from '../../key/hmac-key.ts'
import type { CommandContext } from '../command.ts'
import { pkcs11Entry } from './device-entry.ts'
import type { NamedKey } from './open-key.ts'

/** No PIN is asked for and nothing is logged in. The caller ends it. */
export async function startedDevice(context: CommandContext, { uri }: NamedKey): Promise<StartedBackend | undefined> {
  return uri.scheme === 'pkcs11' ? (await pkcs11Entry(context, uri).starter()).start(uri, context.signal) : undefined
}
