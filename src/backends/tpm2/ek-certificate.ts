// The certificate of an endorsement key. In: a TPM, or a certificate and those of makers. Out: the certificate that the TPM
// carries; or whether one of these makers vouches for the key. No chain is built: each certificate given is trusted.
// TCG EK Credential Profile 2.5, section 2.2.1.4 (NV indices) and 3.2 (the certificate); RFC 5280.

import { createPublicKey, type JsonWebKeyInput, X509Certificate } from 'node:crypto'
import { HardkeyError } from '../../errors.ts'
import { keyFileInvalid } from './documents/malformed.ts'
import type { ParentKind } from './documents/parents.ts'
import { TPM_ALG, TPM_ECC } from './wire/constants.ts'
import { readNv } from './wire/nv-commands.ts'
import type { PublicArea } from './wire/public-area.ts'
import type { Tpm } from './wire/tpm.ts'

/** Endorsement keys that may have a certificate, the one that is faster to make first. */
export const certifiedKinds: readonly ParentKind[] = ['ecc-ek', 'rsa-ek']

const indices: Readonly<Partial<Record<ParentKind, number>>> = { 'rsa-ek': 0x01c0_0002, 'ecc-ek': 0x01c0_000a }

/** The certificate in DER that the TPM carries for its endorsement key of this kind; undefined where it has none to show. */
export async function readCertificate(
  tpm: Tpm,
  kind: ParentKind,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  const index = indices[kind]
  if (index === undefined) return undefined
  try {
    const { raw } = new X509Certificate(await readNv(tpm, index, { signal }))
    return new Uint8Array(raw)
  } catch (error) {
    signal?.throwIfAborted()
    // No such index, one that asks for more, or no certificate in it. A TPM that is gone says so at the next command.
    if (error instanceof HardkeyError && !tpm.isBroken) return undefined
    if (error instanceof Error && !(error instanceof HardkeyError)) return undefined
    throw error
  }
}

/** True where the certificate is of this very key. */
export function isCertificateOf(certificate: Uint8Array, area: PublicArea): boolean {
  const found = certificateIn(certificate)
  return found !== undefined && isKeyOf(found, area)
}

/**
 * @param authorities PEM, one certificate or more
 * @throws ERR_KEY_FILE_INVALID for another key, an issuer that is not among them, a time outside of its validity
 */
export function checkEkCertificate(
  certificate: Uint8Array | undefined,
  area: PublicArea,
  authorities: Uint8Array,
  now: Date,
): void {
  const what = 'the wrapping key'
  if (certificate === undefined) {
    throw keyFileInvalid(
      what,
      'comes without a certificate of its TPM',
      'ask for that of an endorsement key: parent=ecc-ek',
    )
  }
  const found = certificateIn(certificate)
  if (found === undefined || !isKeyOf(found, area)) {
    throw keyFileInvalid(what, 'is not the one that its certificate is of')
  }
  // Written so that a time which is none is refused too.
  if (!(now >= new Date(found.validFrom) && now <= new Date(found.validTo))) {
    throw keyFileInvalid(what, `has a certificate for ${found.validFrom} to ${found.validTo}`)
  }
  const issuer = certificatesIn(authorities).find((one) => one.ca && isIssuedBy(found, one))
  if (issuer !== undefined) return
  throw keyFileInvalid(
    what,
    'has a certificate that none of those in --ek-ca has issued',
    'give the certificate that issued it: that of the intermediate authority, if there is one',
  )
}

function isKeyOf({ publicKey }: X509Certificate, area: PublicArea): boolean {
  const jwk = jwkOf(area)
  return jwk !== undefined && createPublicKey({ key: jwk, format: 'jwk' }).equals(publicKey)
}

/** Endorsement keys are RSA with the usual exponent, or ECC on P-256. Undefined for what is neither. */
function jwkOf(area: PublicArea): JsonWebKeyInput['key'] | undefined {
  const text = (bytes: Uint8Array, size: number) =>
    Buffer.from(bytes)
      .toString('hex')
      .padStart(2 * size, '0')
  const base64url = (bytes: Uint8Array, size = bytes.length) =>
    Buffer.from(text(bytes, size), 'hex').toString('base64url')
  if (area.type === TPM_ALG.RSA && area.exponent === 0) return { kty: 'RSA', n: base64url(area.unique), e: 'AQAB' }
  if (area.type !== TPM_ALG.ECC || area.curve !== TPM_ECC.NIST_P256) return undefined
  const { x, y } = area.unique
  // A TPM may drop leading zero bytes of a coordinate.
  return { kty: 'EC', crv: 'P-256', x: base64url(x, 32), y: base64url(y, 32) }
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

function certificateIn(der: Uint8Array): X509Certificate | undefined {
  try {
    const found = new X509Certificate(der)
    // Node reads the key in it when it is asked for, and throws where it cannot.
    return found.publicKey.type === 'public' ? found : undefined
  } catch {
    // OpenSSL's words add nothing.
    return undefined
  }
}

/** @throws ERR_KEY_FILE_INVALID where there is none */
function certificatesIn(pem: Uint8Array): readonly X509Certificate[] {
  const text = Buffer.from(pem).toString('latin1')
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const found = blocks.map((block) => certificateIn(Buffer.from(block)))
  const whole = found.filter((one) => one !== undefined)
  if (whole.length > 0 && whole.length === found.length) return whole
  throw keyFileInvalid('the file of --ek-ca', 'is not certificates in PEM')
}
