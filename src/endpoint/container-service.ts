// The container-credentials endpoint. In: a request with the token in Authorization. Out: credentials at `/` and
// `/role-arn/ARN`, figures at `/metrics` and `/health`. AWS SDKs and Tools Reference Guide, "Container credential provider".

import { wholeSeconds } from '../credentials/process-json.ts'
import { type Answer, type Awaitable, credentialsAnswer, noSuchPath, onlyFor, refusal, type Service } from './answer.ts'
import type { CallerToken } from './caller-token.ts'
import type { Figures } from './figures.ts'
import { onlyValue } from './request-guard.ts'
import { type GivenSession, oncePerSession, type Sessions } from './sessions.ts'

const rolePrefix = '/role-arn/'

/** Whoever has no token learns which paths there are, as this file tells, and not which roles. */
export function containerService(sessions: Sessions, token: CallerToken, figures: Figures): Service {
  const body = oncePerSession(containerJson)
  const give = (roleArn?: string): Awaitable<Answer> => credentialsAnswer(sessions.get(roleArn), body)
  const giveOwn = (): Awaitable<Answer> => give()
  return ({ method, target, rawHeaders }) => {
    const roleArn = roleOf(target)
    if (target !== '/' && roleArn === undefined && !figures.has(target)) return noSuchPath()
    if (method !== 'GET') return onlyFor('GET')
    if (!token.matches(onlyValue(rawHeaders, 'authorization'))) {
      return refusal(401, 'Unauthorized', 'the Authorization header must be the token, once and as it was printed')
    }
    if (figures.has(target)) return () => figures.answer(target)
    if (roleArn === undefined) return giveOwn
    if (sessions.isListed(roleArn)) return () => give(roleArn)
    return refusal(403, 'RoleNotListed', 'this role is not one of those that are given out here')
  }
}

/** The role of `/role-arn/ARN`, whose characters may be percent-encoded; undefined for any other path. */
function roleOf(target: string): string | undefined {
  if (!target.startsWith(rolePrefix)) return undefined
  try {
    const arn = decodeURIComponent(target.slice(rolePrefix.length))
    return /^arn:[\w+=,.@:/-]+$/.test(arn) && !/(?:^|\/)\.{0,2}(?:\/|$)/.test(arn) ? arn : undefined
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

/** All of it strings, and the end in whole seconds: some readers take nothing else. */
function containerJson({ credentials, roleArn }: GivenSession): string {
  return JSON.stringify({
    AccessKeyId: credentials.accessKeyId,
    SecretAccessKey: credentials.secretAccessKey,
    Token: credentials.sessionToken,
    Expiration: wholeSeconds(credentials.expiration),
    AccountId: credentials.accountId,
    RoleArn: roleArn,
  })
}
