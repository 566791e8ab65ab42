// Which certificates are trusted. In: PEM certificates of private CAs. Out: a TLS context with them and Node's own roots,
// TLS 1.2 at least (SECURITY.md, someone on the network). There is no way to switch verification off, NODE_TLS_REJECT_UNAUTHORIZED included:
// connection.ts asks for it on each connection.

import { X509Certificate } from 'node:crypto'
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls'
import { HardkeyError } from '../errors.ts'

const certificateForm = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]+-----END (?:TRUSTED )?CERTIFICATE-----/g

/** The context for every connection of a client: Node's default, NODE_EXTRA_CA_CERTS included, and the certificates of `ca`. */
export function trustContext(ca: readonly string[]): SecureContext {
  const minVersion = 'TLSv1.2'
  const trust = createSecureContext({ minVersion })
  const native: unknown = trust.context
  if (!takesCertificates(native)) return createSecureContext({ minVersion, ca: [...rootCertificates, ...ca] })
  for (const certificate of ca) native.addCACert(certificate)
  return trust
}

// The documented `ca` option replaces the roots, and naming them again has Node read them all: 130 ms on Node 20, 20 on 26.
// What stands behind a context takes one more certificate in 1 ms; Node itself calls it for `ca`.
function takesCertificates(native: unknown): native is { addCACert(pem: string): void } {
  return typeof native === 'object' && native !== null && typeof Reflect.get(native, 'addCACert') === 'function'
}

/**
 * The certificates of PEM bundles, one text each; what stands between them is passed over.
 * @throws ERR_CONFIG_INVALID where a bundle holds no certificate, or one that cannot be read: OpenSSL would go on without it
 */
export function readCertificates(bundles: readonly (string | Uint8Array)[]): string[] {
  return bundles.flatMap(readBundle)
}

function readBundle(pem: string | Uint8Array, index: number): string[] {
  const text = typeof pem === 'string' ? pem : Buffer.from(pem).toString('latin1')
  const certificates = text.match(certificateForm) ?? []
  if (certificates.length === 0) {
    throw new HardkeyError('ERR_CONFIG_INVALID', `CA bundle ${index + 1} holds no PEM certificate`)
  }
  for (const [position, certificate] of certificates.entries()) mustBeReadable(certificate, position)
  return certificates
}

function mustBeReadable(certificate: string, position: number): void {
  try {
    new X509Certificate(certificate)
  } catch (error) {
    const message = `certificate ${position + 1} of the CA bundle cannot be read`
    throw new HardkeyError('ERR_CONFIG_INVALID', message, { cause: error })
  }
}
