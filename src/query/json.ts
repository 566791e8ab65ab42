// The same answers as JSON, which some doubles of STS send. In: text that begins with `{`. Out: the tree of xml.ts.
// RFC 8259; a name that stands twice in an object, a list and anything nested deeply makes it unreadable.

import type { AnswerElement } from './xml.ts'

const deepest = 8

/**
 * An element without a name, whose children are the members of the object; undefined where the text is not such an
 * object.
 */
export function readJson(text: string): AnswerElement | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
  const root = element('', value, 0)
  // JSON.parse keeps the last of two equal names: then the text has more names than the tree.
  return root !== undefined && namesIn(text) === descendants(root) ? root : undefined
}

function element(name: string, value: unknown, depth: number): AnswerElement | undefined {
  const leaf = (text: string): AnswerElement => ({ name, namespace: undefined, children: [], text })
  if (value === null) return leaf('')
  if (typeof value === 'string') return leaf(value)
  if (typeof value === 'number' || typeof value === 'boolean') return leaf(String(value))
  if (typeof value !== 'object' || Array.isArray(value) || depth >= deepest) return undefined
  const children: AnswerElement[] = []
  for (const [key, member] of Object.entries(value)) {
    const child = element(key, member, depth + 1)
    if (child === undefined) return undefined
    children.push(child)
  }
  return { name, namespace: undefined, children, text: '' }
}

function namesIn(text: string): number {
  const strings = text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)
  return [...strings].filter(([, colon]) => colon !== undefined).length
}

function descendants(root: AnswerElement): number {
  return root.children.reduce((sum, child) => sum + 1 + descendants(child), 0)
}
