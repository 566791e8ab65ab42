// The network side of a command. In: settings. Out: an HTTP client, and STS clients over one. Loaded apart from the
// rest, while a device is being opened: TLS alone takes as long to load as all else of a command.

import { type HttpClient, httpClient } from '../../http/client.ts'
import type { DateKeySource } from '../../sigv4/date-key.ts'
import { type StsClient, stsClient } from '../../sts/client.ts'
import { stsEndpoint } from '../../sts/endpoints.ts'
import type { NetworkSettings, StsSettings } from '../settings/settings.ts'
import { tellingRefusals } from './refused-signature.ts'

export interface StsConnection {
  /** An STS client that signs with these DateKeys. */
  client(keys: DateKeySource, now: () => Date): StsClient
  /** Ends every connection. */
  close(): void
}

/** An HTTP client with the CA bundle and the proxies of the settings; the caller closes it. @throws ERR_CONFIG_INVALID */
export function connect({ ca, proxy, appId }: NetworkSettings, allowHttp = false): HttpClient {
  boundLookups()
  // Has no effect, since each connection asks for it (src/http/connection.ts); Node would print that it has one.
  delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
  const http = httpClient({ ca: ca === undefined ? undefined : [ca], proxy, allowHttp })
  return appId === undefined ? http : withAppId(http, appId)
}

/** As the AWS SDKs write it into the User-Agent, which no signature covers. That of a user's own request stays. */
function withAppId(http: HttpClient, appId: string): HttpClient {
  const agent = `hardkey app/${appId.replace(/[^\w!$%&'*+.^`|~-]/g, '-')}`
  return {
    ...http,
    send: (request, options) => {
      const isOurs = request.headers?.['user-agent'] === 'hardkey'
      return http.send(isOurs ? { ...request, headers: { ...request.headers, 'user-agent': agent } } : request, options)
    },
  }
}

/**
 * A lookup that hangs cannot be stopped, and Node waits for it before the process ends: 10 s for each name server, or what
 * resolv.conf says. By this variable (resolver(5)) glibc gives each a second, and turns to the next one while there is
 * still time to connect. What the user has set stays.
 */
function boundLookups(): void {
  process.env.RES_OPTIONS ??= 'timeout:1 attempts:2'
}

/**
 * STS as the settings say, with a connection under way while the device computes; the caller closes it. `tell` gets what was
 * signed where the signature is refused. @throws ERR_CONFIG_INVALID
 */
export function connectSts(settings: StsSettings, tell: (line: string) => void): StsConnection {
  const http = connect(settings)
  const { useFipsEndpoint, useDualstackEndpoint, maxAttempts } = settings
  const place = {
    region: settings.region?.value,
    endpoint: settings.endpoint?.value,
    useFipsEndpoint,
    useDualstackEndpoint,
  }
  http.connect?.(stsEndpoint(place).url)
  return {
    client: (keys, now) => stsClient({ keys, ...place, maxAttempts, http: tellingRefusals(http, keys, tell), now }),
    close: () => http.close(),
  }
}
