// The link that signs in to the AWS console. In: the temporary credentials of a role or a federated user, a place. Out: an
// https URL, which whoever has it may use for 15 minutes.
// IAM User Guide, "Enable custom identity broker access to the AWS console": getSigninToken, then login.

import { HardkeyError } from '../../errors.ts'
import type { HttpClient } from '../../http/client.ts'
import type { TemporaryCredentials } from '../../sts/answer.ts'

/** Where one partition signs in. */
interface ConsolePlace {
  readonly signIn: string
  readonly console: string
}

/** Hosts of the sign-in service as in the AWS SDK's own rules for it; the console's own as in the user guides. */
const places: Readonly<Record<string, ConsolePlace>> = Object.freeze({
  aws: { signIn: 'https://signin.aws.amazon.com/federation', console: 'console.aws.amazon.com' },
  'aws-cn': { signIn: 'https://signin.amazonaws.cn/federation', console: 'console.amazonaws.cn' },
  'aws-us-gov': { signIn: 'https://signin.amazonaws-us-gov.com/federation', console: 'console.amazonaws-us-gov.com' },
  'aws-eusc': {
    signIn: 'https://eusc-de-east-1.signin.amazonaws-eusc.eu/federation',
    console: 'console.amazonaws-eusc.eu',
  },
})

export interface ConsoleLinkInput {
  readonly credentials: TemporaryCredentials
  readonly region: string
  readonly partition: string
  /** In place of the partition's endpoint. */
  readonly signInEndpoint?: string | undefined
  /** A page of the console (`s3`, `ec2/home#Instances:`) or an https URL. Default: the console's first page. */
  readonly destination?: string | undefined
  readonly issuer?: string | undefined
  /** 900 to 43,200, for a role alone. Default: as long as the credentials. */
  readonly sessionSeconds?: number | undefined
}

/** The two URLs of a sign-in, checked before a session is asked for. @throws ERR_CONFIG_INVALID */
export function consolePages(
  input: Pick<ConsoleLinkInput, 'region' | 'partition' | 'signInEndpoint' | 'destination' | 'issuer'>,
): { readonly signIn: string; readonly destination: string } {
  const place = Object.hasOwn(places, input.partition) ? places[input.partition] : undefined
  const signIn = input.signInEndpoint ?? place?.signIn
  if (place === undefined || signIn === undefined) {
    throw new HardkeyError('ERR_CONFIG_INVALID', `the console of the partition ${input.partition} is not known`)
  }
  if (!/^https?:\/\/[^/?#@]+(?:\/[^?#]*)?$/i.test(signIn)) throw noUrl('--signin-endpoint')
  if (input.issuer !== undefined) httpsUrl(input.issuer, '--issuer')
  return { signIn, destination: destinationOf(input.destination ?? 'console/home', place, input.region) }
}

/**
 * Asks for a sign-in token and gives the link. The credentials go in the body of a POST and in no URL.
 *
 * @throws ERR_STS_REFUSED where the endpoint refuses the session; ERR_STS_RESPONSE_INVALID; what the HTTP client throws
 */
export async function consoleLink(http: HttpClient, input: ConsoleLinkInput, signal: AbortSignal): Promise<string> {
  const { signIn, destination } = consolePages(input)
  const { accessKeyId, secretAccessKey, sessionToken } = input.credentials
  const body = new URLSearchParams({
    Action: 'getSigninToken',
    ...(input.sessionSeconds === undefined ? {} : { SessionDuration: String(input.sessionSeconds) }),
    Session: JSON.stringify({ sessionId: accessKeyId, sessionKey: secretAccessKey, sessionToken }),
  })
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' }
  const answer = await http.send({ method: 'POST', url: signIn, headers, body: body.toString() }, { signal })
  if (answer.status !== 200) throw refused(answer.status, input.sessionSeconds)
  const link = new URL(signIn)
  link.search = new URLSearchParams({
    Action: 'login',
    ...(input.issuer === undefined ? {} : { Issuer: input.issuer }),
    Destination: destination,
    SigninToken: signinToken(answer.body),
  }).toString()
  return link.href
}

/** `s3` is https://REGION.CONSOLE/s3?region=REGION, as aws-vault has it. */
function destinationOf(page: string, { console }: ConsolePlace, region: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(page)) return httpsUrl(page, '--destination').href
  const host = `${region}.${console}`
  const path = page.replace(/^\//, '')
  const url = URL.canParse(path, `https://${host}/`) ? new URL(path, `https://${host}/`) : undefined
  if (url === undefined || url.protocol !== 'https:' || url.host !== host) throw noUrl('--destination')
  if (!url.searchParams.has('region')) url.searchParams.set('region', region)
  return url.href
}

function httpsUrl(text: string, option: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '') throw noUrl(option)
  return url
}

function noUrl(option: string): HardkeyError {
  return new HardkeyError('ERR_CONFIG_INVALID', `${option} is not what it should be`, {
    hint: '--destination is s3, ec2/home#Instances:, or https://…; --issuer and --signin-endpoint are URLs',
  })
}

/** The token of an answer. @throws ERR_STS_RESPONSE_INVALID */
export function signinToken(body: Uint8Array): string {
  try {
    const { SigninToken } = Object(JSON.parse(Buffer.from(body).toString('utf8'))) as { readonly SigninToken?: unknown }
    if (typeof SigninToken === 'string' && /^[\x21-\x7e]{1,16384}$/.test(SigninToken)) return SigninToken
  } catch (error) {
    // Its text would quote the answer, and with it a token.
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new HardkeyError('ERR_STS_RESPONSE_INVALID', 'the sign-in endpoint gave no sign-in token')
}

function refused(status: number, sessionSeconds: number | undefined): HardkeyError {
  if (status >= 500) {
    const hint = 'try again in some minutes'
    return new HardkeyError('ERR_STS_REFUSED', `the sign-in endpoint failed (status ${status})`, { hint, status })
  }
  const ofDuration = 'the role allows no longer session, or it was assumed by another role: give a shorter --duration'
  return new HardkeyError('ERR_STS_REFUSED', `the sign-in endpoint refused the session (status ${status})`, {
    hint: sessionSeconds === undefined ? 'it takes sessions of a role or of GetFederationToken alone' : ofDuration,
    status,
  })
}
