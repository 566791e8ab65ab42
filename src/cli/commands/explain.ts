// `hardkey explain NAME METHOD URL`: what is signed for a request, line by line. Out: canonical request, string to sign,
// scope; with `--answer` the first line in which the service's differs. No device is asked, nothing is sent, and no
// signature is made or shown. AWS Signature Version 4, "Create a canonical request" and "Create a string to sign".

import type { CommandContext } from '../command.ts'
import { namedKey } from '../device/open-key.ts'
import { firstDifference, type ServiceView, serviceView } from '../request/explain-answer.ts'
import { explained, presignedParts, type SignedText } from '../request/explain-request.ts'
import { requestHeaders, requestScope } from '../request/request-scope.ts'
import { requestUrl } from '../request/request-url.ts'
import { checkedPayload, withLength } from '../request/sign-upload.ts'
import { textOrFile } from '../request/text-or-file.ts'
import { upload } from '../request/upload.ts'

/** Prints what is signed; status 1 where the service signed something else. */
export async function explain(context: CommandContext): Promise<number> {
  const { args, output } = context
  const answer = await textOrFile(args, 'answer')
  const view = answer === undefined ? undefined : serviceView(Buffer.from(answer).toString('utf8'))
  if (answer !== undefined && view === undefined) {
    throw args.wrong(
      '--answer holds no SignatureDoesNotMatch of S3 or STS',
      'give the whole body that the service answered',
    )
  }
  const signed = await signedText(context, view)
  const difference = view === undefined ? undefined : firstDifference(signed, view)
  if (args.has('json')) output.json({ ...signed, ...(view === undefined ? {} : { difference: difference ?? null }) })
  else output.line(asText(signed, view, difference))
  return difference === undefined ? 0 : 1
}

async function signedText(context: CommandContext, view: ServiceView | undefined): Promise<SignedText> {
  const { args, now } = context
  const named = await namedKey(context)
  const { url, service } = await requestUrl(context, named)
  const method = args.word('METHOD')
  const request = { method, url, headers: requestHeaders(args) }
  const presigned = presignedParts(request)
  if (presigned !== undefined) return presigned
  if (args.value('checksum') !== undefined) {
    throw args.wrong('explain does not take --checksum: a body in chunks has many signatures')
  }
  const body = await upload(context)
  const scope = await requestScope(context, named, { method, url }, service)
  const payload = await checkedPayload(context, body, scope.service)
  const bytes = body.kind === 'bytes' ? body.bytes : undefined
  // The service's own text tells the time of the request that it refused.
  const date = view?.date ?? now()
  const headers = withLength(request.headers, body)
  return explained({ ...request, headers, body: bytes }, { accessKeyId: named.accessKeyId, ...scope }, date, payload)
}

function asText(signed: SignedText, view: ServiceView | undefined, difference: string | undefined): string {
  const parts = [
    `canonical request:\n${signed.canonicalRequest}`,
    `string to sign:\n${signed.stringToSign}`,
    `scope:\n${signed.scope}`,
  ]
  if (view !== undefined) parts.push(`difference:\n${difference ?? sameText}`)
  return parts.join('\n\n')
}

const sameText =
  'none: the service signed the same text, so the key is another one: compare the access key ID with the secret that checked in'
