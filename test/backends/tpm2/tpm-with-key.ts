// A software TPM with a storage key and an HMAC key in it, both made by tpm2-tools. In: the way. Out: the TPM, the tools, and
// what is right to answer.

import { createHmac } from 'node:crypto'
import { chmodSync } from 'node:fs'
import { type Swtpm, type SwtpmWay, startSwtpm } from '../../peers/swtpm.ts'
import { type Tpm2Tools, tpm2Tools } from '../../peers/tpm2-tools.ts'

/** `AWS4` and AWS's example of a secret access key: 44 bytes. */
export const keyText = 'AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
export const dayText = '20150830'
export const day: Uint8Array = Buffer.from(dayText)
/** Seed's known answer. */
export const dayAnswer = '68a9e4535ffbb09dcb6d25807a9ba5e3aef7cd00b3c57ed4b0c4a04988649f51'

/** The H-2 template as tpm2-tools spell it: an ECC storage key without dictionary attack protection. */
const h2Attributes = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|decrypt'
const srkHandle = 0x81000001
const keyHandle = 0x81010100

export interface TpmWithKey {
  readonly tpm: Swtpm
  readonly tools: Tpm2Tools
  /** A persistent H-2 storage key. */
  readonly parent: number
  /** A persistent HMAC key below it, without auth value, noDA. */
  readonly handle: number
  remove(): Promise<void>
}

export function hmacOf(data: Uint8Array | string, key: Uint8Array | string = keyText): string {
  return createHmac('sha256', key).update(data).digest('hex')
}

export function hex(handle: number): string {
  return `0x${handle.toString(16)}`
}

/** Makes the H-2 primary and leaves it in `h2.ctx`. */
export async function makeH2(tools: Tpm2Tools): Promise<void> {
  const kind = ['-G', 'ecc256:aes128cfb', '-g', 'sha256', '-a', h2Attributes]
  await tools.run('createprimary', '-C', 'o', ...kind, '-c', 'h2.ctx')
}

/** An swtpm with both keys. The caller removes it. */
export async function tpmWithKey(way: SwtpmWay = 'tcp'): Promise<TpmWithKey> {
  const tpm = await startSwtpm(way)
  const tools = await tpm2Tools(tpm.tcti)
  const remove = async () => {
    tools.remove()
    await tpm.stop()
  }
  try {
    tools.write('aws4.key', keyText)
    tools.write('day', dayText)
    await makeH2(tools)
    await tools.run('evictcontrol', '-C', 'o', '-c', 'h2.ctx', hex(srkHandle))
    await importByTools(tools, 'aws', ['-a', 'sign|userwithauth|noda'])
    await persistByTools(tools, 'aws', keyHandle)
    return { tpm, tools, parent: srkHandle, handle: keyHandle, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** tpm2_import below the persistent storage key: NAME.pub and NAME.priv in the folder of the tools. */
export async function importByTools(tools: Tpm2Tools, name: string, more: readonly string[] = []): Promise<void> {
  const files = ['-u', `${name}.pub`, '-r', `${name}.priv`]
  await tools.run('import', '-C', hex(srkHandle), '-G', 'hmac', '-i', 'aws4.key', ...files, ...more)
  ownedAlone(tools, `${name}.pub`, `${name}.priv`)
}

/** tpm2-tools write files that their group may change; hardkey refuses those, and says so. */
export function ownedAlone(tools: Tpm2Tools, ...files: readonly string[]): void {
  for (const file of files) chmodSync(tools.path(file), 0o600)
}

/** Loads NAME.pub and NAME.priv and keeps them at the handle. */
export async function persistByTools(tools: Tpm2Tools, name: string, handle: number): Promise<void> {
  const files = ['-u', `${name}.pub`, '-r', `${name}.priv`]
  await tools.run('load', '-C', hex(srkHandle), ...files, '-c', `${name}.ctx`)
  await tools.run('evictcontrol', '-C', 'o', '-c', `${name}.ctx`, hex(handle))
}
