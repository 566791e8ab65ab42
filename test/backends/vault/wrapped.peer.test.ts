// A key that was encrypted elsewhere comes to a transit engine: to that one alone, whole or not at all, also where an answer is
// lost. Two servers, and two engines of one.

import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BackendEntry, backendEntry } from '../../../src/backends/list.ts'
import type { VaultOptions } from '../../../src/backends/vault/backend.ts'
import { vaultBackend } from '../../../src/backends/vault/backend.ts'
import { vaultImporter } from '../../../src/backends/vault/import.ts'
import { vaultWrapping } from '../../../src/backends/vault/wrapping.ts'
import type { WrappingKey } from '../../../src/key/hmac-key.ts'
import type { KeyUri } from '../../../src/key/uri.ts'
import { Scanner } from '../../leaks/scanner.ts'
import { changedFiles, fileFor, type Receiver, received, refusal, secretText } from '../../lifecycle/delivery.ts'
import { type OpenBao, startOpenBao } from '../../peers/openbao.ts'
import { day, hex, keyUri, opened, pins } from './fixture.ts'
import { recorder } from './recorder.ts'

const everyNth = process.env.TEST_LONG === '1' ? 1 : 17
const wrapping = vaultWrapping()
let bao: OpenBao
let other: OpenBao
let wrappingKey: WrappingKey
beforeAll(async () => {
  bao = await startOpenBao()
  other = await startOpenBao()
  await bao.done('POST', 'sys/mounts/second', { type: 'transit' })
  const engine = keyUri(bao).with({ path: { key: undefined } })
  wrappingKey = await wrapping.wrappingKey(engine, { pin: pins(bao.token) }, { create: false })
})
afterAll(async () => {
  await other?.stop()
  await bao?.stop()
})

const fileOf = () => fileFor(wrapping, wrappingKey)
const into = (to: KeyUri, entry: BackendEntry = backendEntry('vault')): Receiver => ({
  to,
  entry,
  pin: pins(bao.token),
})
const entryWith = (options: VaultOptions): BackendEntry => ({
  scheme: 'vault',
  backend: async () => vaultBackend(options),
  importer: async () => vaultImporter(options),
  wrapping: async () => vaultWrapping(options),
})
const statusOf = async (server: OpenBao, path: string): Promise<number> => (await server.call('GET', path)).status

describe('a wrapped key', () => {
  it('is opened in the engine and answers as the secret does', async () => {
    const { info, stored } = await received(await fileOf(), into(keyUri(bao, {}, { key: 'opened' })))
    expect(info.attributes).toMatchObject({ type: 'hmac', exportable: false, imported_key: true })
    expect(stored.record.uri).toContain('key-version=1')
    const key = await opened(keyUri(bao, {}, { key: 'opened' }), bao.token)
    expect(hex(await key.hmac(day))).toBe(createHmac('sha256', `AWS4${secretText}`).update(day).digest('hex'))
  })

  it('is refused by another engine, and by another server', async () => {
    const file = await fileOf()
    expect(await refusal(() => received(file, into(keyUri(bao, {}, { key: 'foreign', mount: 'second' }))))).toBe(
      'ERR_KEY_UNUSABLE',
    )
    expect(await refusal(() => received(file, into(keyUri(other, {}, { key: 'foreign' }))))).toBe('ERR_KEY_UNUSABLE')
    expect(await statusOf(bao, 'second/keys/foreign')).toBe(404)
    expect(await statusOf(other, 'transit/keys/foreign')).toBe(404)
  })

  it('cannot be opened there where the file names that engine as its own', async () => {
    const second = keyUri(bao, {}, { mount: 'second' })
    const { name } = await wrapping.wrappingKey(second, { pin: pins(bao.token) }, { create: false })
    const forged = `${JSON.stringify({ ...JSON.parse((await fileOf()).toString()), name }, null, 2)}\n`
    const to = keyUri(bao, {}, { key: 'forged', mount: 'second' })
    expect(await refusal(() => received(Buffer.from(forged), into(to)))).not.toBe('taken')
    expect(await statusOf(bao, 'second/keys/forged')).toBe(404)
  })

  it('L-5: never crosses the wire in clear, and is found where the answer to its import is lost', async () => {
    const wire = await recorder(bao)
    wire.order({ at: /^POST [^ ]*\/import /, answer: 'lost', times: 1 })
    const to = keyUri(bao, { address: wire.url, ca: undefined }, { key: 'lost' })
    const { found } = await received(await fileOf(), into(to, entryWith({ ca: wire.ca })))
    expect(found).toBe(false)
    const scanner = new Scanner({ secret: Buffer.from(secretText), key: Buffer.from(`AWS4${secretText}`) })
    expect(scanner.search(wire.wire())).toEqual([])
    expect(scanner.search(Buffer.from(wire.sent(), 'latin1'))).toEqual([])
    expect(wire.sent()).toContain('/import ')
  })

  it('is refused with any byte of its file changed, and no key is left', async () => {
    const taken: number[] = []
    const to = keyUri(bao, {}, { key: 'changed' })
    for (const { at, changed } of changedFiles(await fileOf(), everyNth)) {
      if ((await refusal(() => received(changed, into(to)))) === 'taken') taken.push(at)
      if ((await statusOf(bao, 'transit/keys/changed')) !== 404) taken.push(at)
    }
    expect(taken).toEqual([])
  }, 600_000)
})
