// The form that a query API takes. In: the action and its parameters. Out: the body of the POST.
// AWS STS API Reference, "Making Query requests"; percent-encoding after RFC 3986, section 2.3.

import type { StsActionName } from './inputs.ts'
import type { Parameter } from './parameter-rules.ts'

const version = '2011-06-15'

/**
 * `Action=…&Version=…` and the parameters in the given order. Everything but unreserved characters is percent-encoded.
 */
export function formBody(action: StsActionName, parameters: readonly Parameter[]): string {
  const all: readonly Parameter[] = [['Action', action], ['Version', version], ...parameters]
  return all.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')
}

/** encodeURIComponent leaves these five, which RFC 3986 reserves. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
