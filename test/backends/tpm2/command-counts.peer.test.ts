// How many commands one kDate costs, counted by the proxy: with a persistent parent whose public area the record has, two for
// a persistent key and four for a key file, and one more for a RETRY.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openKey } from '../../../src/backends/open.ts'
import type { KeyUri } from '../../../src/key/uri.ts'
import { startTpmProxy, type TpmProxy } from '../../faults/tpm-proxy.ts'
import { first, refuse } from '../../faults/tpm-rules.ts'
import { answerText, authSource, importAt } from './opening.ts'
import { day, dayAnswer, hex, type TpmWithKey, tpmWithKey } from './tpm-with-key.ts'

const folder = mkdtempSync(join(tmpdir(), 'hardkey-counts-'))
let device: TpmWithKey
let proxy: TpmProxy
let uris: { readonly file: KeyUri; readonly handle: KeyUri }
beforeAll(async () => {
  device = await tpmWithKey('unix')
  proxy = await startTpmProxy(device.tpm)
  const parent = hex(device.parent)
  const make = async (path: Readonly<Record<string, string>>) =>
    (await importAt(proxy.device, { path: { parent, ...path } })).uri
  uris = { file: await make({ file: join(folder, 'a.tss2.pem') }), handle: await make({ handle: '0x81010a00' }) }
})
afterAll(async () => {
  await proxy?.stop()
  await device?.remove()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() => {
  proxy.order()
  proxy.forget()
})

/** Opened, asked, closed. */
async function commandsFor(uri: KeyUri): Promise<readonly string[]> {
  const key = await openKey(uri, { pin: authSource(undefined) })
  expect(answerText(await key.hmac(day))).toBe(dayAnswer)
  await key.close()
  return proxy.commands()
}

describe('one kDate', () => {
  it('costs two commands with a persistent key', async () => {
    expect(await commandsFor(uris.handle)).toEqual(['StartAuthSession', 'HMAC'])
  })

  it('costs four commands with a key file', async () => {
    expect(await commandsFor(uris.file)).toEqual(['StartAuthSession', 'Load', 'HMAC', 'FlushContext'])
  })

  it.each([
    ['handle', 3],
    ['file', 5],
  ] as const)('costs one more for a RETRY, by its %s', async (kind, count) => {
    proxy.order(refuse('HMAC', 0x922, first(1)))
    expect((await commandsFor(uris[kind])).length).toBe(count)
  })

  it('of the next day costs two commands more with a key that is open and was not used for a while', async () => {
    const key = await openKey(uris.handle, { pin: authSource(undefined) })
    await key.hmac(day)
    await new Promise((done) => setTimeout(done, 500))
    proxy.forget()
    await key.hmac(Buffer.from('20150831'))
    await key.close()
    expect(proxy.commands()).toEqual(['StartAuthSession', 'HMAC'])
  })
})
