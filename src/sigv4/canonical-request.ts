// The canonical request: everything that is signed, as one text of six parts.
// In: the parts, each canonical. Out: the text whose SHA-256 goes into the string to sign.
// AWS Signature Version 4, "Create a canonical request".

export interface CanonicalParts {
  readonly method: string
  readonly uri: string
  readonly query: string
  /** Each with its line end. */
  readonly headerLines: string
  /** Joined by ";". */
  readonly signedHeaders: string
  readonly payloadHash: string
}

/** The six parts, one to a line; the headers are several lines and are followed by an empty one. */
export function canonicalRequest(parts: CanonicalParts): string {
  const { method, uri, query, headerLines, signedHeaders, payloadHash } = parts
  return `${method}\n${uri}\n${query}\n${headerLines}\n${signedHeaders}\n${payloadHash}`
}
