// The little XML that STS answers with. In: text of at most 64 KiB. Out: a tree of elements, or undefined for all else.
// XML 1.0 without what AWS never sends: no document type, comments, CDATA, prefixes, attributes but one `xmlns`, and no
// text beside elements. So there is one way to read an answer, and a cut answer is never read in part.

/** An element has children or text. `text` is decoded. */
export interface AnswerElement {
  readonly name: string
  /** The value of `xmlns`, where the element has one. */
  readonly namespace: string | undefined
  readonly children: readonly AnswerElement[]
  readonly text: string
}

interface OpenElement {
  readonly name: string
  readonly namespace: string | undefined
  readonly children: AnswerElement[]
  text: string
}

/** AWS nests five elements; an error of EC2's form six. */
const deepest = 8

const declaration = /^\s*<\?xml\s[^<>?]*\?>/
/** The root element, or undefined where the text is not exactly one well-formed document of that kind. */
export function readXml(text: string): AnswerElement | undefined {
  const tag = /<(\/?)([A-Za-z_][\w.-]*)(?:\s+xmlns="([^"<&]*)")?\s*(\/?)>/y
  const open: OpenElement[] = []
  const outside: OpenElement = { name: '', namespace: undefined, children: [], text: '' }
  let at = declaration.exec(text)?.[0].length ?? 0
  for (let less = text.indexOf('<', at); less >= 0; less = text.indexOf('<', at)) {
    const top = open.at(-1) ?? outside
    top.text += text.slice(at, less)
    tag.lastIndex = less
    const found = tag.exec(text)
    if (found === null) return undefined
    const [whole, end, name = '', namespace, empty] = found
    at = less + whole.length
    if (end === '/') {
      if (namespace !== undefined || empty === '/' || open.pop()?.name !== name) return undefined
      const element = finished(top)
      if (element === undefined) return undefined
      const parent = open.at(-1) ?? outside
      parent.children.push(element)
    } else if (empty === '/') top.children.push({ name, namespace, children: [], text: '' })
    else if (open.push({ name, namespace, children: [], text: '' }) > deepest) return undefined
  }
  outside.text += text.slice(at)
  if (open.length > 0 || outside.children.length !== 1 || outside.text.trim() !== '') return undefined
  return outside.children[0]
}

function finished(element: OpenElement): AnswerElement | undefined {
  if (element.children.length > 0) return element.text.trim() === '' ? { ...element, text: '' } : undefined
  const text = decoded(element.text)
  return text === undefined ? undefined : { ...element, text }
}

const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/** The text with the five entities and numeric references resolved; undefined for any other reference or character. */
function decoded(text: string): string | undefined {
  if (/&(?!(?:lt|gt|amp|quot|apos|#\d{1,7}|#x[\dA-Fa-f]{1,6});)/.test(text)) return undefined
  const plain = text.replace(/&(?:#x([\dA-F]+)|#(\d+)|(\w+));/gi, (_, hex?: string, decimal?: string, name = '') => {
    if (hex === undefined && decimal === undefined) return named[name] ?? ''
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : '\u0000'
  })
  // XML 1.0, section 2.2: these are no characters of a document.
  return /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/u.test(plain) ? undefined : plain
}
