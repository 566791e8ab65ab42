// Where a request goes. In: the word URL (http, https, or s3://BUCKET/KEY), --query, --endpoint-url. Out: the URL as it is
// signed. Amazon S3 User Guide, "Virtual hosting of buckets" and "Path-style requests".
// 1. A key in s3://BUCKET/KEY is the key itself, as in the AWS CLI: nothing in it is encoded yet.
// 2. At an endpoint that is given the bucket stands in the path; at AWS in the host, where TLS allows it.

import { HardkeyError } from '../../errors.ts'
import { isThisMachine, readTarget } from '../../http/target.ts'
import { encode } from '../../sigv4/encoding.ts'
import { UrlSplitter, webSocketAsHttp } from '../../sigv4/request.ts'
import { partitionOfRegion } from '../../sts/partitions.ts'
import type { CommandContext } from '../command.ts'
import type { NamedKey } from '../device/open-key.ts'
import { regionSetting, s3EndpointSetting } from '../settings/settings.ts'

export interface RequestUrlAndService {
  readonly url: string
  /** `s3` where the word said so. */
  readonly service: string | undefined
}

/**
 * @throws ERR_USAGE for a query or bucket that is none; ERR_CONFIG_INVALID for plain http that was not allowed;
 * ERR_REQUEST_INVALID for a URL that no client sends as it is
 */
export async function requestUrl(context: CommandContext, named: NamedKey): Promise<RequestUrlAndService> {
  const { args } = context
  const word = args.word('URL')
  const isS3 = /^s3:/i.test(word)
  if (!isS3 && args.value('endpoint-url') !== undefined) {
    throw args.wrong('--endpoint-url goes with s3://BUCKET/KEY', 'a URL says itself where it goes')
  }
  const url = withQuery(context, isS3 ? await s3Url(context, named, word) : word)
  allowPlainHttp(context, url)
  // What no client sends as it is would be signed in vain.
  readTarget(new UrlSplitter().split(webSocketAsHttp(url)).text)
  return { url, service: isS3 || isAtStore(url, named) ? 's3' : undefined }
}

/** The endpoint of a record that is of a store. */
function isAtStore(url: string, { settings: { store, endpointUrl } }: NamedKey): boolean {
  return store === 's3' && endpointUrl !== undefined && `${url}/`.startsWith(`${endpointUrl.replace(/\/+$/, '')}/`)
}

/**
 * Lets https and this machine pass, plain http to another one with --allow-http, each time with a warning.
 *
 * @throws ERR_CONFIG_INVALID; ERR_REQUEST_INVALID for a URL that is none
 */
export function allowPlainHttp({ args, report }: CommandContext, url: string): void {
  const { host, text } = new UrlSplitter().split(webSocketAsHttp(url))
  if (!/^http:/i.test(text)) return
  if (isThisMachine(host.replace(/:[0-9]+$/, ''))) return
  if (!args.has('allow-http')) {
    throw new HardkeyError('ERR_CONFIG_INVALID', `http://${host} is not encrypted`, {
      hint: 'use https; for a store without it in a network that you trust: --allow-http',
    })
  }
  report.warning(
    `http://${host} is not encrypted: whoever is on the way can read what passes, and use a URL until it ends`,
  )
}

function withQuery({ args }: CommandContext, url: string): string {
  const pairs = args.values('query').map((pair) => {
    const at = pair.indexOf('=')
    if (at === 0) throw args.wrong('--query needs NAME=VALUE')
    return at < 0 ? encode(pair) : `${encode(pair.slice(0, at))}=${encode(pair.slice(at + 1))}`
  })
  if (pairs.length === 0) return url
  const joint = !url.includes('?') ? '?' : /[?&]$/.test(url) ? '' : '&'
  return `${url}${joint}${pairs.join('&')}`
}

async function s3Url(context: CommandContext, named: NamedKey, word: string): Promise<string> {
  const { args } = context
  const [, bucket, key = ''] = /^s3:\/\/([^/]*)(?:\/(.*))?$/is.exec(word) ?? []
  if (bucket === undefined || !/^(?:[a-z0-9][a-z0-9._-]{1,62})?$/i.test(bucket) || (bucket === '' && key !== '')) {
    throw args.wrong('the URL names no bucket', 'write s3://BUCKET/KEY')
  }
  const path = key.split('/').map(encode).join('/')
  const endpoint = (await s3EndpointSetting(context, named.settings))?.value
  if (endpoint !== undefined) {
    const base = endpoint.replace(/\/+$/, '')
    if (bucket === '') return `${base}/`
    return path === '' ? `${base}/${bucket}` : `${base}/${bucket}/${path}`
  }
  const region = (await regionSetting(context, named.settings))?.value
  const partition = region === undefined ? undefined : partitionOfRegion(region)
  if (partition === undefined) {
    throw args.wrong(
      's3:// does not tell the region of the bucket',
      'give --region, or --endpoint-url for another store',
    )
  }
  const host = `s3.${region}.${partition.dnsSuffix}`
  if (bucket === '') return `https://${host}/`
  // A certificate for *.s3.… covers no name with a dot more.
  return /[._A-Z]/.test(bucket) ? `https://${host}/${bucket}/${path}` : `https://${bucket}.${host}/${path}`
}
