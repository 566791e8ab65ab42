// Key URIs: RFC 7512 read and written, and what is refused. B-020 to B-025, B-035.

import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KeyUri } from '../../src/key/uri.ts'
import { expectNoCanary } from '../contract/canary.ts'

const secret = Buffer.from('13579-canary')
const full = `pkcs11:token=The%20token;object=aws;id=%01%00?module-path=/usr/lib/hsm.so&pin-value=${secret}`

/** What parsing says. */
function refusal(text: string): unknown {
  try {
    return KeyUri.parse(text)
  } catch (error) {
    return error
  }
}

describe('a key URI that is read', () => {
  it('gives decoded text of path and query', () => {
    const uri = KeyUri.parse(full)
    expect([uri.scheme, uri.get('token'), uri.get('module-path')]).toEqual(['pkcs11', 'The token', '/usr/lib/hsm.so'])
  })
  it('gives an id as bytes, a NUL among them', () => {
    expect(KeyUri.parse(full).bytes('id')).toEqual(Uint8Array.of(1, 0))
  })
  it("gives the seed's hexadecimal id as the text that it is", () => {
    expect(KeyUri.parse('pkcs11:slot=0;id=0100').get('id')).toBe('0100')
  })
  it('gives no text for an id that is none', () => {
    expect(KeyUri.parse('pkcs11:id=%FF%FE').get('id')).toBeUndefined()
  })
  it('lists its names and knows what it has', () => {
    const uri = KeyUri.parse(full)
    expect(uri.names()).toEqual(['token', 'object', 'id', 'module-path', 'pin-value'])
    expect([uri.has('pin-value'), uri.has('serial')]).toEqual([true, false])
  })
  it('may have nothing but a scheme, in any case', () => {
    expect(`${KeyUri.parse('PKCS11:')}`).toBe('pkcs11:')
  })
  it('keeps "=", ":" and "," of a value', () => {
    expect(KeyUri.parse('tpm2:file=k?device=swtpm:host=::1,port=2321').get('device')).toBe('swtpm:host=::1,port=2321')
  })
  it('gives bytes that cannot change it', () => {
    const uri = KeyUri.parse('pkcs11:id=%01')
    uri.bytes('id')?.fill(9)
    expect(uri.bytes('id')).toEqual(Uint8Array.of(1))
  })
})

describe('a key URI that is written', () => {
  it('has "/" and every byte of an id percent-encoded', () => {
    const written = 'pkcs11:token=The%20token;object=aws;id=%01%00?module-path=%2Fusr%2Flib%2Fhsm.so'
    expect(`${KeyUri.parse(full).withoutSecrets()}`).toBe(written)
  })
  it('reads back as the same, whatever the values', () => {
    const value = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('\0'))
    fc.assert(
      fc.property(value, value, fc.uint8Array({ minLength: 1 }), (token, path, id) => {
        const uri = KeyUri.of('pkcs11', { token, id }, { 'module-path': path })
        const again = KeyUri.parse(uri.toString())
        expect([again.get('token'), again.get('module-path')]).toEqual([token, path])
        expect(again.bytes('id')).toEqual(Uint8Array.from(id))
      }),
    )
  })
  it('changes where it is told to and nowhere else', () => {
    const uri = KeyUri.parse('pkcs11:token=a;object=b?pin-source=file:/a')
    const changed = uri.with({ path: { object: undefined, serial: '7' }, query: { 'pin-source': 'fd:3' } })
    expect(`${changed}`).toBe('pkcs11:token=a;serial=7?pin-source=fd:3')
    expect(`${uri}`).toBe('pkcs11:token=a;object=b?pin-source=file:%2Fa')
  })
  it('moves an attribute to the part in which it is set', () => {
    const uri = KeyUri.parse('pkcs11:token=a;module-path=/a').with({ query: { 'module-path': '/b' } })
    expect(`${uri}`).toBe('pkcs11:token=a?module-path=%2Fb')
  })
  it.each([{ 'a b': 'x' }, { token: '' }, { token: 'a\0b' }, { token: '\ud800' }])('refuses %j', (path) => {
    expect(() => KeyUri.of('pkcs11', path)).toThrow(expect.objectContaining({ code: 'ERR_URI_INVALID' }))
  })
})

describe('B-025 a pin-value', () => {
  it('shows nowhere', () => {
    const uri = KeyUri.parse(full)
    expectNoCanary([uri, { uri }, `${uri}`, inspect(uri, { showHidden: true }), uri.get('pin-value')], { secret })
    expect(uri.toString()).toContain('pin-value=[secret]')
  })
  it('is given to who asks for it, as a copy', () => {
    const uri = KeyUri.parse(full)
    uri.pinValue()?.wipe()
    expect(uri.pinValue()?.lend((bytes) => Buffer.from(bytes).equals(secret))).toBe(true)
  })
  it('is not in what a record keeps', () => {
    expect(KeyUri.parse(full).withoutSecrets().has('pin-value')).toBe(false)
  })
  it.each([
    `pin-value=${secret};`,
    `pin-value=12${secret} 3`,
    `pin-value=a&pin-value=${secret}`,
    `pin-value=a%zz${secret}`,
  ])('shows in no refusal: %#', (query) => {
    const failure = refusal(`pkcs11:token=a?${query}`)
    expect(failure).toBeInstanceOf(Error)
    expectNoCanary(failure, { secret })
  })
  it('shows no name behind it, which may be the rest of it', () => {
    const uri = KeyUri.parse(`pkcs11:token=a?pin-value=12&${secret}=3`)
    const check = (): void => uri.expect(['token'], ['pin-value'])
    expect(check).toThrow(expect.objectContaining({ code: 'ERR_URI_INVALID' }))
    expect(check).not.toThrow(secret.toString())
  })
})

