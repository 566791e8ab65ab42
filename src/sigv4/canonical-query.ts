// The query of a request in canonical form: the third line of the canonical request.
// In: the query as it stands on the wire. Out: its parameters, each encoded once, sorted by name and then by value.
// AWS Signature Version 4, "Create a canonical request", CanonicalQueryString.

import { HardkeyError } from '../errors.ts'
import { encodeOnce } from './encoding.ts'

/** One parameter, name and value encoded. */
export interface Parameter {
  readonly name: string
  readonly value: string
}

/**
 * The parameters in the order given, encoded. A "+" is a space, as servers read a query; a parameter without "=" has the
 * empty value; nothing between two "&" is no parameter.
 *
 * @throws ERR_REQUEST_INVALID for half of a surrogate pair
 */
export function queryParameters(query: string): Parameter[] {
  const encoded = /^[A-Za-z0-9._~&=-]*$/.test(query)
  const parameters: Parameter[] = []
  for (const part of query.split('&')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = equals < 0 ? part : part.slice(0, equals)
    const value = equals < 0 ? '' : part.slice(equals + 1)
    // The value may hold "=" itself, which is encoded.
    if (encoded && !value.includes('=')) parameters.push({ name, value })
    else parameters.push({ name: encodePart(name), value: encodePart(value) })
  }
  return parameters
}

/** Sorts the list in place and joins it. By name first: whole "name=value" texts would sort "a-b=" before "a=". */
export function canonicalQuery(parameters: Parameter[]): string {
  parameters.sort(byNameThenValue)
  let text = ''
  for (const { name, value } of parameters) text += text === '' ? `${name}=${value}` : `&${name}=${value}`
  return text
}

/** What a presigned URL adds to its query. */
const signatureParameters =
  /^x-amz-(?:algorithm|content-sha256|credential|date|expires|region-set|security-token|signature|signedheaders)$/i

/**
 * As `queryParameters`, for a query that is to be signed.
 *
 * @throws ERR_REQUEST_INVALID where the query carries a signature, or a part of one, already
 */
export function unsignedParameters(query: string): Parameter[] {
  const parameters = queryParameters(query)
  for (const { name } of parameters) {
    if (!signatureParameters.test(name)) continue
    throw new HardkeyError('ERR_REQUEST_INVALID', `the URL has the query parameter ${name} already`, {
      hint: 'sign the URL as it was before it was presigned',
    })
  }
  return parameters
}

function byNameThenValue(a: Parameter, b: Parameter): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1
  if (a.value === b.value) return 0
  return a.value < b.value ? -1 : 1
}

function encodePart(text: string): string {
  return encodeOnce(text.replaceAll('+', '%20'))
}
