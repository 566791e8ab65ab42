// What request and presign share. In: options and URL. Out: the scope of the signature and the headers of the request.
// AWS Signature Version 4, "Credential scope".

import { checkedMethod, UrlSplitter, webSocketAsHttp } from '../../sigv4/request.ts'
import type { ParsedArguments } from '../args.ts'
import type { CommandContext } from '../command.ts'
import type { NamedKey } from '../device/open-key.ts'
import { regionSetting } from '../settings/settings.ts'
import { type HostScope, hostScope } from './host-scope.ts'

export interface RequestScope {
  readonly service: string
  readonly region: string
}

/**
 * `--service`, else the host's, else `otherwise`; `--region`, else the host's own, else the setting. Nothing is guessed
 * for a host that is not AWS's. Method and URL are looked at as the signer does, before a device is opened.
 *
 * @throws ERR_USAGE, ERR_REQUEST_INVALID
 */
export async function requestScope(
  context: CommandContext,
  named: NamedKey,
  { method, url }: { readonly method: string; readonly url: string },
  otherwise?: string,
): Promise<RequestScope> {
  const { args } = context
  checkedMethod(method)
  const host: HostScope = hostScope(new UrlSplitter().split(webSocketAsHttp(url)).host)
  const service = args.value('service') ?? serviceOf(host, url) ?? otherwise
  if (service === undefined) {
    throw args.wrong('the URL does not tell the service', 'give --service, as in --service s3')
  }
  const region = args.value('region') ?? host.region ?? (await regionSetting(context, named.settings))?.value
  if (region === undefined) throw args.wrong('the URL does not tell the region', 'give --region')
  return { service, region }
}

/** AWS IoT has another signing name for the WebSocket of MQTT. */
function serviceOf({ service }: HostScope, url: string): string | undefined {
  return /^iot(?:data)?$/.test(service ?? '') && /^wss?:/i.test(url) ? 'iotdevicegateway' : service
}

/** The headers of `--header NAME:VALUE`. @throws ERR_USAGE for one without a colon */
export function requestHeaders(args: ParsedArguments): readonly (readonly [string, string])[] {
  return args.values('header').map((header) => {
    const colon = header.indexOf(':')
    if (colon < 1) throw args.wrong('--header needs NAME:VALUE')
    return [header.slice(0, colon).trim(), header.slice(colon + 1).trim()] as const
  })
}
