// DateKeys for one run of a command. In: a named key. Out: a DateKeySource for the time of one call.
// 1. The device is opened first, and what else takes time is prepared meanwhile.
// 2. A request needs one HMAC. The device is given back as soon as it is there, while the request is on its way.
// 3. Another date, after a clock was corrected over midnight, opens the device anew.

import { openKey } from '../../backends/open.ts'
import type { HmacKey, StartedBackend } from '../../key/hmac-key.ts'
import type { PinSource } from '../../key/pin-source.ts'
import { type DateKeySource, deviceDateKeys } from '../../sigv4/date-key.ts'
import { accountFor } from '../account/account.ts'
import { pinPrompt } from '../ask/pin-prompt.ts'
import type { CommandContext } from '../command.ts'
import type { RequestScope } from '../request/request-scope.ts'
import { deviceEntry } from './device-entry.ts'
import type { NamedKey } from './open-key.ts'
import { type PinGuard, pinLatch } from './pin-latch.ts'

/** What is done with the DateKeys. */
export interface DateKeyUse<Prepared extends { close(): void } | undefined, Result> {
  /** Runs while the device is being opened; its outcome is closed at the end. */
  readonly prepare: () => Promise<Prepared>
  readonly use: (keys: DateKeySource, prepared: Prepared) => Promise<Result>
  /** What is signed, for the account of use. */
  readonly scope: RequestScope
  /** Default: that of the command. */
  readonly signal?: AbortSignal | undefined
  /** What `startedDevice` gave for this key. */
  readonly started?: StartedBackend | undefined
  /** Default: the prompt of the command. */
  readonly pin?: PinSource | undefined
  /** Default: the latch of this user. */
  readonly latch?: PinGuard | undefined
}

/**
 * Opens the key, prepares, uses, and gives everything back, however that ends. A PIN that was refused before is not tried
 * again. @throws what each of them throws
 */
export async function withDateKeys<Prepared extends { close(): void } | undefined, Result>(
  context: CommandContext,
  named: NamedKey,
  options: DateKeyUse<Prepared, Result>,
): Promise<Result> {
  const latch = options.latch ?? pinLatch(context)
  return await latch.guard(named.uri, options.signal ?? context.signal, () => withOpened(context, named, options))
}

async function withOpened<Prepared extends { close(): void } | undefined, Result>(
  context: CommandContext,
  named: NamedKey,
  { prepare, use, scope, signal = context.signal, started, pin }: DateKeyUse<Prepared, Result>,
): Promise<Result> {
  const stop = new AbortController()
  const open = (): Promise<HmacKey> => openForRun(context, named, started, pin, AbortSignal.any([signal, stop.signal]))
  const closed: Promise<void>[] = []
  let opened: Promise<HmacKey> | undefined = open()
  // In the next turn of the event loop: by then the process of a device has been started.
  const preparing = new Promise((turn) => setImmediate(turn)).then(prepare)
  const keys: DateKeySource = {
    accessKeyId: named.accessKeyId,
    dateKey: async (date, options) => {
      const key = await (opened ?? open())
      opened = undefined
      try {
        const { accessKeyId } = named
        const device = deviceDateKeys({ key, accessKeyId, keepDateKey: false, now: context.now })
        const dateKey = await device.dateKey(date, options)
        const signed = `${date}/${scope.region}/${scope.service}`
        closed.push(accountFor(context).deviceUsed({ key: named, scope: signed }))
        return dateKey
      } finally {
        closed.push(key.close())
      }
    },
  }
  try {
    const [prepared] = await Promise.all([preparing, opened])
    return await use(keys, prepared)
  } catch (error) {
    stop.abort(error)
    throw error
  } finally {
    const [key, prepared] = await Promise.allSettled([opened, preparing])
    if (prepared.status === 'fulfilled') prepared.value?.close()
    if (key.status === 'fulfilled' && key.value !== undefined) closed.push(key.value.close())
    await Promise.all(closed)
  }
}

async function openForRun(
  context: CommandContext,
  { uri }: NamedKey,
  started: StartedBackend | undefined,
  pin: PinSource | undefined,
  signal: AbortSignal,
): Promise<HmacKey> {
  const { report } = context
  const entry = await deviceEntry(context, uri, context.args.has('strict'))
  const backends = [started ?? (await entry.backend())]
  report.step(`open ${uri}`)
  const key = await report.waiting(
    'the device',
    openKey(uri, { pin: pin ?? pinPrompt(context, uri), signal, backends }),
  )
  report.step(`opened: ${key.info.device}, protection ${key.info.protection}`)
  // `import` and `inspect` warn; here every run of every AWS tool would repeat it.
  for (const warning of key.info.warnings) report.step(warning)
  return key
}
