// What a service says it signed. In: the body of a SignatureDoesNotMatch answer. Out: its canonical request and string to
// sign, and the first line in which ours differ. Amazon S3, "Error responses", SignatureDoesNotMatch; other services put
// both texts into the message: "The Canonical String for this request should have been '…'".

import { onOneLine } from '../../errors.ts'
import type { SignedText } from './explain-request.ts'

export interface ServiceView {
  readonly canonicalRequest: string | undefined
  readonly stringToSign: string | undefined
  /** The time in the string to sign: that of the refused request. */
  readonly date: Date | undefined
}

/** Undefined where the answer shows neither text. */
export function serviceView(answer: string): ServiceView | undefined {
  const text = unescaped(answer)
  const canonicalRequest =
    element(answer, 'CanonicalRequest') ??
    /Canonical String for this request should have been\s*'([^']*)'/.exec(text)?.[1]
  const stringToSign = element(answer, 'StringToSign') ?? /String-to-Sign should have been\s*'([^']*)'/.exec(text)?.[1]
  if (canonicalRequest === undefined && stringToSign === undefined) return undefined
  const stamp = /^[0-9]{8}T[0-9]{6}Z$/m.exec(stringToSign ?? '')?.[0]
  const iso = stamp?.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5')
  return { canonicalRequest, stringToSign, date: iso === undefined ? undefined : new Date(iso) }
}

/** In words; undefined where there is none. The hash that ends the string to sign follows from the canonical request. */
export function firstDifference(ours: SignedText, theirs: ServiceView): string | undefined {
  const inRequest = lineDifference('canonical request', ours.canonicalRequest, theirs.canonicalRequest)
  if (inRequest !== undefined) return inRequest
  return lineDifference('string to sign', ours.stringToSign, theirs.stringToSign)
}

function lineDifference(what: string, ours: string, theirs: string | undefined): string | undefined {
  if (theirs === undefined) return undefined
  const [here, there] = [ours.split('\n'), theirs.replaceAll('\r', '').split('\n')]
  for (let at = 0; at < Math.max(here.length, there.length); at++) {
    const [one, other] = [here[at], there[at]]
    if (one === other || isMasked(one, other)) continue
    return `line ${at + 1} of the ${what}\n  here:    ${shown(one)}\n  service: ${shown(other)}`
  }
  return undefined
}

/** A session token is not shown here, and need not be compared. */
function isMasked(ours: string | undefined, theirs: string | undefined): boolean {
  if (ours === undefined || theirs === undefined || !ours.includes('[secret]')) return false
  const [before = '', after = ''] = ours.split('[secret]')
  return theirs.startsWith(before) && theirs.endsWith(after)
}

/** A service may be another program than AWS: its text must not move the cursor, and a token in it is not repeated. */
function shown(line: string | undefined): string {
  if (line === undefined) return '(no such line)'
  return `"${onOneLine(line.replace(/(x-amz-security-token[:=])[^&]*/gi, '$1[secret]'))}"`
}

function element(answer: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(answer)?.[1]
  return text === undefined ? undefined : unescaped(text)
}

/** XML 1.0, section 4.6, and character references; each once. */
function unescaped(text: string): string {
  const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#([0-9]{1,7})|(\w+));/gi, (found, hex, decimal, name) => {
    if (name !== undefined) return named[name] ?? found
    const point = Number.parseInt(hex ?? decimal, hex === undefined ? 10 : 16)
    return point <= 0x10ffff ? String.fromCodePoint(point) : found
  })
}
