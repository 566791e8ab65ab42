// One HMAC by each backend against the bare call: createHmac for a key in memory, C_SignInit and C_Sign by koffi in this
// process for SoftHSM. In: SoftHSM from .peers/, where it is. Out: rows of the table.

import { createHmac, createSecretKey } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openKey } from '../src/backends/open.ts'
import { pkcs11Backend } from '../src/backends/pkcs11/backend.ts'
import { pkcs11Importer } from '../src/backends/pkcs11/import.ts'
import { tinkImporter } from '../src/backends/tink/import.ts'
import type { HmacKey } from '../src/key/hmac-key.ts'
import { Secret } from '../src/key/secret.ts'
import { KeyUri } from '../src/key/uri.ts'
import { softHsm, testPin } from '../test/peers/softhsm.ts'
import { bareSoftHsm } from './bare-pkcs11.ts'
import { compare, type Effort, type Row, time } from './measure.ts'

const keyText = 'AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const day = new TextEncoder().encode('20261124')
const repeats = 20

export async function deviceRows(effort: Effort): Promise<Row[]> {
  return [await embeddedRow(effort), await softHsmRow(effort)]
}

async function embeddedRow(effort: Effort): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-bench-'))
  const pin = async (): Promise<Uint8Array> => new TextEncoder().encode('a passphrase for the benchmark')
  try {
    const uri = KeyUri.of('tink', { file: join(folder, 'bench.keyset.json') }, { kek: 'passphrase:' })
    await tinkImporter({ N: 2 ** 14 }).import(uri, secret(), { pin })
    const key = await openKey(uri, { pin })
    const bare = createSecretKey(keyText, 'utf8')
    const row = await overhead(
      'embedded keyset',
      key,
      () => createHmac('sha256', bare).update(day).digest(),
      'createHmac',
      effort,
    )
    await key.close()
    return { ...row, target: '' }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function softHsmRow(effort: Effort): Promise<Row> {
  const hsm = await softHsm()
  const pin = async (): Promise<Uint8Array> => new TextEncoder().encode(testPin)
  try {
    await hsm.addToken('bench')
    const { module, environment } = hsm
    const uri = KeyUri.of('pkcs11', { token: 'bench', object: 'aws' }, { 'module-path': module })
    await pkcs11Importer({ environment }).import(uri, secret(), { pin })
    const key = await openKey(uri, { pin, backends: [pkcs11Backend({ environment })] })
    const bare = bareSoftHsm(hsm, testPin)
    const row = await overhead('PKCS#11 child', key, () => bare.hmac(day), 'C_Sign in this process', effort)
    await key.close()
    return { ...row, target: '150 (100) µs more' }
  } finally {
    hsm.remove()
  }
}

async function overhead(
  what: string,
  key: HmacKey,
  bare: () => unknown,
  bareName: string,
  effort: Effort,
): Promise<Row> {
  const contenders = [
    { name: 'hardkey', times: repeats, run: () => repeat(() => key.hmac(day)) },
    { name: bareName, times: repeats, run: () => repeat(bare) },
  ]
  const figures = await compare(contenders, effort)
  const [ours, theirs] = [figures.microseconds('hardkey'), figures.microseconds(bareName)]
  return {
    what: `HMAC, ${what}`,
    ours: time(ours),
    compared: `${bareName} ${time(theirs)}, ${time(ours - theirs)} more`,
    target: '',
  }
}

async function repeat(act: () => unknown): Promise<void> {
  for (let done = 0; done < repeats; done++) await act()
}

function secret(): Secret {
  return Secret.take(new TextEncoder().encode(keyText))
}
