// TSS2 PRIVATE KEY files as every maker writes them, and as hardkey does. draft-bottomley-tpm2-keys, section 3.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatKeyFile,
  type KeyFile,
  type KeyFileContent,
  parseKeyFile,
} from '../../../src/backends/tpm2/documents/key-file.ts'
import type { PolicyStep } from '../../../src/backends/tpm2/documents/policy.ts'
import { waysOf } from '../../../src/backends/tpm2/documents/policy-ways.ts'
import { TPM_CC } from '../../../src/backends/tpm2/wire/constants.ts'
import {
  element,
  explicit,
  type KeyParts,
  keyDer,
  keyPem,
  octets,
  policyEntry,
  policyField,
  publicWithPolicy,
  types,
} from './key-files.ts'
import * as tools from './made-by-tools.ts'

const bytes = (digits: string): Buffer => Buffer.from(digits, 'hex')
const text = (content: string): Uint8Array => new Uint8Array(Buffer.from(content))
const read = (parts: KeyParts = {}): KeyFile => parseKeyFile(text(keyPem(keyDer(parts))))

const True = element(0x01, bytes('ff'))
const False = element(0x01, bytes('00'))
const secretField = explicit(2, octets(bytes('0003010203')))

describe('a key file', () => {
  it('of tpm2_encodeobject is read, with and without an auth value', () => {
    for (const [pem, emptyAuth] of [
      [tools.pemWithoutAuth, false],
      [tools.pemWithAuth, true],
    ] as const) {
      const file = parseKeyFile(text(pem))
      expect(file).toMatchObject({ form: 'loadable', emptyAuth, parent: 0x4000_0001, policy: [] })
      expect(file.object).toMatchObject({ attributes: 0x0004_0040 })
    }
    const file = parseKeyFile(text(tools.pemWithoutAuth))
    expect(Buffer.from(file.publicArea).toString('hex')).toBe(tools.hmacPublic2b.slice(4))
    expect(Buffer.from(file.privateArea).toString('hex')).toBe(tools.hmacPrivate2b.slice(4))
  })

  it.each<[string, KeyParts, Partial<KeyFile>]>([
    [
      'of the seed: emptyAuth TRUE, a transient parent',
      { fields: [explicit(0, True)], parent: '0080000000' },
      { emptyAuth: true, parent: 0x8000_0000 },
    ],
    ['of the seed of old: no emptyAuth', { parent: '0080000000' }, { parent: 0x8000_0000 }],
    [
      'of tpmcopy: TPM_RH_FW_OWNER',
      { type: types.importable, fields: [secretField], parent: '40000140' },
      { form: 'importable', parent: 0x4000_0140, encryptedSecret: new Uint8Array([1, 2, 3]) },
    ],
    ['of a persistent parent', { parent: '0081010001' }, { parent: 0x8101_0001 }],
    ['of an engine that wrote a handle as a negative number', { parent: '81000001' }, { parent: 0x8100_0001 }],
    ['of the older type', { type: types.oldLoadable }, { form: 'loadable' }],
    [
      'with a description',
      { fields: [explicit(4, element(0x0c, Buffer.from('Schlüssel')))] },
      { description: 'Schlüssel' },
    ],
    ['with rsaParent', { fields: [explicit(5, True)] }, { rsaParent: true }],
    [
      'with fields that nobody knows',
      {
        fields: [
          explicit(0, False),
          explicit(5, octets(bytes('01'))),
          explicit(6, octets(bytes('02'))),
          explicit(7, False),
        ],
      },
      { emptyAuth: false },
    ],
    [
      'with ways that someone else signs',
      {
        fields: [explicit(3, element(0x30, element(0x30, explicit(1, element(0x30, policyEntry('016a', bytes('')))))))],
      },
      { policy: [] },
    ],
  ])('%s is read', (_, parts, told) => {
    expect(read(parts)).toMatchObject(told)
  })

  it.each<[string, Buffer, boolean | undefined]>([
    ['TRUE as DER has it', explicit(0, True), true],
    ['TRUE as tpm2-tools write it', explicit(0, element(0x01, bytes('01'))), true],
    ['FALSE', explicit(0, False), false],
    ['nothing', Buffer.alloc(0), undefined],
  ])('B-067 says of emptyAuth what it holds, and nothing follows from it: %s', (_, field, emptyAuth) => {
    const file = read({ fields: field.length === 0 ? [] : [field] })
    expect([file.emptyAuth, file.object.attributes]).toEqual([emptyAuth, 0x0004_0040])
  })

  it('is read with CRLF, blank lines, spaces at the ends of lines and lines of any length', () => {
    const one = keyDer().toString('base64')
    for (const file of [
      tools.pemWithoutAuth.replaceAll('\n', '\r\n'),
      `\n\n${tools.pemWithoutAuth}\n \n`,
      tools.pemWithoutAuth.replaceAll('\n', ' \n'),
      `-----BEGIN TSS2 PRIVATE KEY-----\n${one}\n-----END TSS2 PRIVATE KEY-----`,
    ]) {
      expect(parseKeyFile(text(file)).form).toBe('loadable')
    }
  })

  it('keeps the policy that it lists, and it can be satisfied', () => {
    const authPolicy = bytes('b27a9be905fd3c543969df3965ea3b62f554dcb20681bc484e90faf03fa6e043')
    const parentName = bytes('0022' + '000b75ce518fe809bff11c7c3575fb50b943f9efc3e4c3e0fa4ac3ad796d7df66de7')
    const digests = [
      '8fcd2169ab92694e0c633f1ab772842b8241bbc20288981fc7ac1eddc1fddb0e',
      'e6613c6f3f14b6a9c8613fa7d2766bab170c6e477bb047c5e10928da897fcb1d',
    ]
    const list = policyField(
      policyEntry('016b', bytes('')),
      policyEntry('0188', Buffer.concat([bytes('0000'), parentName, bytes('00')])),
      policyEntry('0171', bytes(`00000002${digests.map((digest) => `0020${digest}`).join('')}`)),
    )
    const file = read({ fields: [list], publicArea: publicWithPolicy(authPolicy) })
    expect(file.policy.map(({ kind }) => kind)).toEqual(['authValue', 'duplicationSelect', 'or'])
    expect(waysOf(file.policy, file.object.authPolicy).map((way) => way.map(({ kind }) => kind))).toEqual([
      ['authValue', 'or'],
    ])
  })
})

