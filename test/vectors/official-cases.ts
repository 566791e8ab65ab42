// The official signing vectors, walked from their folders. In: test/vectors/aws-signing-test-suite. Out: the cases,
// parsed strictly: a file or a setting that nobody here understands is a failure, not a case passed over.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HttpRequest } from '../../src/sigv4/request.ts'

const suiteFolder = (suite: string): string => join(import.meta.dirname, 'aws-signing-test-suite', suite)

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

/** A case of SigV4a. Two of them have no published steps. */
export interface OfficialV4aCase extends Omit<OfficialCase, 'header' | 'query'> {
  readonly header: PublishedSteps | undefined
  readonly query: PublishedSteps | undefined
  /** Coordinates in hex. */
  readonly publicKey: { readonly X: string; readonly Y: string } | undefined
}

/** Every case of Signature Version 4, by name. */
export function officialCases(): OfficialCase[] {
  return readdirSync(suiteFolder('v4'))
    .sort()
    .map((name) => {
      const files = filesOf('v4', name)
      const steps = (form: string): PublishedSteps => takeSteps(files, form)
      return finished(files, { ...readCase(files, name), header: steps('header'), query: steps('query') })
    })
}

/** Every case of SigV4a, by name. */
export function officialV4aCases(): OfficialV4aCase[] {
  return readdirSync(suiteFolder('v4a'))
    .sort()
    .map((name) => {
      const files = filesOf('v4a', name)
      const read = readCase(files, name)
      if (files.size === 0) return { ...read, header: undefined, query: undefined, publicKey: undefined }
      // One case has these two besides, with the content of other files.
      for (const file of ['canonical-request.txt', 'string-to-sign.txt']) {
        if (files.get(file) === files.get(`header-${file}`)) files.delete(file)
      }
      const publicKey = JSON.parse(take(files, 'public-key.json'))
      const [header, query] = [takeSteps(files, 'header'), takeSteps(files, 'query')]
      return finished(files, { ...read, header, query, publicKey })
    })
}

type Files = Map<string, string>

function filesOf(suite: string, name: string): Files {
  const folder = join(suiteFolder(suite), name)
  return new Map(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'utf8')]))
}

function take(files: Files, file: string): string {
  const text = files.get(file)
  if (text === undefined) throw new Error(`a case has no ${file}`)
  files.delete(file)
  return text
}

function takeSteps(files: Files, form: string): PublishedSteps {
  return {
    canonicalRequest: take(files, `${form}-canonical-request.txt`),
    stringToSign: take(files, `${form}-string-to-sign.txt`),
    signature: take(files, `${form}-signature.txt`),
    signedRequest: take(files, `${form}-signed-request.txt`),
  }
}

/** The case, when nothing of its folder was left over. */
function finished<Case extends { readonly name: string }>(files: Files, one: Case): Case {
  if (files.size === 0) return one
  throw new Error(`${one.name} has something that is not understood: ${[...files.keys()].join(', ')}`)
}

function readCase(files: Files, name: string): Omit<OfficialCase, 'header' | 'query'> {
  const context = JSON.parse(take(files, 'context.json'))
  const unknown = Object.keys(context).filter((setting) => !settingNames.includes(setting))
  const requestText = take(files, 'request.txt')
  if (unknown.length > 0) throw new Error(`${name} has something that is not understood: ${unknown.join(', ')}`)
  return {
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
  }
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
