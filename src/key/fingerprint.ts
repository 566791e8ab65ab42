// The name of a public key. In: a SubjectPublicKeyInfo in DER (RFC 5280, section 4.1.2.7). Out: what a person compares and a
// device looks for.

/** SHA-256 in 64 lower-case hexadecimal digits. */
export function fingerprint(spki: Uint8Array): string {
  return process.getBuiltinModule('node:crypto').createHash('sha256').update(spki).digest('hex')
}
