// From a failed connection to the one error class. In: who was asked, and Node's error. Out: a HardkeyError that names the
// host and the cause and says whether another try can help. The word of the system is kept as serviceCode.

import { HardkeyError } from '../errors.ts'

const systemCauses: Readonly<Record<string, (where: string) => string>> = {
  ENOENT: (where) => `${where} is not there`,
  EACCES: (where) => `${where} may not be opened by this user`,
  ENOTFOUND: (where) => `the name of ${where} was not found`,
  EAI_AGAIN: (where) => `no name server answered for ${where}`,
  ECONNREFUSED: (where) => `${where} refused the connection`,
  ECONNRESET: (where) => `the connection to ${where} was cut`,
  EPIPE: (where) => `the connection to ${where} was cut`,
  ENETUNREACH: (where) => `there is no route to ${where}`,
  EHOSTUNREACH: (where) => `there is no route to ${where}`,
  EADDRNOTAVAIL: (where) => `there is no route to ${where}`,
  ETIMEDOUT: (where) => `${where} did not answer`,
}

const hints: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: 'what answers there speaks no TLS: check the port, or write http:// for this machine',
  ENOTFOUND: 'check the region or the endpoint that the name was made of, and the name servers',
  ECONNREFUSED: 'check host and port, and whether a proxy is needed',
}

/** X.509 and TLS failures in words: the code of Node's error, from OpenSSL's X509_V_ERR_ names. */
const certificateCauses: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  CERT_REVOKED: 'its certificate was revoked',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  CERT_SIGNATURE_FAILURE: 'its certificate was not signed by the root that it names',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate comes from an unknown root',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate comes from an unknown root',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate comes from an unknown root',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate comes from an unknown root',
}

const unknownRootHint = 'if it belongs to a private CA or to a proxy that opens TLS, add that CA: ca, or AWS_CA_BUNDLE'
const clockHint = 'check the clock of this machine'

/** The host could not be reached, or the connection broke: ERR_STS_UNREACHABLE, which may be tried again. */
export function connectionFailure(where: string, error: unknown): HardkeyError {
  if (error instanceof HardkeyError) return error
  const code = codeOf(error)
  if (code !== undefined && /^(ERR_SSL_|ERR_TLS_)/.test(code)) return tlsFailure(where, error)
  const cause = systemCauses[code ?? '']
  return new HardkeyError(
    'ERR_STS_UNREACHABLE',
    cause?.(where) ?? `the connection to ${where} failed: ${code ?? error}`,
    {
      cause: error,
      serviceCode: code,
      hint: hints[code ?? ''],
    },
  )
}

/**
 * TLS was refused: ERR_STS_UNREACHABLE that no other try mends. A connection that broke during the handshake is no refusal
 * and may be tried again.
 */
export function tlsFailure(where: string, error: unknown): HardkeyError {
  const code = codeOf(error)
  if (code !== undefined && code in systemCauses) return connectionFailure(where, error)
  const cause = certificateCauses[code ?? '']
  const unknownRoot = cause === certificateCauses.SELF_SIGNED_CERT_IN_CHAIN || code === 'DEPTH_ZERO_SELF_SIGNED_CERT'
  const offTime = code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID'
  return new HardkeyError(
    'ERR_STS_UNREACHABLE',
    `no trusted TLS connection to ${where}: ${cause ?? code ?? 'the handshake failed'}`,
    {
      cause: error,
      serviceCode: code,
      tryAgain: false,
      hint: unknownRoot ? unknownRootHint : offTime ? clockHint : hints[code ?? ''],
    },
  )
}

/** What came is not an answer in HTTP/1.1, or is too long: ERR_STS_RESPONSE_INVALID. */
export function answerFailure(where: string, what: string, serviceCode?: string): HardkeyError {
  return new HardkeyError('ERR_STS_RESPONSE_INVALID', `the answer of ${where} ${what}`, { serviceCode })
}

/** A failure while the request was under way; Node's parser reports with HPE_ codes. */
export function exchangeFailure(where: string, error: unknown): HardkeyError {
  const code = codeOf(error)
  if (code === 'HPE_HEADER_OVERFLOW') return answerFailure(where, 'has more than 16 KiB of headers', code)
  // The parser's error carries the raw answer, which may hold credentials: it is no cause to keep.
  if (code?.startsWith('HPE_') === true) return answerFailure(where, 'is not HTTP/1.1', code)
  return connectionFailure(where, error)
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
