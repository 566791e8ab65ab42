// Text that shows whether it is whole. In: a text. Out: the same with its fingerprint before it, and back. Against cut files
// and flipped bits, not against a person: who can write the file can write the fingerprint. No node:crypto, which takes
// longer to load than all else that a kept session needs.

/**
 * A name of 8 hex digits for a text, the same in every process. Two texts may have the same: whoever asks by name compares
 * the text. A change of one character always shows.
 */
export function fingerprint(text: string): string {
  // FNV-1a with the offset basis and the prime of its 32-bit form. Short, since it runs before any compiler has seen it.
  let hash = 0x811c_9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}

/** A line with the fingerprint, then the text and a newline. */
export function stamped(text: string): string {
  return `${fingerprint(text)}\n${text}\n`
}

/** The text within; undefined where a byte of the whole was changed, added or lost. */
export function unstamped(whole: string): string | undefined {
  const text = whole.slice(9, -1)
  return stamped(text) === whole ? text : undefined
}

/** The JSON value in a stamped text; undefined where that is damaged, and where it is no JSON. */
export function stampedJson(whole: string | undefined): unknown {
  return jsonIn(whole === undefined ? undefined : unstamped(whole))
}

/** The JSON value; undefined where there is no text, and where it is no JSON. */
export function jsonIn(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
