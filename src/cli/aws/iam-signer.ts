// Who signs for IAM. In: what an option names, never what lies around. Out: a DateKeySource that its owner closes.
// The device key of a record signs by itself; `--admin-profile` takes the key, permanent or not, that stands in an AWS profile.

import { openKey } from '../../backends/open.ts'
import type { HmacKey } from '../../key/hmac-key.ts'
import type { KeyUri } from '../../key/uri.ts'
import { mfaSession } from '../../lifecycle/rotation-keys.ts'
import { recordUri } from '../../profiles/open-record.ts'
import { profileCredentials } from '../../profiles/plaintext-key.ts'
import type { KeyRecord, RecordSettings } from '../../profiles/record.ts'
import { readRecord, recordPath } from '../../profiles/record-store.ts'
import { type DateKeySource, deviceDateKeys, secretDateKeys } from '../../sigv4/date-key.ts'
import { accountedKeys } from '../account/account.ts'
import { pinPrompt } from '../ask/pin-prompt.ts'
import type { CommandContext } from '../command.ts'
import { deviceEntry } from '../device/device-entry.ts'
import { awsFiles, recordsFolder, withDevice } from '../device/open-key.ts'
import { latched } from '../device/pin-latch.ts'
import { mfaInput } from '../session/session-request.ts'
import type { StsConnection } from './connection.ts'

export interface IamSigner {
  readonly keys: DateKeySource
  /** Of the record that it stands in; of a profile the MFA device alone. */
  readonly settings: RecordSettings
  close(): Promise<void>
}

/** The options that name one. */
export const signerOptions: readonly ('with' | 'admin-profile')[] = Object.freeze(['with', 'admin-profile'])

/** The signer that `--with NAME` or `--admin-profile PROFILE` names. @throws ERR_USAGE where neither does */
export async function namedSigner(context: CommandContext): Promise<IamSigner> {
  const { args, environment } = context
  const name = args.value('with')
  if (name !== undefined) {
    const stored = await readRecord(recordPath(recordsFolder(environment), name))
    const uri = await withDevice(context, recordUri(stored), true)
    return await deviceSigner(context, { title: name, uri, record: stored.record })
  }
  const profile = args.value('admin-profile')
  if (profile === undefined) throw args.wrong('nobody is named who signs for IAM', 'give --with or --admin-profile')
  const found = await profileCredentials(awsFiles(environment), profile)
  if (found === undefined) throw args.wrong(`the AWS profile "${profile}" has no access key in it`)
  const { accessKeyId, secret, sessionToken, mfaSerial } = found
  try {
    const keys = secret.lend((secretAccessKey) => secretDateKeys({ accessKeyId, secretAccessKey, sessionToken }))
    return { keys, settings: { mfaSerial }, close: async () => {} }
  } finally {
    secret.wipe()
  }
}

/** What a device signs with: its key, and what it is called in the account of use. */
export interface DeviceKey {
  readonly title: string
  readonly uri: KeyUri
  readonly record: KeyRecord
}

/** The key in a device, opened once, when it first signs. A PIN that was refused before is not tried again. */
export async function deviceSigner(context: CommandContext, { title, uri, record }: DeviceKey): Promise<IamSigner> {
  const { now, report, signal } = context
  const { accessKeyId } = record
  const backends = [await (await deviceEntry(context, uri)).backend()]
  let opened: Promise<HmacKey> | undefined
  const dateKey: DateKeySource['dateKey'] = async (date, options) => {
    opened ??= openKey(uri, { pin: pinPrompt(context, uri), signal, backends }).catch((error: unknown) => {
      opened = undefined
      throw error
    })
    return await deviceDateKeys({ key: await opened, accessKeyId, keepDateKey: false, now }).dateKey(date, options)
  }
  // A TPM takes an auth value when it is used, not when the key is opened.
  const keys: DateKeySource = {
    accessKeyId,
    dateKey: (date, options) =>
      report.waiting(
        'the device',
        latched(context, uri, () => dateKey(date, options)),
      ),
  }
  return {
    keys: accountedKeys(context, title, keys),
    settings: record,
    close: async () => await (await opened)?.close(),
  }
}

/**
 * The same signer in a session that one code of this MFA device opens, since IAM may want one. Itself without a device, and
 * where it is a session already. `sts` is called only where a session is opened.
 * @throws ERR_MFA_REQUIRED where no code can be had
 */
export async function inMfaSession(
  context: CommandContext,
  signer: IamSigner,
  serialNumber: string | undefined,
  sts: () => StsConnection,
): Promise<IamSigner> {
  const { now, signal } = context
  if (signer.keys.sessionToken !== undefined) return signer
  const device = await mfaInput(context, serialNumber, signal)
  if (!('serialNumber' in device)) return signer
  return { ...signer, keys: await mfaSession(sts().client(signer.keys, now), device, signal) }
}
