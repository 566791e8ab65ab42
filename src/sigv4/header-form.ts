// A signature in the Authorization header.
// In: a request in its parts, the time, the rules of the service. Out: the canonical request, and the request as it is
// sent once the signature is known. AWS Signature Version 4, "Add the signature to the request", Authorization header.

import { HeaderList } from './canonical-headers.ts'
import { canonicalQuery, unsignedParameters } from './canonical-query.ts'
import { canonicalRequest } from './canonical-request.ts'
import { canonicalUri } from './canonical-uri.ts'
import { bodyHash, chosenPayload, type PayloadChoice, unsignedPayloadText } from './payload.ts'
import { checkedMethod, type HttpRequest, type RequestUrl } from './request.ts'
import type { SigningRules } from './rules.ts'
import type { SigningMoment } from './signing-moment.ts'

/** A request that is ready to be sent as it is: its headers carry the signature. */
export interface SignedRequest {
  readonly method: string
  /** The URL that was given, unchanged. */
  readonly url: string
  /** The headers that were given and those of the signature, by the names as given. Host is left to the client that sends. */
  readonly headers: Record<string, string>
  /** The body that was given. */
  readonly body?: Uint8Array | string
}

/** What is signed, and what comes of it. */
export interface HeaderForm {
  readonly canonicalRequest: string
  /** The request with `signature` in hex. */
  complete(signature: string): SignedRequest
}

/** @throws ERR_REQUEST_INVALID for a request that cannot be signed as it is */
export function headerForm(
  request: HttpRequest,
  url: RequestUrl,
  moment: SigningMoment,
  options: PayloadChoice,
  rules: SigningRules,
): HeaderForm {
  const { body } = request
  const method = checkedMethod(request.method)
  const headers = HeaderList.read(request.headers)
  const payloadHeader = headers.get('x-amz-content-sha256')
  const payloadHash = chosenPayload(options, payloadHeader) ?? bodyHash(body)

  if (rules.sessionToken !== undefined) {
    headers.set('x-amz-security-token', 'X-Amz-Security-Token', rules.sessionToken, !rules.unsignedSessionToken)
  }
  headers.set('x-amz-date', 'X-Amz-Date', moment.time)
  if (rules.regionSet !== undefined) headers.set('x-amz-region-set', 'X-Amz-Region-Set', rules.regionSet)
  if (payloadHeader === undefined && (rules.payloadHashHeader || payloadHash === unsignedPayloadText)) {
    headers.set('x-amz-content-sha256', 'x-amz-content-sha256', payloadHash)
  }
  headers.setHost(url.host)

  const { lines, signedHeaders } = headers.canonical()
  return {
    canonicalRequest: canonicalRequest({
      method,
      uri: canonicalUri(url.path, rules.pathRule),
      query: url.query === undefined ? '' : canonicalQuery(unsignedParameters(url.query)),
      headerLines: lines,
      signedHeaders,
      payloadHash,
    }),
    complete(signature) {
      const { sent } = headers
      sent.Authorization = `${rules.algorithm} Credential=${moment.credential}, SignedHeaders=${signedHeaders}, Signature=${signature}`
      return body === undefined
        ? { method, url: url.text, headers: sent }
        : { method, url: url.text, headers: sent, body }
    },
  }
}
