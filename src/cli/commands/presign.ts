// `hardkey presign NAME URL`: a URL with its signature in the query, good until it expires.
// Nothing is sent.

import { sigV4Signer } from '../../sigv4/signer.ts'
import type { CommandContext } from '../command.ts'
import { withDateKeys } from '../date-keys.ts'
import { durationOption } from '../durations.ts'
import { namedKey } from '../open-key.ts'
import { requestHeaders, requestScope } from '../request-scope.ts'

const defaultSeconds = 3600

/** Prints the URL. */
export async function presign(context: CommandContext): Promise<number> {
  const { args, now, output, report, signal } = context
  const url = args.word('URL')
  const named = await namedKey(context)
  const expiresIn = durationOption(args, 'expires') ?? defaultSeconds
  if (expiresIn < 1 || expiresIn > 604_800) throw args.wrong('--expires is not between 1 second and 7 days')
  const headers = requestHeaders(args)
  const method = args.value('method') ?? 'GET'
  // S3 is what presigned URLs are made for; a host that is not AWS's is a store that speaks S3.
  const scope = await requestScope(context, named, { method, url }, 's3')
  report.step(`sign for ${scope.service} in ${scope.region}`)
  const { link, expires } = await withDateKeys(context, named, {
    prepare: async () => undefined,
    use: async (keys) => {
      // Counted from here: a person may have typed the PIN for a while.
      const date = now()
      const signer = sigV4Signer({ keys, ...scope, now })
      const expires = new Date(date.getTime() + expiresIn * 1000)
      return { link: await signer.presign({ method, url, headers }, { date, expiresIn, signal }), expires }
    },
  })
  if (args.has('json')) output.json({ method, url: link, expires })
  else output.line(link)
  return 0
}
