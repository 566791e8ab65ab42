// A check-in ready to run. In: what is to differ from the usual. Out: its input, and the device that it goes into.

import { join } from 'node:path'
import { expect } from 'vitest'
import { Secret } from '../../src/key/secret.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { type CheckInInput, checkIn } from '../../src/lifecycle/check-in.ts'
import { temporaryFolder } from '../files/temporary-folder.ts'
import { type Faults, type TestDevice, testDevice } from './test-device.ts'

export const bare = 'qV7mE0cPzW3sKf9XnT2bLr8YhJd5GuAo1RiBt/6+'
export const identity = { account: '111122223333', arn: 'arn:aws:iam::111122223333:user/u', userId: 'AIDA' }
export const now = (): Date => new Date('2026-11-24T17:20:00.123Z')
export const pin = async (): Promise<Uint8Array> => Uint8Array.from(Buffer.from('1234'))

/** A check-in into a device of its own; the parts of `changes` in place of the usual ones. */
export function prepared(
  changes: Partial<CheckInInput> = {},
  faults: Faults = {},
): { device: TestDevice; input: CheckInInput } {
  const device = testDevice(faults)
  const input: CheckInInput = {
    name: 'prod',
    accessKeyId: 'AKIAQ3EGRZ5UXAMPLE2A',
    secret: Secret.take(Buffer.from(bare)),
    to: KeyUri.parse('pkcs11:token=t'),
    entry: device.entry,
    pin,
    folder: join(temporaryFolder(), 'keys'),
    now,
    ...changes,
  }
  return { device, input }
}

/** What the check-in is refused with. */
export async function refusalOf(input: CheckInInput): Promise<unknown> {
  return await checkIn(input).then(
    () => expect.fail('it was checked in'),
    (error: unknown) => error,
  )
}
