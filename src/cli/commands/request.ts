// `hardkey request NAME METHOD URL`: one request signed by the device. Out: the body of the answer on standard output,
// byte for byte, as it comes; status 1 unless the answer is 2xx. Neither body is held in memory.

import { HardkeyError } from '../../errors.ts'
import type { HttpClient, StreamedAnswer, StreamedRequest } from '../../http/client.ts'
import { sigV4Signer } from '../../sigv4/signer.ts'
import type { CommandContext } from '../command.ts'
import { withDateKeys } from '../device/date-keys.ts'
import { namedKey, tellUserSigns } from '../device/open-key.ts'
import { requestHeaders, requestScope } from '../request/request-scope.ts'
import { requestUrl } from '../request/request-url.ts'
import { checkedPayload, checkLength, signUpload } from '../request/sign-upload.ts'
import { type Upload, upload } from '../request/upload.ts'
import { networkSettings } from '../settings/settings.ts'

/** Of an answer that refuses: as much is looked at for the reason. */
const lookedAt = 65_536

/** Sends the signed request, or with `--dry-run` prints it. */
export async function request(context: CommandContext): Promise<number> {
  const { args, now, report } = context
  const named = await namedKey(context)
  tellUserSigns(context, named)
  const { url, service } = await requestUrl(context, named)
  const method = args.word('METHOD')
  const headers = requestHeaders(args)
  const body = await upload(context)
  checkLength(args, body)
  const scope = await requestScope(context, named, { method, url }, service)
  const payload = await checkedPayload(context, body, scope.service)
  report.step(`sign for ${scope.service} in ${scope.region}`)
  return await withDateKeys(context, named, {
    scope,
    prepare: async () => (args.has('dry-run') ? undefined : await connected(context)),
    use: async (keys, http) => {
      const signer = sigV4Signer({ keys, ...scope, now })
      const signed = await signUpload(context, signer, { method, url, headers }, body, payload)
      if (http === undefined) return show(context, signed)
      return await answered(context, await send(context, http, signed, body), url)
    },
  })
}

async function connected(context: CommandContext): Promise<HttpClient> {
  const settings = await networkSettings(context)
  return (await import('../aws/connection.ts')).connect(settings, context.args.has('allow-http'))
}

function show({ args, output, report }: CommandContext, { method, url, headers }: StreamedRequest): number {
  if (args.has('json')) output.json({ method, url, headers })
  else output.line([`${method} ${url}`, ...Object.entries(headers).map((pair) => pair.join(': '))].join('\n'))
  report.note('nothing was sent; the signature is good for some minutes')
  return 0
}

async function send(
  { report, signal }: CommandContext,
  http: HttpClient,
  signed: StreamedRequest,
  body: Upload,
): Promise<StreamedAnswer> {
  if (http.stream === undefined) throw new HardkeyError('ERR_INTERNAL', 'the HTTP client does not stream')
  if (body.kind === 'bytes') return await report.waiting('the answer', http.stream(signed, { signal }))
  const counter = report.counting('sent', body.kind === 'file' ? body.length : undefined)
  async function* counted(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      counter.add(piece.length)
      yield piece
    }
  }
  try {
    const sent = signed.body
    const isStream = typeof sent === 'object' && !(sent instanceof Uint8Array)
    return await http.stream(isStream ? { ...signed, body: counted(sent) } : signed, { signal })
  } finally {
    counter.end()
  }
}

/** Writes the body of the answer; the exit status. */
async function answered({ output, report }: CommandContext, answer: StreamedAnswer, url: string): Promise<number> {
  report.step(`HTTP ${answer.status}`)
  for (const [name, value] of Object.entries(answer.headers)) report.step(`${name}: ${value}`)
  const isFine = answer.status >= 200 && answer.status < 300
  const isShown = output.isTerminal()
  const total = Number(answer.headers['content-length'] ?? Number.NaN) || undefined
  // What is shown itself needs no count.
  const counter = isShown ? undefined : report.counting('received', total)
  let last: number | undefined
  let reason = ''
  try {
    for await (const piece of answer.body) {
      counter?.add(piece.length)
      output.write(piece)
      last = piece.at(-1) ?? last
      if (!isFine && reason.length < lookedAt) reason += Buffer.from(piece).toString('latin1')
    }
  } finally {
    counter?.end()
  }
  // A person reads what follows on a line of its own.
  if (isShown && last !== undefined && last !== 0x0a) output.write('\n')
  if (isFine) return 0
  report.failure(refused(answer, reason, url))
  return 1
}

function refused({ status, headers }: StreamedAnswer, reason: string, url: string): HardkeyError {
  return new HardkeyError('ERR_STS_REFUSED', `the service answered with HTTP ${status}`, {
    status,
    hint: hintFor(status, headers.location, reason, url),
    requestId: headers['x-amzn-requestid'] ?? headers['x-amz-request-id'],
  })
}

function hintFor(status: number, location: string | undefined, reason: string, url: string): string | undefined {
  if (/<Code>SignatureDoesNotMatch</.test(reason) && reason.includes('<CanonicalRequest>')) {
    return `keep the answer in a file and compare what was signed: hardkey explain NAME METHOD ${url} --answer @FILE`
  }
  if (status === 403)
    return 'compare the access key ID, the region and the service (--verbose), then what the key may do'
  if (status < 300 || status >= 400) return undefined
  const target = location === undefined ? '' : `; it points to ${location}`
  return `redirects are not followed with a signed request${target}`
}
