// A session as it lies in the runtime folder between two runs. In: the bytes of its file. Out: the session, where the file is
// whole and is of the request that is asked for; how long it still lasts. Knows neither folder nor clock.

import { jsonIn, stamped, unstamped } from '../files/stamp.ts'
import type { TemporaryCredentials } from '../sts/answer.ts'

export interface KeptSession {
  /** All that decides the session, as text. */
  readonly request: string
  readonly credentials: TemporaryCredentials
  /** Milliseconds by which the clock of the endpoint was ahead of ours. */
  readonly clockOffset: number
  /** Milliseconds that it lasted when it came, by the clock of the endpoint. */
  readonly lasts: number
  /** Seconds since the machine started, sleep included, when it came. */
  readonly since: number
}

/** A request may hold a policy and 50 tags, a session token 16 KiB; one that is longer is not kept. */
export const maxSessionBytes = 131_072

/** What AWS tools take without asking twice: botocore renews when less than 15 minutes are left. */
export const leastSecondsForTools: number = 20 * 60

/** botocore asks anew when less than 15 minutes are left, so a shorter session is wanted for every command. */
const shortMilliseconds = 1_800_000 - 60_000

/** The text of its file. */
export function formatSession(session: KeptSession): string {
  return stamped(json(session))
}

function json({ request, credentials, clockOffset, lasts, since }: KeptSession): string {
  const { accessKeyId, secretAccessKey, sessionToken, accountId } = credentials
  const expiration = credentials.expiration.toISOString()
  const session = { accessKeyId, secretAccessKey, sessionToken, expiration, accountId }
  return JSON.stringify({ version: 1, request, ...session, clockOffset, lasts, since })
}

/** The session of exactly this request; undefined for any text that `formatSession` does not make. */
export function parseSession(text: string, request: string): KeptSession | undefined {
  const body = unstamped(text)
  const members = membersOf(jsonIn(body))
  if (members === undefined || members.request !== request) return undefined
  const { accessKeyId, secretAccessKey, sessionToken, expiration, accountId, clockOffset, lasts, since } = members
  const texts = [accessKeyId, secretAccessKey, sessionToken, expiration, accountId ?? '']
  const numbers = [clockOffset, lasts, since]
  if (!texts.every(isText) || !numbers.every(Number.isFinite) || Number.isNaN(Date.parse(String(expiration)))) {
    return undefined
  }
  const credentials = {
    accessKeyId: String(accessKeyId),
    secretAccessKey: String(secretAccessKey),
    sessionToken: String(sessionToken),
    expiration: new Date(String(expiration)),
    ...(accountId === undefined ? {} : { accountId: String(accountId) }),
  }
  const session = { request, credentials, clockOffset: Number(clockOffset), lasts: Number(lasts), since: Number(since) }
  return json(session) === body ? session : undefined
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? Object.assign(Object.create(null), value) : undefined
}

const isText = (value: unknown): boolean => typeof value === 'string'

/**
 * Milliseconds that are left: by the wall clock and by the age, of which the stricter counts, so that a clock that was set
 * back makes no ended session good (F-C07). `uptime`: seconds since the machine started.
 */
export function millisecondsLeft(
  { credentials, clockOffset, lasts, since }: KeptSession,
  now: Date,
  uptime: number,
): number {
  const age = (uptime - since) * 1000
  // Kept by a machine that has been up for longer: of another time namespace, or moved here.
  if (age < 0) return 0
  return Math.min(credentials.expiration.getTime() - (now.getTime() + clockOffset), lasts - age)
}

/**
 * True where so much is left as a tool wants before it asks again. A session that is as short as that by itself serves
 * those who start together: for its first minute.
 */
export function isGoodFor(session: KeptSession, leastSeconds: number, now: Date, uptime: number): boolean {
  const least = Math.min(leastSeconds * 1000, session.lasts - 60_000)
  const left = millisecondsLeft(session, now, uptime)
  return left > 0 && left >= least
}

/** True for a session that can be given to an AWS tool without a word. */
export function isGoodForTools(session: KeptSession, now: Date, uptime: number): boolean {
  return !isShortForTools(session) && isGoodFor(session, leastSecondsForTools, now, uptime)
}

/** True for a session so short that some AWS tools ask twice for each command. */
export function isShortForTools({ lasts }: KeptSession): boolean {
  return lasts < shortMilliseconds
}
