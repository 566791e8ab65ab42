// The texts that a signature is made over, without the signature. In: a request, or a URL that was presigned. Out:
// canonical request, string to sign, scope; a session token in them is masked.

import { HardkeyError } from '../../errors.ts'
import { HeaderList, type RequestHeaders } from '../../sigv4/canonical-headers.ts'
import { canonicalQuery, queryParameters } from '../../sigv4/canonical-query.ts'
import { canonicalRequest } from '../../sigv4/canonical-request.ts'
import { canonicalUri } from '../../sigv4/canonical-uri.ts'
import { headerForm } from '../../sigv4/header-form.ts'
import { emptyHash, type PayloadChoice } from '../../sigv4/payload.ts'
import { checkedMethod, type HttpRequest, UrlSplitter, webSocketAsHttp } from '../../sigv4/request.ts'
import { signingRules } from '../../sigv4/rules.ts'
import { signingMoment } from '../../sigv4/signing-moment.ts'
import { stringToSign } from '../../sigv4/string-to-sign.ts'

export interface SignedText {
  readonly canonicalRequest: string
  readonly stringToSign: string
  /** The credential scope. */
  readonly scope: string
}

/** What `sign` would sign. @throws ERR_REQUEST_INVALID for a request that cannot be signed */
export function explained(
  request: HttpRequest,
  { accessKeyId, region, service }: { readonly accessKeyId: string; readonly region: string; readonly service: string },
  date: Date,
  payload: PayloadChoice,
): SignedText {
  const rules = signingRules({ keys: { accessKeyId, dateKey: noKey }, region, service })
  const moment = signingMoment(date.getTime(), rules)
  const form = headerForm(request, new UrlSplitter().split(request.url), moment, payload, rules)
  return masked({
    canonicalRequest: form.canonicalRequest,
    stringToSign: stringToSign(moment, form.canonicalRequest),
    scope: moment.scope,
  })
}

/** Nothing is signed here. */
function noKey(): never {
  throw new Error('explain asks for no key')
}

/** What was signed for a presigned URL; undefined for a URL that carries no signature. @throws ERR_REQUEST_INVALID */
export function presignedParts({
  method,
  url,
  headers,
}: {
  readonly method: string
  readonly url: string
  readonly headers: RequestHeaders
}): SignedText | undefined {
  const split = new UrlSplitter().split(webSocketAsHttp(url))
  const parameters = queryParameters(split.query ?? '')
  const value = (name: string): string =>
    decoded(parameters.find((parameter) => parameter.name.toLowerCase() === name)?.value ?? '')
  if (value('x-amz-signature') === '') return undefined
  const [, scope, date = '', service = ''] = presignedScope.exec(value('x-amz-credential')) ?? []
  const [time, signedHeaders] = [value('x-amz-date'), value('x-amz-signedheaders')]
  if (scope === undefined || !/^\d{8}T\d{6}Z$/.test(time) || !/^[a-z0-9!#$%&'*+.^_`|~;-]+$/.test(signedHeaders)) {
    throw new HardkeyError('ERR_REQUEST_INVALID', 'the URL was not presigned with Signature Version 4', {
      hint: 'X-Amz-Credential, X-Amz-Date or X-Amz-SignedHeaders is missing or has another form',
    })
  }
  const given = HeaderList.read(headers)
  given.setHost(split.host)
  const [, region = ''] = scope.split('/')
  const isS3 = signingRules({ keys: { accessKeyId: '', dateKey: noKey }, region, service }).presignsUnsignedPayload
  const text = canonicalRequest({
    method: checkedMethod(method),
    uri: canonicalUri(split.path, isS3 ? 's3' : 'standard'),
    query: canonicalQuery(parameters.filter(({ name }) => name.toLowerCase() !== 'x-amz-signature')),
    headerLines: signedHeaders
      .split(';')
      .map((name) => `${name}:${given.get(name) ?? ''}\n`)
      .join(''),
    signedHeaders,
    payloadHash: value('x-amz-content-sha256') || (isS3 ? 'UNSIGNED-PAYLOAD' : emptyHash),
  })
  return masked({
    canonicalRequest: text,
    stringToSign: stringToSign({ time, date, scope, credential: '', encodedCredential: '' }, text),
    scope,
  })
}

/** Access key ID, and the scope, of which the date and the service are looked at. */
const presignedScope = /^[^/]*\/((\d{8})\/[a-z0-9._-]+\/([a-z0-9._-]+)\/\w+)$/

/** Parameters may hold any bytes; what is not UTF-8 is none of ours. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch (cause) {
    throw new HardkeyError('ERR_REQUEST_INVALID', 'a parameter of the URL is not UTF-8', { cause })
  }
}

function masked(text: SignedText): SignedText {
  const shown = text.canonicalRequest.replace(/(x-amz-security-token[:=])[^&\n]*/gi, '$1[secret]')
  return { ...text, canonicalRequest: shown }
}
