// Which certificates are trusted, and which one is shown. In: PEM certificates of private CAs, maybe a client certificate.
// Out: a TLS context with them and Node's own roots (or without those roots, where a service's own CA alone shall do),
// TLS 1.2 at least (SECURITY.md, someone on the network). There is no way to switch verification off, NODE_TLS_REJECT_UNAUTHORIZED included:
// connection.ts asks for it on each connection.

import { X509Certificate } from 'node:crypto'
import { createSecureContext, rootCertificates, type SecureContext, type SecureContextOptions } from 'node:tls'
import { HardkeyError } from '../errors.ts'

const certificateForm = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]+-----END (?:TRUSTED )?CERTIFICATE-----/g

/** A certificate (with its chain) and its private key, PEM, that a client shows to the server. */
export interface ClientCertificate {
  readonly cert: string | Uint8Array
  readonly key: string | Uint8Array
}

/** Certificates, PEM; from a file with its name, for messages. */
export type CaBundle = string | Uint8Array | { readonly pem: Uint8Array; readonly name: string }

/** What a client trusts and shows. */
export interface TrustOptions {
  readonly ca: readonly string[]
  /** The certificates of `ca` and no other. */
  readonly onlyCa?: boolean | undefined
  readonly clientCertificate?: ClientCertificate | undefined
}

/**
 * The context for every connection of a client: Node's default, NODE_EXTRA_CA_CERTS included, and the certificates of `ca`.
 * @throws ERR_CONFIG_INVALID where certificate and key of the client cannot be read or do not belong together
 */
export function trustContext({ ca, onlyCa, clientCertificate }: TrustOptions): SecureContext {
  const minVersion = 'TLSv1.2'
  if (onlyCa === true) return contextOf({ minVersion, ca: [...ca], ...shown(clientCertificate) })
  const trust = contextOf({ minVersion, ...shown(clientCertificate) })
  const native: unknown = trust.context
  if (!takesCertificates(native)) {
    return contextOf({ minVersion, ca: [...rootCertificates, ...ca], ...shown(clientCertificate) })
  }
  for (const certificate of ca) native.addCACert(certificate)
  return trust
}

function shown(certificate: ClientCertificate | undefined): Pick<SecureContextOptions, 'cert' | 'key'> {
  if (certificate === undefined) return {}
  // Node's types want its own Buffer; a view of the same bytes is one.
  return { cert: nodeBytes(certificate.cert), key: nodeBytes(certificate.key) }
}

function nodeBytes(pem: string | Uint8Array): string | Buffer {
  return typeof pem === 'string' ? pem : Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength)
}

function contextOf(options: SecureContextOptions): SecureContext {
  try {
    return createSecureContext(options)
  } catch {
    // OpenSSL's words may quote what it could not read, and that may be the key.
    throw new HardkeyError('ERR_CONFIG_INVALID', 'the client certificate and its key cannot be used together', {
      hint: 'both are PEM, the key is not encrypted, and it is the key of the first certificate',
    })
  }
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
export function readCertificates(bundles: readonly CaBundle[]): string[] {
  return bundles.flatMap(readBundle)
}

function readBundle(bundle: CaBundle, index: number): string[] {
  const { pem, name } =
    typeof bundle === 'string' || bundle instanceof Uint8Array
      ? { pem: bundle, name: `CA bundle ${index + 1}` }
      : bundle
  const text = typeof pem === 'string' ? pem : Buffer.from(pem).toString('latin1')
  const certificates = text.match(certificateForm) ?? []
  if (certificates.length === 0) {
    throw new HardkeyError('ERR_CONFIG_INVALID', `${name} holds no PEM certificate`, {
      hint: 'a certificate begins with -----BEGIN CERTIFICATE-----',
    })
  }
  for (const [position, certificate] of certificates.entries())
    mustBeReadable(certificate, `certificate ${position + 1} of ${name}`)
  return certificates
}

function mustBeReadable(certificate: string, which: string): void {
  try {
    new X509Certificate(certificate)
  } catch (error) {
    throw new HardkeyError('ERR_CONFIG_INVALID', `${which} cannot be read`, { cause: error })
  }
}
