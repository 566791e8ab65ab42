// Looks for secrets where none may be. In: anything that a caller or a person gets to see, and the secrets. Out: a failed
// expectation that names the secret by its label and never shows it. The search itself is test/leaks/scanner.ts.

import { inspect } from 'node:util'
import { expect } from 'vitest'
import { type Items, Scanner } from '../leaks/scanner.ts'

/** A label for each secret: `{ key, pin }`. Shorter than 8 bytes it is not looked for: it would be found by chance. */
export type Canaries = Items

/** Message, stack, hint, causes, JSON, inspect output with hidden fields, clone: no canary in any encoding. */
export function expectNoCanary(value: unknown, canaries: Canaries): void {
  for (const { item } of new Scanner(canaries).search(shownOf(value))) expect.fail(`${item} is seen`)
}

/** Every text that the value can be turned into, as the bytes that a scanner takes. */
export function shownOf(value: unknown): Uint8Array {
  const text = everythingOf(value)
  // Bytes that were taken for Latin-1, for UTF-8, and lists without the padding of columns.
  return Buffer.concat([Buffer.from(text, 'latin1'), Buffer.from(text), Buffer.from(text.replace(/\s+/g, ''))])
}

/** Every text that the value can be turned into. */
export function everythingOf(value: unknown): string {
  const shown = { depth: 10, showHidden: true, maxStringLength: null, maxArrayLength: null, breakLength: 120 } as const
  const texts = [String(value), inspect(value, shown), json(value), inspect(cloned(value), shown)]
  if (value instanceof Error) texts.push(value.message, value.stack ?? '')
  if (value instanceof AggregateError) texts.push(...value.errors.map(everythingOf))
  if (value instanceof Error && value.cause !== undefined) texts.push(everythingOf(value.cause))
  return texts.join('\n')
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch (error) {
    return String(error)
  }
}

/** What another thread or a log collector would get. */
function cloned(value: unknown): unknown {
  try {
    return structuredClone(value)
  } catch (error) {
    return String(error)
  }
}
