// The form that a query API takes. In: the action, the API's version and the parameters. Out: the body of the POST.
// AWS STS and IAM API References, "Making Query requests"; percent-encoding after RFC 3986, section 2.3.

/** A name as the API spells it, with the value as text. */
export type Parameter = readonly [name: string, value: string]

/**
 * `Action=…&Version=…` and the parameters in the given order. Everything but unreserved characters is percent-encoded.
 */
export function formBody(action: string, version: string, parameters: readonly Parameter[]): string {
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
