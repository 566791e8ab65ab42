// A signature in the query: a presigned URL.
// In: a request in its parts, the time, the seconds the URL lives, the rules of the service. Out: the canonical request,
// and the URL once the signature is known. AWS Signature Version 4, "Add the signature to the request", query string;
// Amazon S3, "Authenticating requests: using query parameters".

import { HeaderList } from './canonical-headers.ts'
import { canonicalQuery, queryParameters, unsignedParameters } from './canonical-query.ts'
import { canonicalRequest } from './canonical-request.ts'
import { canonicalUri } from './canonical-uri.ts'
import { encode } from './encoding.ts'
import { bodyHash, chosenPayload, type PayloadChoice, unsignedPayloadText } from './payload.ts'
import { checkedMethod, type HttpRequest, type RequestUrl } from './request.ts'
import type { SigningRules } from './rules.ts'
import type { SigningMoment } from './signing-moment.ts'

/** What is signed, and what comes of it. */
export interface QueryForm {
  readonly canonicalRequest: string
  /** The URL with `signature` in hex. */
  complete(signature: string): string
}

/** @throws ERR_REQUEST_INVALID for a request that cannot be signed as it is */
export function queryForm(
  request: HttpRequest,
  url: RequestUrl,
  moment: SigningMoment,
  options: PayloadChoice & { readonly expiresIn: number },
  rules: SigningRules,
): QueryForm {
  const headers = HeaderList.read(request.headers)
  const payload = presignedPayload(request.body, options, headers.get('x-amz-content-sha256'), rules)
  headers.setHost(url.host)
  const { lines, signedHeaders } = headers.canonical()

  // Three runs of parameters, each in the order of names; the official vectors send the second behind the third.
  const payloadHash = payload.inQuery ? `&X-Amz-Content-Sha256=${payload.hash}` : ''
  const first = `X-Amz-Algorithm=${rules.algorithm}${payloadHash}&X-Amz-Credential=${moment.encodedCredential}&X-Amz-Date=${moment.time}`
  const expires = `&X-Amz-Expires=${options.expiresIn}`
  const token = rules.encodedSessionToken === undefined ? '' : `&X-Amz-Security-Token=${rules.encodedSessionToken}`
  const regions = rules.regionSet === undefined ? '' : `&X-Amz-Region-Set=${encode(rules.regionSet)}`
  const names = `&X-Amz-SignedHeaders=${encode(signedHeaders)}`
  const ours = `${first}${expires}${regions}${rules.unsignedSessionToken ? '' : token}${names}`
  return {
    canonicalRequest: canonicalRequest({
      method: checkedMethod(request.method),
      uri: canonicalUri(url.path, rules.pathRule),
      query: url.query === undefined ? ours : withCallers(url.query, ours),
      headerLines: lines,
      signedHeaders,
      payloadHash: payload.hash,
    }),
    complete(signature) {
      const joint = url.query === undefined ? '?' : url.query === '' || url.query.endsWith('&') ? '' : '&'
      return `${url.text}${joint}${first}${names}${expires}${token}${regions}&X-Amz-Signature=${signature}`
    },
  }
}

/** The caller's parameters and ours in one order. Ours are encoded already, and encoding once changes nothing in them. */
function withCallers(query: string, ours: string): string {
  return canonicalQuery([...unsignedParameters(query), ...queryParameters(ours)])
}

/**
 * S3 does not know the body of a presigned URL when it checks, so the payload is unsigned there by its own rule, unless
 * the caller binds the URL to a body: then the hash stands in the query. Other services hash the body as always.
 */
function presignedPayload(
  body: Uint8Array | string | undefined,
  options: PayloadChoice,
  header: string | undefined,
  rules: SigningRules,
): { readonly hash: string; readonly inQuery: boolean } {
  const chosen = chosenPayload(options, header)
  if (!rules.presignsUnsignedPayload) return { hash: chosen ?? bodyHash(body), inQuery: false }
  if (chosen === undefined && body === undefined) return { hash: unsignedPayloadText, inQuery: false }
  const hash = chosen ?? bodyHash(body)
  return { hash, inQuery: header === undefined && hash !== unsignedPayloadText }
}
