// The official signing vectors, walked from their folder. In: test/vectors/aws-signing-test-suite/v4. Out: its cases,
// parsed strictly: a file or a setting that nobody here understands is a failure, not a case passed over.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HttpRequest } from '../../src/sigv4/request.ts'

const suiteFolder = join(import.meta.dirname, 'aws-signing-test-suite', 'v4')

const settingNames = [
  'credentials',
  'expiration_in_seconds',
  'normalize',
  'omit_session_token',
  'region',
  'service',
  'sign_body',
  'timestamp',
]

/** What a signature must be, step by step; each member is a file of the case. */
export interface PublishedSteps {
  readonly canonicalRequest: string
  readonly stringToSign: string
  readonly signature: string
  readonly signedRequest: string
}

export interface OfficialCase {
  readonly name: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string | undefined
  readonly region: string
  readonly service: string
  readonly time: Date
  readonly normalize: boolean
  readonly signBody: boolean
  readonly omitSessionToken: boolean
  readonly expiresIn: number
  readonly request: HttpRequest & { readonly url: string; readonly headers: readonly (readonly [string, string])[] }
  /** The text of request.txt, which the signed request continues. */
  readonly requestText: string
  readonly header: PublishedSteps
  readonly query: PublishedSteps
}

/** Every case of the suite, by name. */
export function officialCases(): OfficialCase[] {
  return readdirSync(suiteFolder).sort().map(readCase)
}

function readCase(name: string): OfficialCase {
  const files = new Map(
    readdirSync(join(suiteFolder, name)).map((file) => [file, readFileSync(join(suiteFolder, name, file), 'utf8')]),
  )
  const take = (file: string): string => {
    const text = files.get(file)
    if (text === undefined) throw new Error(`${name} has no ${file}`)
    files.delete(file)
    return text
  }
  const steps = (form: string): PublishedSteps => ({
    canonicalRequest: take(`${form}-canonical-request.txt`),
    stringToSign: take(`${form}-string-to-sign.txt`),
    signature: take(`${form}-signature.txt`),
    signedRequest: take(`${form}-signed-request.txt`),
  })
  const context = JSON.parse(take('context.json'))
  const unknown = Object.keys(context).filter((setting) => !settingNames.includes(setting))
  const requestText = take('request.txt')
  const parsed: OfficialCase = {
    name,
    accessKeyId: context.credentials.access_key_id,
    secretAccessKey: context.credentials.secret_access_key,
    sessionToken: context.credentials.token,
    region: context.region,
    service: context.service,
    time: new Date(context.timestamp),
    normalize: context.normalize,
    signBody: context.sign_body,
    omitSessionToken: context.omit_session_token ?? false,
    expiresIn: context.expiration_in_seconds,
    request: parseRequest(requestText),
    requestText,
    header: steps('header'),
    query: steps('query'),
  }
  unknown.push(...files.keys())
  if (unknown.length > 0) throw new Error(`${name} has something that is not understood: ${unknown.join(', ')}`)
  return parsed
}

/** Request line, headers (a line that starts with white space continues the one before), empty line, body. */
function parseRequest(text: string): OfficialCase['request'] {
  const [head = '', body = ''] = text.split('\n\n')
  const [requestLine = '', ...lines] = head
    .replace(/\n[ \t]+/g, ' ')
    .trimEnd()
    .split('\n')
  const { method = '', target = '' } = /^(?<method>[A-Z]+) (?<target>.+) HTTP\/1\.1$/.exec(requestLine)?.groups ?? {}
  const headers = lines.map((line): [string, string] => [
    line.slice(0, line.indexOf(':')),
    line.slice(line.indexOf(':') + 1),
  ])
  const host = headers.find(([name]) => name === 'Host')?.[1]
  return { method, url: `https://${host}${target}`, headers, ...(body === '' ? {} : { body }) }
}