describe('a key URI that is refused', () => {
  it.each([
    ['B-020 nothing', '', 'empty'],
    ['B-020 white space', '  ', 'empty'],
    ['B-020 no scheme', 'token=prod', 'scheme'],
    ['B-020 a path', '/dev/tpm0', 'scheme'],
    ['B-021 an attribute twice', 'pkcs11:token=a;token=b', '"token" stands twice, again at character 16'],
    ['B-021 one in path and query', 'pkcs11:module-path=/a?module-path=/b', '"module-path" stands in the path and'],
    ['B-021 a bad percent code', 'pkcs11:token=a%2', '"token" has a bad percent code at character 15'],
    ['B-021 a percent sign alone', 'pkcs11:token=100%;object=a', 'character 17'],
    ['B-021 a NUL in text', 'pkcs11:token=a%00', '"token" at character 8 has a NUL byte'],
    ['B-021 ";" at the end', 'pkcs11:token=a;', 'empty attribute at character 16'],
    ['B-021 "?" twice', 'pkcs11:token=a?pin-source=fd:3?x=y', 'character at 31'],
    ['B-021 a value without a name', 'pkcs11:prod', 'without "=" at character 8'],
    ['B-021 an empty name', 'pkcs11:=prod', 'at character 8 whose name'],
    ['B-021 an empty value', 'pkcs11:token=;object=a', '"token" at character 8 has no value'],
    ['B-021 a space', 'pkcs11:token=my token', 'character at 16'],
    ['B-021 a fragment', 'pkcs11:token=a#b', 'character at 15'],
    ['B-021 text that is not ASCII', 'pkcs11:token=prüf', 'character at 16'],
    ['B-021 bytes that are not UTF-8', 'pkcs11:token=%ff', '"token" at character 8 is not UTF-8'],
    ['B-021 a line ending', 'pkcs11:token=a\n', 'character at 15'],
    ['B-035 64 KiB', `pkcs11:token=${'a'.repeat(65_536)}`, 'more than 65535'],
  ])('%s', (_, text, part) => {
    expect(refusal(text)).toMatchObject({ code: 'ERR_URI_INVALID', message: expect.stringContaining(part) })
  })

  it('never with anything but ERR_URI_INVALID', () => {
    fc.assert(
      fc.property(fc.string(), (rest) => {
        const result = refusal(`pkcs11:${rest}`)
        expect(result instanceof KeyUri || Object(result).code === 'ERR_URI_INVALID').toBe(true)
      }),
    )
  })
})

describe('B-021 an attribute that a backend does not know', () => {
  const check = (text: string) => (): void =>
    KeyUri.parse(text).expect(['token', 'object'], ['module-path', 'pin-source'])

  it('is refused with the name that was meant', () => {
    expect(check('pkcs11:tokn=a')).toThrow(
      expect.objectContaining({ code: 'ERR_URI_INVALID', hint: 'did you mean "token"?' }),
    )
  })
  it('is refused with the names that there are', () => {
    expect(check('pkcs11:colour=a')).toThrow(
      expect.objectContaining({ hint: 'it has token, object, module-path, pin-source' }),
    )
  })
  it('of the query is taken in the path, as step writes it', () => {
    expect(check('pkcs11:module-path=/a;token=b')).not.toThrow()
  })
  it('of the path is refused in the query', () => {
    expect(check('pkcs11:?token=a')).toThrow(expect.objectContaining({ code: 'ERR_URI_INVALID' }))
  })
  it.each(['__proto__', 'constructor', 'toString'])('is refused when it is called %s', (name) => {
    expect(check(`pkcs11:${name}=a`)).toThrow(expect.objectContaining({ code: 'ERR_URI_INVALID' }))
    expect(KeyUri.parse('pkcs11:token=a').get(name)).toBeUndefined()
  })
})

describe('bytes that a caller hands in', () => {
  it('stay the caller’s, be they a PIN or not', () => {
    const [id, pin] = [Buffer.from([1, 2]), Buffer.from('1234')]
    const uri = KeyUri.of('pkcs11', { id }, { 'pin-value': pin })
    id.fill(9)
    expect(pin.toString()).toBe('1234')
    expect(uri.bytes('id')).toEqual(Uint8Array.of(1, 2))
  })
})
