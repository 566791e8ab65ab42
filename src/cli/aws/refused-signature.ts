// Tells what was signed where a signature is refused, for comparison with what the service says it computed. In: an HTTP
// client, the key, where to tell. Out: the same client, which tells the canonical request line by line (F-H03).
// The signature, which would still be good for minutes, and a session token are masked.

import type { HttpAnswer, HttpClient, OutgoingRequest } from '../../http/client.ts'
import type { DateKeySource } from '../../sigv4/date-key.ts'
import { headerForm } from '../../sigv4/header-form.ts'
import { UrlSplitter } from '../../sigv4/request.ts'
import { signingRules } from '../../sigv4/rules.ts'
import { signingMoment } from '../../sigv4/signing-moment.ts'

/** A client that hands on every answer as it is; `tell` gets one line at a time. */
export function tellingRefusals(http: HttpClient, keys: DateKeySource, tell: (line: string) => void): HttpClient {
  return {
    ...http,
    async send(request, options) {
      const answer = await http.send(request, options)
      if (isRefusedSignature(answer)) for (const line of signedLines(request, keys)) tell(line)
      return answer
    },
  }
}

function isRefusedSignature({ status, body }: HttpAnswer): boolean {
  return status === 403 && /<Code>(SignatureDoesNotMatch|InvalidSignature)/.test(Buffer.from(body).toString('latin1'))
}

/** The canonical request, made once more from what was sent. */
function signedLines({ method, url, headers, body }: OutgoingRequest, keys: DateKeySource): readonly string[] {
  const given = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  const authorization = given.get('authorization') ?? ''
  const [, region = '', service = '', names = ''] =
    /Credential=[^/]+\/\d{8}\/([^/]+)\/([^/]+)\/\w+, ?SignedHeaders=([^,]+)/.exec(authorization) ?? []
  const stamp = (given.get('x-amz-date') ?? '').replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5')
  const signed = names.split(';').flatMap((name): [string, string][] => {
    const value = given.get(name)
    return value === undefined ? [] : [[name, value]]
  })
  const rules = signingRules({ keys, region, service })
  const moment = signingMoment(Date.parse(stamp), rules)
  const form = headerForm({ method, url, headers: signed, body }, new UrlSplitter().split(url), moment, {}, rules)
  const lines = [...form.canonicalRequest.split('\n'), `Authorization: ${authorization}`]
  const masked = lines.map((line) => line.replace(/^(x-amz-security-token:).*|(Signature=)[0-9a-f]+/, '$1$2[secret]'))
  return masked.map((line) => `signed: ${line}`)
}
