// What unlocks a device, from the keyring of the desktop. In: a request with `keyring:NAME`. Out: bytes.
// By the system's own tool, whose words name the entry and hold no secret: secret-tool(1) for the Secret Service of GNOME
// and KDE, security(1) for the keychain of macOS. The keyring may ask its owner to unlock it, in a window of its own.

import { HardkeyError } from '../../errors.ts'
import type { PinRequest } from '../../key/pin-source.ts'
import type { CommandContext } from '../command.ts'
import { printedLine } from './program-output.ts'

/** How an entry is looked up, and how its owner puts it there. */
interface Tool {
  readonly program: string
  readonly lookUp: (name: string) => readonly string[]
  readonly store: (name: string) => string
}

const secretService: Tool = {
  program: 'secret-tool',
  lookUp: (name) => ['lookup', 'service', 'hardkey', 'account', name],
  store: (name) =>
    `secret-tool store --label 'hardkey ${name}' service hardkey account ${name} (Debian: libsecret-tools)`,
}

const keychain: Tool = {
  program: '/usr/bin/security',
  lookUp: (name) => ['find-generic-password', '-s', 'hardkey', '-a', name, '-w'],
  store: (name) => `security add-generic-password -s hardkey -a ${name} -w`,
}

/** @throws ERR_BACKEND_UNSUPPORTED on Windows; ERR_PIN_REQUIRED where there is no such entry, or no keyring */
export async function fromKeyring(
  { environment, signal }: CommandContext,
  request: Pick<PinRequest, 'source' | 'signal'>,
): Promise<Uint8Array> {
  if (process.platform === 'win32') {
    throw new HardkeyError('ERR_BACKEND_UNSUPPORTED', 'keyring: is for the Secret Service and for macOS', {
      hint: 'use another pin-source: hardkey help pin',
    })
  }
  const name = request.source?.replace('keyring:', '') ?? ''
  const tool = process.platform === 'darwin' ? keychain : secretService
  return await printedLine({
    title: `keyring's ${tool.program}, asked for "${name}",`,
    program: tool.program,
    words: tool.lookUp(name),
    environment: environment.forPrograms,
    hint: `put it there: ${tool.store(name)}`,
    signal: request.signal === undefined ? signal : AbortSignal.any([signal, request.signal]),
  })
}
