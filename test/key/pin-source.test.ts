// Where PINs come from: each kind of pin-source, read from real files, pipes and variables. B-025 to B-027.

import { closeSync, openSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type PinSource, pinSourceOf } from '../../src/key/pin-source.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { expectNoCanary } from '../contract/canary.ts'

const canary = Buffer.from('pin-2468-canary')
const request = { kind: 'PIN', target: 'token "prod"' } as const
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hardkey-pin-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

function source(pinSource: string, ask?: PinSource): PinSource {
  return pinSourceOf(KeyUri.of('pkcs11', { token: 'prod' }, { 'pin-source': pinSource }), ask)
}

async function pinOf(pinSource: string, ask?: PinSource): Promise<string> {
  return Buffer.from(await source(pinSource, ask)(request)).toString()
}

async function file(content: string | Uint8Array, mode = 0o600): Promise<string> {
  const path = join(folder, 'pin')
  await writeFile(path, content, { mode })
  await chmod(path, mode)
  return path
}

/** What asking says; it never shows the canary. */
async function refusal(ask: () => Promise<unknown>): Promise<unknown> {
  const failure = await ask().then(
    () => new Error('this should have been refused'),
    (error: unknown) => error,
  )
  expectNoCanary(failure, { canary })
  return failure
}

describe('pin-source=file:', () => {
  it.each([
    ['no line ending', '1234'],
    ['a line ending', '1234\n'],
    ['a Windows line ending', '1234\r\n'],
  ])('gives what a file with %s holds', async (_, content) => {
    expect(await pinOf(`file:${await file(content)}`)).toBe('1234')
  })
  it('may be a bare path', async () => {
    expect(await pinOf(await file('1234'))).toBe('1234')
  })
  it.each(['file://', 'file://localhost'])('may be a URI that begins with %s', async (prefix) => {
    expect(await pinOf(`${prefix}${await file('1234')}`)).toBe('1234')
  })
  it('keeps spaces and all bytes that are not a line ending', async () => {
    expect(await pinOf(`file:${await file(' 12\t34ü ')}`)).toBe(' 12\t34ü ')
  })
  it('follows a symbolic link, as mounted secrets are', async () => {
    await file('1234')
    await symlink(join(folder, 'pin'), join(folder, 'link'))
    expect(await pinOf(`file:${join(folder, 'link')}`)).toBe('1234')
  })
  it('takes a PIN of 1024 bytes', async () => {
    expect(await pinOf(`file:${await file(`${'1'.repeat(1024)}\r\n`)}`)).toHaveLength(1024)
  })
  it.each(['file:pin', 'pin', './pin', 'file:', 'file://host/pin', 'file:../pin'])('refuses %s', (text) => {
    expect(() => source(text)).toThrow(expect.objectContaining({ code: 'ERR_URI_INVALID' }))
  })
  it.each(['|cat /etc/pin', 'file:|cat /etc/pin'])('B-026 refuses the command %s', (text) => {
    expect(() => source(text)).toThrow(expect.objectContaining({ code: 'ERR_URI_INVALID' }))
  })
})

describe('B-027 a PIN file', () => {
  it.each([
    ['empty', '', 'empty'],
    ['nothing but a line ending', '\n', 'empty'],
    ['two lines', `${canary}\n${canary}\n`, 'more than one line'],
    ['two line endings', `${canary}\n\n`, 'more than one line'],
    ['a NUL byte', `${canary}\0`, 'NUL'],
    ['1025 bytes', canary.toString().padEnd(1025, 'x'), 'longer than 1024'],
  ])('that is or has %s is refused', async (_, content, part) => {
    const path = await file(content)
    const failure = await refusal(() => pinOf(`file:${path}`))
    expect(failure).toMatchObject({ code: 'ERR_SECRET_INVALID', message: expect.stringContaining(part) })
  })
  it('that is far too long is refused unread', async () => {
    const path = await file(canary.toString().repeat(1000))
    expect(await refusal(() => pinOf(`file:${path}`))).toMatchObject({ code: 'ERR_URI_INVALID' })
  })
  it('that is missing is refused by its name', async () => {
    const path = join(folder, 'nowhere')
    const failure = await refusal(() => pinOf(`file:${path}`))
    expect(failure).toMatchObject({ code: 'ERR_URI_INVALID', message: expect.stringContaining(path) })
  })
  it('that is a folder is refused', async () => {
    await mkdir(join(folder, 'sub'))
    expect(await refusal(() => pinOf(`file:${join(folder, 'sub')}`))).toMatchObject({ code: 'ERR_URI_INVALID' })
  })
  it.skipIf(process.platform === 'win32').each([0o644, 0o640, 0o604, 0o622])(
    'that others can read or write (mode %o) is refused',
    async (mode) => {
      const path = await file(canary, mode)
      expect(await refusal(() => pinOf(`file:${path}`))).toMatchObject({ code: 'ERR_URI_INVALID' })
    },
  )
})

