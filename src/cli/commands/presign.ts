// `hardkey presign NAME URL`: a URL with its signature in the query, good until it expires.
// Nothing is sent.

import { sigV4Signer } from '../../sigv4/signer.ts'
import type { CommandContext } from '../command.ts'
import { withDateKeys } from '../device/date-keys.ts'
import { namedKey, tellUserSigns } from '../device/open-key.ts'
import { requestHeaders, requestScope } from '../request/request-scope.ts'
import { requestUrl } from '../request/request-url.ts'
import { durationOption } from '../settings/durations.ts'

const defaultSeconds = 3600

/** Prints the URL. */
export async function presign(context: CommandContext): Promise<number> {
  const { args, now, output, report, signal } = context
  const named = await namedKey(context)
  tellUserSigns(context, named)
  const expiresIn = lifeOption(context)
  const { url } = await requestUrl(context, named)
  const headers = requestHeaders(args)
  const method = args.value('method') ?? 'GET'
  // S3 is what presigned URLs are made for; a host that is not AWS's is a store that speaks S3.
  const scope = await requestScope(context, named, { method, url }, 's3')
  report.step(`sign for ${scope.service} in ${scope.region}`)
  const { link, expires } = await withDateKeys(context, named, {
    scope,
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
  const until = `${expires.toISOString().slice(0, 19)}Z`
  report.note(`the URL ends at ${until}; deactivating the access key ${named.accessKeyId} ends it sooner`)
  return 0
}

/** Seconds of `--expires TIME` or, as in the AWS CLI, `--expires-in SECONDS`. @throws ERR_USAGE outside 1 s to 7 days */
function lifeOption({ args }: CommandContext): number {
  const [expires, expiresIn] = [durationOption(args, 'expires'), durationOption(args, 'expires-in')]
  if (expires !== undefined && expiresIn !== undefined) throw args.wrong('--expires and --expires-in say the same')
  const name = expiresIn === undefined ? '--expires' : '--expires-in'
  const seconds = expires ?? expiresIn ?? defaultSeconds
  if (seconds < 1 || seconds > 604_800) throw args.wrong(`${name} is not between 1 second and 7 days`)
  return seconds
}
