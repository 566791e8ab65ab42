// Key files for tests, built tag by tag from X.690 and the TSS2 key file draft, with nothing of hardkey's own writer. In:
// the parts that differ from a right one. Out: DER, and PEM around it.

import { hmacPrivate2b, hmacPublic2b } from './made-by-tools.ts'

const bytes = (digits: string): Buffer => Buffer.from(digits, 'hex')

/** One element: a tag, a length in its shortest form, the contents. */
export function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

export const octets = (content: Uint8Array): Buffer => element(0x04, content)
export const explicit = (number: number, ...contents: readonly Uint8Array[]): Buffer =>
  element(0xa0 + number, ...contents)

/** TPMPolicy. */
export const policyEntry = (code: string, parameters: Uint8Array): Buffer =>
  element(0x30, explicit(0, element(0x02, bytes(code))), explicit(1, octets(parameters)))

export const policyField = (...entries: readonly Uint8Array[]): Buffer => explicit(1, element(0x30, ...entries))

/** Content of OBJECT IDENTIFIER. */
export const types = {
  loadable: '6781050a0103',
  importable: '6781050a0104',
  sealed: '6781050a0105',
  oldLoadable: '6781050a02',
  rsaEncryption: '2a864886f70d010101',
} as const

export interface KeyParts {
  /** In hexadecimal digits: the content of the OBJECT IDENTIFIER. */
  readonly type?: string
  /** What stands between type and parent. */
  readonly fields?: readonly Uint8Array[]
  /** An INTEGER's content in hexadecimal digits; empty for none. */
  readonly parent?: string
  /** TPM2B_PUBLIC and TPM2B_PRIVATE. */
  readonly publicArea?: Uint8Array
  readonly privateArea?: Uint8Array
}

/** A key that tpm2-tools made, changed in these parts. */
export function keyDer({
  type = types.loadable,
  fields = [],
  parent = '40000001',
  publicArea = bytes(hmacPublic2b),
  privateArea = bytes(hmacPrivate2b),
}: KeyParts = {}): Buffer {
  return element(
    0x30,
    element(0x06, bytes(type)),
    ...fields,
    ...(parent === '' ? [] : [element(0x02, bytes(parent))]),
    octets(publicArea),
    octets(privateArea),
  )
}

export function keyPem(der: Uint8Array, label = 'TSS2 PRIVATE KEY'): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}

/** The TPM2B_PUBLIC of an HMAC key with a policy, as tpm2_import -L makes it. */
export function publicWithPolicy(authPolicy: Uint8Array): Buffer {
  const area = Buffer.concat([
    bytes('0008000b00040000'),
    Buffer.from([0, authPolicy.length]),
    authPolicy,
    bytes('0005000b0020'),
    Buffer.alloc(32, 7),
  ])
  return Buffer.concat([Buffer.from([0, area.length]), area])
}