describe('pin-source=fd:', () => {
  it('gives what an open file holds, and leaves it open', async () => {
    const descriptor = openSync(await file('1234\n'), 'r')
    try {
      expect(await pinOf(`fd:${descriptor}`)).toBe('1234')
    } finally {
      closeSync(descriptor)
    }
  })
  it.each(['fd:1', 'fd:2', 'fd:', 'fd:x', 'fd:-1', 'fd:99999999999'])('refuses %s', (text) => {
    expect(() => source(text)).toThrow(expect.objectContaining({ code: 'ERR_URI_INVALID' }))
  })
  it('refuses a descriptor that is not open', async () => {
    expect(await refusal(() => pinOf('fd:9999'))).toMatchObject({ code: 'ERR_URI_INVALID' })
  })
})

describe('pin-source=env:', () => {
  it('gives the value of the variable', async () => {
    vi.stubEnv('HARDKEY_TEST_PIN', '1234')
    expect(await pinOf('env:HARDKEY_TEST_PIN')).toBe('1234')
  })
  it('says that the variable is not set', async () => {
    const failure = await refusal(() => pinOf('env:HARDKEY_TEST_NOTHING'))
    expect(failure).toMatchObject({
      code: 'ERR_PIN_REQUIRED',
      message: expect.stringContaining('HARDKEY_TEST_NOTHING'),
    })
  })
  it('refuses a value of two lines', async () => {
    vi.stubEnv('HARDKEY_TEST_PIN', `${canary}\n${canary}`)
    expect(await refusal(() => pinOf('env:HARDKEY_TEST_PIN'))).toMatchObject({ code: 'ERR_SECRET_INVALID' })
  })
  it.each(['env:', 'env:A B', 'env:1A', 'env:A=B'])('refuses %s', (text) => {
    expect(() => source(text)).toThrow(expect.objectContaining({ code: 'ERR_URI_INVALID' }))
  })
})

describe('pin-source=credential:', () => {
  it("gives a service's credential", async () => {
    await file('1234')
    vi.stubEnv('CREDENTIALS_DIRECTORY', folder)
    expect(await pinOf('credential:pin')).toBe('1234')
  })
  it('says that there are no credentials outside a service', async () => {
    vi.stubEnv('CREDENTIALS_DIRECTORY', undefined)
    expect(await refusal(() => pinOf('credential:pin'))).toMatchObject({ code: 'ERR_PIN_REQUIRED' })
  })
  it.each(['credential:', 'credential:..', 'credential:a/b', 'credential:/etc/passwd'])('refuses %s', (text) => {
    expect(() => source(text)).toThrow(expect.objectContaining({ code: 'ERR_URI_INVALID' }))
  })
})

describe('asking', () => {
  const ask: PinSource = async ({ kind, target }) => Buffer.from(`${kind} of ${target}`)

  it('comes where the URI says prompt:', async () => {
    expect(await pinOf('prompt:', ask)).toBe('PIN of token "prod"')
  })
  it('comes where the URI names no source', async () => {
    const pin = await pinSourceOf(KeyUri.parse('pkcs11:token=prod'), ask)(request)
    expect(Buffer.from(pin).toString()).toBe('PIN of token "prod"')
  })
  it('does not come where the URI names another', async () => {
    expect(await pinOf(`file:${await file('1234')}`, ask)).toBe('1234')
  })
  it.each(['prompt:', undefined])('that cannot be done says what is needed: %s', async (text) => {
    const uri = KeyUri.of('pkcs11', { token: 'prod' }, text === undefined ? {} : { 'pin-source': text })
    const failure = await refusal(() => pinSourceOf(uri)(request))
    expect(failure).toMatchObject({ code: 'ERR_PIN_REQUIRED', message: 'token "prod" needs a PIN' })
  })
  it('that gives nothing is a PIN that is missing', async () => {
    const failure = await refusal(() => pinOf('prompt:', async () => new Uint8Array(0)))
    expect(failure).toMatchObject({ code: 'ERR_PIN_REQUIRED' })
  })
})

describe('other sources', () => {
  it('B-025 take a pin-value', async () => {
    const uri = KeyUri.parse(`pkcs11:token=a?pin-value=${canary}`)
    expect(Buffer.from(await pinSourceOf(uri)(request))).toEqual(canary)
  })
  it('refuse a pin-value beside a pin-source', () => {
    const uri = KeyUri.parse('pkcs11:token=a?pin-value=1234&pin-source=fd:3')
    expect(() => pinSourceOf(uri)).toThrow(expect.objectContaining({ code: 'ERR_URI_INVALID' }))
  })
  it.each(['keyring:prod', 'pinentry:', 'askpass:'] as const)('leave %s to whoever is asked', async (source) => {
    expect(await refusal(() => pinOf(source))).toMatchObject({ code: 'ERR_BACKEND_UNSUPPORTED' })
    const uri = KeyUri.of('pkcs11', {}, { 'pin-source': source })
    const ask: PinSource = async (told) => Buffer.from(`asked for ${told.source}`)
    expect(Buffer.from(await pinSourceOf(uri, ask)(request)).toString()).toBe(`asked for ${source}`)
  })
  it.each(['keyring:', 'keyring:a b', 'pinentry:/bin/sh', 'askpass:x'])('refuse %s', async (source) => {
    expect(await refusal(() => pinOf(source))).toMatchObject({ code: 'ERR_URI_INVALID' })
  })
  it.each(['http://host/pin', 'data:,1234', 'exec:cat'])('refuse %s', (text) => {
    expect(() => source(text)).toThrow(expect.objectContaining({ code: 'ERR_URI_INVALID' }))
  })
})
