// A certificate authority for one test run. In: names and dates. Out: PEM certificates and keys that Node accepts.
// RFC 5280, section 4.1 (Certificate, TBSCertificate) in DER (X.690); keys on P-256, signed with ecdsa-with-SHA256 (RFC 5758).

import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIPv4 } from 'node:net'

export interface IssuedCertificate {
  readonly cert: string
  readonly key: string
}

export interface CertificateRequest {
  /** DNS names and IPv4 addresses. */
  readonly names: readonly string[]
  readonly notBefore?: Date
  readonly notAfter?: Date
}

export interface TestAuthority {
  /** The authority's own certificate, PEM. */
  readonly ca: string
  issue(request: CertificateRequest): IssuedCertificate
}

const day = 86_400_000
const yesterday = new Date(Date.now() - day)
const tomorrow = new Date(Date.now() + day)

export function testAuthority(): TestAuthority {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = `test authority ${randomBytes(8).toString('hex')}`
  const validity = { notBefore: yesterday, notAfter: tomorrow }
  const isAuthority = extension([2, 5, 29, 19], true, sequence(tlv(0x01, [0xff])))
  return {
    ca: certificate(name, name, authority.publicKey, authority.privateKey, validity, [isAuthority]),
    issue({ names, notBefore = yesterday, notAfter = tomorrow }) {
      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const alternativeNames = extension([2, 5, 29, 17], false, sequence(...names.map(generalName)))
      const subject = names[0] ?? 'nobody'
      return {
        cert: certificate(name, subject, own.publicKey, authority.privateKey, { notBefore, notAfter }, [
          alternativeNames,
        ]),
        key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      }
    },
  }
}

function certificate(
  issuer: string,
  subject: string,
  publicKey: KeyObject,
  signer: KeyObject,
  validity: { readonly notBefore: Date; readonly notAfter: Date },
  extensions: readonly Buffer[],
): string {
  const algorithm = sequence(objectIdentifier([1, 2, 840, 10045, 4, 3, 2]))
  const version3 = tlv(0xa0, tlv(0x02, [2]))
  const serial = tlv(0x02, Buffer.concat([Buffer.of(1), randomBytes(8)]))
  const dates = sequence(time(validity.notBefore), time(validity.notAfter))
  const publicInfo = publicKey.export({ type: 'spki', format: 'der' })
  const signed = sequence(
    ...[version3, serial, algorithm, commonName(issuer), dates, commonName(subject), publicInfo],
    tlv(0xa3, sequence(...extensions)),
  )
  const signature = tlv(0x03, Buffer.concat([Buffer.of(0), sign('sha256', signed, signer)]))
  const base64 = sequence(signed, algorithm, signature).toString('base64')
  return `-----BEGIN CERTIFICATE-----\n${base64.replace(/(.{64})(?=.)/g, '$1\n')}\n-----END CERTIFICATE-----\n`
}

function tlv(tag: number, content: Uint8Array | readonly number[]): Buffer {
  const length = content.length
  const head =
    length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from(head), Buffer.from(content)])
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tlv(0x30, Buffer.concat(parts))
}

function objectIdentifier([first = 0, second = 0, ...rest]: readonly number[]): Buffer {
  const base128 = (arc: number): number[] =>
    arc < 128 ? [arc] : [...base128(arc >> 7).map((digit) => digit | 0x80), arc & 0x7f]
  return tlv(0x06, [first * 40 + second, ...rest.flatMap(base128)])
}

function commonName(text: string): Buffer {
  return sequence(tlv(0x31, sequence(objectIdentifier([2, 5, 4, 3]), tlv(0x0c, Buffer.from(text)))))
}

function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, '')
  return tlv(0x18, Buffer.from(digits))
}

function extension(identifier: readonly number[], critical: boolean, value: Buffer): Buffer {
  const flag = critical ? [tlv(0x01, [0xff])] : []
  return sequence(objectIdentifier(identifier), ...flag, tlv(0x04, value))
}

function generalName(name: string): Buffer {
  return isIPv4(name) ? tlv(0x87, name.split('.').map(Number)) : tlv(0x82, Buffer.from(name))
}
