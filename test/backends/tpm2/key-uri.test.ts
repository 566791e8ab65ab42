// What a tpm2: URI says, and what it cannot say.

import { describe, expect, it } from 'vitest'
import { authSource, keyAddress } from '../../../src/backends/tpm2/key-uri.ts'
import { KeyUri } from '../../../src/key/uri.ts'

const read = (text: string) => keyAddress(KeyUri.parse(text))

describe('a tpm2: URI', () => {
  it.each([
    ['tpm2:file=prod.tss2.pem', { kind: 'file', path: 'prod.tss2.pem' }],
    ['tpm2:handle=0x81000100', { kind: 'handle', handle: 0x81000100 }],
    ['tpm2:handle=2164261120', { kind: 'handle', handle: 0x81000100 }],
    ['tpm2:public=/k/a.pub;private=/k/a.priv', { kind: 'pair', publicPath: '/k/a.pub', privatePath: '/k/a.priv' }],
  ])('names a key: %s', (text, place) => {
    expect(read(text).place).toEqual(place)
  })

  it('takes the resource manager of the kernel where it names no device', () => {
    expect(read('tpm2:file=a').device).toEqual({ kind: 'device', path: '/dev/tpmrm0' })
  })

  it('names the TPM as tpm2-tools do', () => {
    const { device } = read('tpm2:file=a?device=swtpm:host=127.0.0.1,port=2341')
    expect(device).toEqual({ kind: 'tcp', host: '127.0.0.1', port: 2341 })
  })

  it.each([
    ['h2', 'h2'],
    ['rsa-ek', 'rsa-ek'],
    ['0x81000001', 0x81000001],
  ])('names the parent %s', (text, parent) => {
    expect(read(`tpm2:file=a;parent=${text}`).parent).toBe(parent)
  })

  it('pins Names and brings public areas in hexadecimal', () => {
    const address = read('tpm2:handle=0x81000100?salt=0x81000001&salt-name=000bAB&salt-public=0023&name=000b01')
    expect(address).toMatchObject({
      salt: 0x81000001,
      saltName: Uint8Array.of(0, 0x0b, 0xab),
      saltPublic: Uint8Array.of(0, 0x23),
      name: Uint8Array.of(0, 0x0b, 1),
    })
  })

  it.each(['0x80000000', '0x40000001', '0x82000000', '0x81', '4294967296', '99999999999', 'prod', '-1', '0x'])(
    'B-030: refuses the handle %s, and says which there are',
    (handle) => {
      const refusal = { code: 'ERR_URI_INVALID', hint: 'they are 0x81000000 to 0x81FFFFFF' }
      expect(() => read(`tpm2:handle=${handle}`)).toThrow(expect.objectContaining(refusal))
    },
  )

  it.each([
    ['tpm2:', 'does not say which key'],
    ['tpm2:parent=h2', 'does not say which key'],
    ['tpm2:file=a;handle=0x81000100', 'names the key twice'],
    ['tpm2:file=a;public=b;private=c', 'names the key twice'],
    ['tpm2:public=b', 'which belong together'],
    ['tpm2:file=a;parent=srk', 'parent in the key URI is none'],
    ['tpm2:file=a;parent=0x80000000', 'parent in the key URI is no handle'],
    ['tpm2:file=a?auth=maybe', 'neither yes nor no'],
    ['tpm2:file=a?name=00b', 'name in the key URI is not hexadecimal'],
    ['tpm2:file=a?salt-name=zz', 'salt-name in the key URI is not hexadecimal'],
    ['tpm2:file=a?salt-public=0023', 'no salt-name'],
    ['tpm2:file=a?device=tabrmd:', 'cannot be reached by tabrmd'],
    ['tpm2:file=a?device=mssim:host=localhost', 'cannot be reached by mssim'],
    ['tpm2:object=a', 'tpm2: does not have the attribute "object"'],
  ])('refuses %s', (text, says) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ code: 'ERR_URI_INVALID', message: expect.stringContaining(says) }),
    )
  })
})

describe('the auth value of a hierarchy', () => {
  const ask = async () => Buffer.from('typed')

  it('is empty where the URI names no source', () => {
    expect(authSource(KeyUri.parse('tpm2:file=a'), 'owner', ask)).toBeUndefined()
  })

  it('is asked for where the URI says prompt:', async () => {
    const source = authSource(KeyUri.parse('tpm2:file=a?endorsement-auth-source=prompt:'), 'endorsement', ask)
    expect(await source?.({ kind: 'auth value', target: 'x' })).toEqual(Buffer.from('typed'))
  })

  it('is not asked for where another source would answer in the place of the person', () => {
    const uri = KeyUri.parse('tpm2:file=a?parent-auth-source=prompt:&pin-source=file:/run/pin')
    expect(() => authSource(uri, 'parent', ask)).toThrow(expect.objectContaining({ code: 'ERR_URI_INVALID' }))
  })
})
