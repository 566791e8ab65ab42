// One session from STS. In: a named key and what its device has started. Out: temporary credentials.
// 1. What is asked for is checked first; then the device is opened and the connection to STS made side by side.
// 2. The device signs one call to STS; the DateKey is not kept.
// 3. The Go SDK kills its helper after 60 seconds, so this answers or fails within 55, typing included.

import { HardkeyError } from '../errors.ts'
import type { StartedBackend } from '../key/hmac-key.ts'
import type { PinSource } from '../key/pin-source.ts'
import { secretDateKeys } from '../sigv4/date-key.ts'
import type { StsSession } from '../sts/answer.ts'
import type { StsClient } from '../sts/client.ts'
import type { CommandContext } from './command.ts'
import type { StsConnection } from './connection.ts'
import { withDateKeys } from './date-keys.ts'
import type { NamedKey } from './open-key.ts'
import { type SessionRequest, sessionRequest } from './session-request.ts'
import { stsSettings } from './settings.ts'

const deadlineMilliseconds = 55_000

/** What a run says besides its options. */
export interface SessionOverrides {
  /** In place of the prompt of the command. */
  readonly pin?: PinSource | undefined
  /** In place of the role of options and record. */
  readonly roleArn?: string | undefined
}

/** A session as options, environment, record and profile say. @throws ERR_TIMEOUT after 55 seconds */
export async function newSession(
  context: CommandContext,
  named: NamedKey,
  started: StartedBackend | undefined,
  { pin, roleArn }: SessionOverrides = {},
): Promise<StsSession> {
  const { now, report } = context
  const deadline = new AbortController()
  const signal = AbortSignal.any([context.signal, deadline.signal])
  const request = await sessionRequest(context, named, signal, roleArn)
  const settings = await stsSettings(context, named.settings)
  const timer = setTimeout(() => deadline.abort(tooLate()), deadlineMilliseconds)
  try {
    return await withDateKeys(context, named, {
      prepare: async () => (await import('./connection.ts')).connectSts(settings, report.step),
      use: (keys, sts) => {
        report.step(`ask STS for ${request.action}`)
        return report.waiting('STS', ask(sts.client(keys, now), request, { sts, now, signal }))
      },
      scope: settings.scope,
      signal,
      started,
      pin,
    })
  } finally {
    clearTimeout(timer)
  }
}

interface AskParts {
  readonly sts: StsConnection
  readonly now: () => Date
  readonly signal: AbortSignal
}

/** The session of the request; what lies before it is asked for first, and signs. */
async function ask(client: StsClient, request: SessionRequest, parts: AskParts): Promise<StsSession> {
  const { sts, now, signal } = parts
  switch (request.action) {
    case 'AssumeRole': {
      const before = request.via && (await ask(client, request.via, parts))
      const signer = before === undefined ? client : sts.client(secretDateKeys(before.credentials), now)
      return await signer.assumeRole(request.input, { signal })
    }
    case 'GetFederationToken':
      return await client.getFederationToken(request.input, { signal })
    case 'GetSessionToken':
      return await client.getSessionToken(request.input, { signal })
  }
}

function tooLate(): HardkeyError {
  return new HardkeyError('ERR_TIMEOUT', `no credentials within ${deadlineMilliseconds / 1000} seconds`, {
    hint: 'AWS tools wait no longer; --verbose tells which step took so long',
  })
}
