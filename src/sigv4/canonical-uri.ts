// The path of a request in canonical form: the second line of the canonical request.
// In: the path as it stands on the wire. Out: the path as the service computes it. AWS Signature Version 4, "Create a
// canonical request", CanonicalUri. S3 decodes and encodes the path once and keeps every segment, since a key may be
// called "a/../b"; all other services fold "." and ".." and empty segments away and encode what they received once more.

import { HardkeyError } from '../errors.ts'
import { encode, encodeOnce } from './encoding.ts'

/** `s3`: encoded once, no segment folded. `standard`: folded, and what is encoded already is encoded again. */
export type PathRule = 's3' | 'standard'

/** @throws ERR_REQUEST_INVALID for half of a surrogate pair, and under the S3 rule for a bare "+" */
export function canonicalUri(path: string, rule: PathRule): string {
  if (path === '' || path === '/') return '/'
  return rule === 's3' ? s3Uri(path) : standardUri(path)
}

function s3Uri(path: string): string {
  if (/^[A-Za-z0-9._~/-]*$/.test(path)) return path
  if (path.includes('+')) {
    // S3 itself reads it as a space, MinIO and Ceph as a plus; no form of the path suits both.
    throw new HardkeyError('ERR_REQUEST_INVALID', 'the path has a bare "+", which stores read in two ways', {
      hint: 'write %2B for a plus, %20 for a space',
    })
  }
  // An encoded slash is a slash to S3 once it has decoded the path.
  return path
    .split(/\/|%2F/i)
    .map(encodeOnce)
    .join('/')
}

function standardUri(path: string): string {
  // No empty segment, none that starts with a dot, nothing to encode: the path is canonical as it stands.
  if (/^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+\/?$/.test(path)) return path
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue
    if (segment === '..') segments.pop()
    else segments.push(encode(segment))
  }
  if (segments.length === 0) return '/'
  return `/${segments.join('/')}${path.endsWith('/') ? '/' : ''}`
}
