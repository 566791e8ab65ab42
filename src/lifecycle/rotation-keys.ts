// The two keys of a rotation, opened when they are first needed. In: records. Out: clients of STS and IAM that sign with the
// key of a record. Each opened key is compared with the check value of its record, and closed at the end.

import { inspectorOf } from '../backends/list.ts'
import { openKey } from '../backends/open.ts'
import { HardkeyError } from '../errors.ts'
import type { IamClient } from '../iam/client.ts'
import type { HmacKey, KeyInfo } from '../key/hmac-key.ts'
import { descriptorsOf, withAskedPinSource } from '../key/pin-source.ts'
import type { KeyUri } from '../key/uri.ts'
import { recordUri } from '../profiles/open-record.ts'
import type { KeyRecord } from '../profiles/record.ts'
import { type DateKeySource, deviceDateKeys, secretDateKeys } from '../sigv4/date-key.ts'
import type { StsClient } from '../sts/client.ts'
import { checkValue } from './check-value.ts'
import type { MfaDevice, RotationParts } from './rotation-parts.ts'

/** AWS STS API Reference, GetSessionToken: the shortest session; a rotation takes a minute or two. */
const sessionSeconds = 900

/** A session for IAM that one code of the device opens. */
export async function mfaSession(
  sts: StsClient,
  device: MfaDevice,
  signal: AbortSignal | undefined,
): Promise<DateKeySource> {
  const { credentials } = await sts.getSessionToken({ durationSeconds: sessionSeconds, ...device }, { signal })
  return secretDateKeys(credentials)
}

interface OpenedKey {
  readonly key: HmacKey
  readonly keys: DateKeySource
}

export class RotationKeys {
  readonly #parts: RotationParts
  readonly #opened = new Map<string, OpenedKey>()
  #session: DateKeySource | undefined

  constructor(parts: RotationParts) {
    this.#parts = parts
  }

  /** STS, signed by the device. */
  async sts(record: KeyRecord): Promise<StsClient> {
    return this.#parts.sts(await this.#keysOf(record))
  }

  /** What the device says of the key. */
  async attributesOf(record: KeyRecord): Promise<KeyInfo['attributes']> {
    return (await this.#openedOf(record)).key.info.attributes
  }

  /** IAM, signed by the device, or by a session that it opened with an MFA code. */
  async iam(record: KeyRecord): Promise<IamClient> {
    const { mfa: deviceOf, iam, signal } = this.#parts
    if (this.#session === undefined) {
      const mfa = await deviceOf()
      if (mfa === undefined) return iam(await this.#keysOf(record))
      this.#session = await mfaSession(await this.sts(record), mfa, signal)
    }
    return iam(this.#session)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#opened.values()].map(({ key }) => key.close()))
    this.#opened.clear()
  }

  async #keysOf(record: KeyRecord): Promise<DateKeySource> {
    return (await this.#openedOf(record)).keys
  }

  async #openedOf(record: KeyRecord): Promise<OpenedKey> {
    const { accessKeyId } = record
    const before = this.#opened.get(accessKeyId)
    if (before !== undefined) return before
    const key = await this.#open(record)
    const opened = { key, keys: deviceDateKeys({ key, accessKeyId, keepDateKey: false, now: this.#parts.now }) }
    this.#opened.set(accessKeyId, opened)
    return opened
  }

  async #open(record: KeyRecord): Promise<HmacKey> {
    const { stored, forThisRun, guard } = this.#parts
    const uri = await forThisRun(recordUri({ ...stored, record }))
    return await guard(uri, () => this.#compared(uri, record))
  }

  async #compared(uri: KeyUri, record: KeyRecord): Promise<HmacKey> {
    const { entry, pin, signal } = this.#parts
    const backends = [await inspectorOf(await entry(uri))]
    // A descriptor cannot be read again. Of all else the backend sees whether a person stands behind it.
    const once = descriptorsOf(uri).length === 0 ? uri : withAskedPinSource(uri)
    const key = await openKey(once, { pin: pin.source, signal, backends })
    try {
      if ((await checkValue(key, { signal })) === record.check) return key
      throw new HardkeyError('ERR_KEY_UNUSABLE', `the device holds another key than the one of ${record.accessKeyId}`, {
        hint: 'its check value differs from that of the record: hardkey inspect tells more',
      })
    } catch (error) {
      await key.close()
      throw error
    }
  }
}