describe('a key file that hardkey writes', () => {
  const content: KeyFileContent = {
    form: 'loadable',
    emptyAuth: true,
    policy: [],
    parent: 0x4000_0001,
    publicArea: bytes(tools.hmacPublic2b).subarray(2),
    privateArea: bytes(tools.hmacPrivate2b).subarray(2),
  }

  it('is the strict DER of the draft, field for field', () => {
    const policy: readonly PolicyStep[] = [{ kind: 'authValue' }, { kind: 'commandCode', code: TPM_CC.HMAC }]
    const fields = [
      explicit(0, True),
      policyField(policyEntry('016b', bytes('')), policyEntry('016c', bytes('00000155'))),
      secretField,
      explicit(4, element(0x0c, Buffer.from('AKIAIOSFODNN7EXAMPLE'))),
      explicit(5, True),
    ]
    const written = formatKeyFile({
      ...content,
      form: 'importable',
      policy,
      encryptedSecret: Uint8Array.of(1, 2, 3),
      description: 'AKIAIOSFODNN7EXAMPLE',
      rsaParent: true,
      parent: 0x8100_0001,
    })
    expect(written).toBe(keyPem(keyDer({ type: types.importable, fields, parent: '0081000001' })))
  })

  it('leaves out what is false or empty, as the draft recommends', () => {
    const plain = keyPem(keyDer())
    expect(formatKeyFile({ ...content, emptyAuth: false })).toBe(plain)
    expect(formatKeyFile({ ...content, emptyAuth: undefined, rsaParent: false })).toBe(plain)
  })

  it('is read as it was written', () => {
    const area = fc.uint8Array({ minLength: 1, maxLength: 400 })
    const any = fc.record({
      form: fc.constantFrom('loadable' as const, 'importable' as const),
      emptyAuth: fc.constantFrom(true, undefined),
      encryptedSecret: area,
      description: fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }),
      parent: fc.constantFrom(0x4000_0001, 0x4000_000b, 0x8100_0001, 0x81ff_ffff, 0x8000_0000),
      privateArea: area,
    })
    fc.assert(
      fc.property(any, (parts) => {
        const file = { ...content, ...parts }
        const { object, ...back } = parseKeyFile(text(formatKeyFile(file)))
        expect(object.attributes).toBe(0x0004_0040)
        expect(back).toEqual({ ...file, publicArea: new Uint8Array(content.publicArea) })
      }),
    )
  })
})
