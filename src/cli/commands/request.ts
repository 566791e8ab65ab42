// `hardkey request NAME METHOD URL`: one request signed by the device. Out: the body of the answer on standard output,
// byte for byte; status 1 unless the answer is 2xx.

import { HardkeyError } from '../../errors.ts'
import type { HttpAnswer } from '../../http/client.ts'
import type { SignedRequest } from '../../sigv4/header-form.ts'
import { sigV4Signer } from '../../sigv4/signer.ts'
import type { CommandContext } from '../command.ts'
import { withDateKeys } from '../date-keys.ts'
import { namedKey } from '../open-key.ts'
import { requestHeaders, requestScope } from '../request-scope.ts'
import { networkSettings } from '../settings.ts'
import { textOrFile } from '../text-or-file.ts'

/** The answer lies in memory until it is written; larger objects are for the tools that stream. */
const longestAnswer = 256 * 1024 * 1024

/** Sends the signed request, or with `--dry-run` prints it. */
export async function request(context: CommandContext): Promise<number> {
  const { output, report, args } = context
  const signed = await sign(context)
  if (args.has('dry-run')) {
    const { method, url, headers } = signed
    if (args.has('json')) output.json({ method, url, headers })
    else output.line([`${method} ${url}`, ...Object.entries(headers).map((pair) => pair.join(': '))].join('\n'))
    report.note('nothing was sent; the signature is good for some minutes')
    return 0
  }
  const answer = await send(context, signed)
  report.step(`HTTP ${answer.status}`)
  for (const [name, value] of Object.entries(answer.headers)) report.step(`${name}: ${value}`)
  output.write(answer.body)
  // A person reads what follows on a line of its own.
  if (output.isTerminal() && answer.body.length > 0 && answer.body.at(-1) !== 0x0a) output.write('\n')
  if (answer.status >= 200 && answer.status < 300) return 0
  report.failure(refused(answer))
  return 1
}

async function sign(context: CommandContext): Promise<SignedRequest> {
  const { args, now, report, signal } = context
  const url = args.word('URL')
  const named = await namedKey(context)
  const unsigned = {
    method: args.word('METHOD'),
    url,
    headers: requestHeaders(args),
    body: await textOrFile(args, 'body'),
  }
  const scope = await requestScope(context, named, unsigned)
  report.step(`sign for ${scope.service} in ${scope.region}`)
  return await withDateKeys(context, named, {
    prepare: async () => undefined,
    use: (keys) => {
      const unsignedPayload = args.has('unsigned-payload')
      return sigV4Signer({ keys, ...scope, now }).sign(unsigned, { unsignedPayload, signal })
    },
  })
}

async function send(context: CommandContext, signed: SignedRequest): Promise<HttpAnswer> {
  const { report, signal } = context
  const settings = await networkSettings(context)
  const http = (await import('../connection.ts')).connect(settings)
  try {
    return await report.waiting('the answer', http.send(signed, { signal, maxBytes: longestAnswer }))
  } finally {
    http.close()
  }
}

function refused({ status, headers }: HttpAnswer): HardkeyError {
  return new HardkeyError('ERR_STS_REFUSED', `the service answered with HTTP ${status}`, {
    status,
    hint: hintFor(status, headers.location),
    requestId: headers['x-amzn-requestid'] ?? headers['x-amz-request-id'],
  })
}

function hintFor(status: number, location: string | undefined): string | undefined {
  if (status === 403)
    return 'compare the access key ID, the region and the service (--verbose), then what the key may do'
  if (status < 300 || status >= 400) return undefined
  const target = location === undefined ? '' : `; it points to ${location}`
  return `redirects are not followed with a signed request${target}`
}
