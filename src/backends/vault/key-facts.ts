// What the server says of a key. In: the answer of transit/keys/NAME, or none where the token may not read it. Out: the
// attributes shown to a person, what is weaker than it should be, and the errors of `strict`.

import { HardkeyError } from '../../errors.ts'
import type { KeyInfo } from '../../key/hmac-key.ts'
import { type KeyAnswer, readKey } from './answer.ts'
import { diagnose, isTokenAccepted } from './diagnosis.ts'
import type { VaultKeyAddress } from './key-uri.ts'
import { type Asking, ask, keyPath } from './requests.ts'
import { refusal } from './status.ts'

/**
 * The server's description of the key; undefined where the policy of the token does not let it be read.
 * @throws ERR_KEY_NOT_FOUND, ERR_PIN_INCORRECT where the token is not accepted, ERR_KEY_UNUSABLE for another version
 */
export async function readKeyFacts(asking: Asking): Promise<KeyAnswer | undefined> {
  const { address } = asking
  const answer = await ask(asking, { method: 'GET', path: keyPath(address) })
  if (answer.status === 403) {
    if (await isTokenAccepted(asking)) return undefined
    throw (await diagnose(asking, { path: keyPath(address), capability: 'read' })).error
  }
  if (answer.status !== 200) throw refusal(answer, address)
  const facts = readKey(answer.body, address.key, answer.where)
  if (address.keyVersion !== undefined && facts.latestVersion !== address.keyVersion) {
    throw versionChanged(address, facts.latestVersion)
  }
  return facts
}

/** An answer by another version is another key: ERR_KEY_UNUSABLE. */
export function versionChanged({ key, keyVersion }: VaultKeyAddress, version: number): HardkeyError {
  return new HardkeyError('ERR_KEY_UNUSABLE', `the key "${key}" has version ${version} now, not ${keyVersion}`, {
    hint: 'it was rotated or replaced at the server, and computes with another secret: check the right one in again',
  })
}

/** @throws ERR_KEY_UNUSABLE where `strict` wants to be sure that the key cannot be given out */
export function refuseExportable({ key }: VaultKeyAddress, facts: KeyAnswer | undefined): void {
  if (facts === undefined) {
    throw new HardkeyError('ERR_KEY_UNUSABLE', `it cannot be seen whether the key "${key}" can be exported`, {
      hint: 'the policy of the token must allow "read" on the key',
    })
  }
  const [fault] = exportFaults(facts)
  if (fault !== undefined) throw new HardkeyError('ERR_KEY_UNUSABLE', `the key "${key}" ${fault}`, { hint: exportHint })
}

/** What a person is told of the key. */
export function keyInfo(
  address: VaultKeyAddress,
  where: string,
  facts: KeyAnswer | undefined,
  more: readonly string[],
): KeyInfo {
  const { key, mount, namespace, keyVersion } = address
  const place = namespace === undefined ? mount : `${namespace}/${mount}`
  return {
    scheme: 'vault',
    protection: 'service',
    device: `transit key "${key}" (mount ${place}, ${where})`,
    attributes: Object.freeze(facts === undefined ? {} : attributesOf(facts)),
    warnings: Object.freeze([...(facts === undefined ? [] : warningsOf(facts)), ...more]),
    ...(keyVersion === undefined && facts !== undefined
      ? { exactly: { 'key-version': String(facts.latestVersion) } }
      : {}),
  }
}

function attributesOf(facts: KeyAnswer): KeyInfo['attributes'] {
  const { imported, importedAllowsRotation } = facts
  return {
    type: facts.type,
    latest_version: facts.latestVersion,
    exportable: facts.exportable,
    allow_plaintext_backup: facts.allowPlaintextBackup,
    deletion_allowed: facts.deletionAllowed,
    ...(imported === undefined ? {} : { imported_key: imported }),
    ...(importedAllowsRotation === undefined ? {} : { imported_key_allow_rotation: importedAllowsRotation }),
  }
}

function warningsOf(facts: KeyAnswer): readonly string[] {
  return exportFaults(facts).map((fault) => `the key ${fault}: ${exportHint}`)
}

const exportHint = 'that cannot be undone; make a new access key, and check it in under another name'

function exportFaults({ exportable, allowPlaintextBackup }: KeyAnswer): readonly string[] {
  return [
    ...(exportable ? ['can be exported (exportable is true)'] : []),
    ...(allowPlaintextBackup ? ['can be taken out by a backup (allow_plaintext_backup is true)'] : []),
  ]
}
