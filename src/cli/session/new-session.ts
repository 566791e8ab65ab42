// One session from STS, whatever is kept of others. In: a named key, a request and what the device has started, or the
// session that signs. Out: temporary credentials, and the clock of the endpoint that gave them.
// 1. The device is opened and the connection to STS made side by side.
// 2. The device signs one call to STS; the DateKey is not kept.

import { uptime } from 'node:os'
import type { KeptSession } from '../../credentials/kept-session.ts'
import type { StartedBackend } from '../../key/hmac-key.ts'
import type { PinSource } from '../../key/pin-source.ts'
import { type DateKeySource, secretDateKeys } from '../../sigv4/date-key.ts'
import type { StsSession } from '../../sts/answer.ts'
import type { StsClient } from '../../sts/client.ts'
import type { StsConnection } from '../aws/connection.ts'
import type { CommandContext } from '../command.ts'
import { withDateKeys } from '../device/date-keys.ts'
import type { NamedKey } from '../device/open-key.ts'
import type { PinGuard } from '../device/pin-latch.ts'
import type { StsSettings } from '../settings/settings.ts'
import type { SessionRequest } from './session-request.ts'

/** What signs by the key itself. */
export interface DeviceUse {
  readonly started: StartedBackend | undefined
  /** In place of the prompt of the command. */
  readonly pin: PinSource | undefined
  readonly latch: PinGuard
}

/** What is asked for: where, and under which text it is kept. */
export interface Asked {
  readonly settings: StsSettings
  readonly request: SessionRequest
  readonly text: string
  readonly signal: AbortSignal
}

/** A session that the device signs for. */
export async function sessionByKey(
  context: CommandContext,
  named: NamedKey,
  asked: Asked,
  { started, pin, latch }: DeviceUse,
): Promise<KeptSession> {
  return await withDateKeys(context, named, {
    prepare: () => connected(context, asked),
    use: (keys, sts) => ask(context, sts, keys, asked),
    scope: asked.settings.scope,
    signal: asked.signal,
    started,
    pin,
    latch,
  })
}

/** A session that another one signs for; no device is used. */
export async function sessionBySession(
  context: CommandContext,
  { credentials }: KeptSession,
  asked: Asked,
): Promise<KeptSession> {
  const sts = await connected(context, asked)
  try {
    return await ask(context, sts, secretDateKeys(credentials), asked)
  } finally {
    sts.close()
  }
}

async function connected({ report }: CommandContext, { settings }: Asked): Promise<StsConnection> {
  return (await import('../aws/connection.ts')).connectSts(settings, report.step)
}

async function ask(
  { now, report }: CommandContext,
  sts: StsConnection,
  keys: DateKeySource,
  { request, text, signal }: Asked,
): Promise<KeptSession> {
  report.step(`ask STS for ${request.action}`)
  const client = sts.client(keys, now)
  const { credentials } = await report.waiting('STS', send(client, request, signal))
  const clock = client.now().getTime()
  return {
    request: text,
    credentials,
    clockOffset: clock - now().getTime(),
    lasts: credentials.expiration.getTime() - clock,
    since: uptime(),
  }
}

function send(sts: StsClient, request: SessionRequest, signal: AbortSignal): Promise<StsSession> {
  switch (request.action) {
    case 'AssumeRole':
      return sts.assumeRole(request.input, { signal })
    case 'GetFederationToken':
      return sts.getFederationToken(request.input, { signal })
    case 'GetSessionToken':
      return sts.getSessionToken(request.input, { signal })
  }
}
