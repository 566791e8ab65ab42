// The files that the laws look at. Out: each file's path from the root with its text, and its code alone: comments and
// the insides of strings, templates and regular expressions blanked, lines kept. The formatter has run on every file,
// so that what stands at the left margin is at the top level of a module.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface SourceFile {
  /** From the root, with forward slashes: `src/key/uri.ts`. */
  readonly path: string
  readonly text: string
}

/** Something that breaks a law: where, and in words what. */
export interface Breach {
  readonly path: string
  readonly what: string
}

export const root: string = join(import.meta.dirname, '..', '..')

/** Never part of the tree: made, brought or kept by tools. */
const notOurs = /^(?:\.git|node_modules|dist|coverage|\.peers|\.(?:dist|bench|examples)-.*)$|\.tgz$/

/** The paths under a folder, folders deep. */
export function pathsUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '.' ? entry.name : `${folder}/${entry.name}`
    if (notOurs.test(entry.name)) return []
    return entry.isDirectory() ? pathsUnder(path) : [path]
  })
}

/** The files under a folder whose path matches. */
export function filesUnder(folder: string, wanted: RegExp = /./): SourceFile[] {
  return pathsUnder(folder)
    .filter((path) => wanted.test(path))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

/** All of src/ that is TypeScript. */
export function sources(): SourceFile[] {
  return filesUnder('src', /\.ts$/)
}

/** A planted file, for the tests that show a law at work. */
export function planted(path: string, text: string): SourceFile[] {
  return [{ path, text }]
}

/** The code of each file that was looked at, since a law looks several times. */
const codes = new WeakMap<SourceFile, string>()

function codeIn(file: SourceFile): string {
  const code = codes.get(file) ?? codeOf(file.text)
  codes.set(file, code)
  return code
}

/** One breach for each line of code that matches, named after it. */
export function linesThatMatch(files: readonly SourceFile[], pattern: RegExp, what: string): Breach[] {
  return files.flatMap((file) =>
    codeIn(file)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [{ path: file.path, what: `line ${index + 1}: ${what}` }] : [])),
  )
}

/** The modules that a file imports or re-exports from, statically or by `import()`, types included. */
export function importsOf(text: string): string[] {
  const withoutComments = blank(text, (piece) => piece.startsWith('//') || piece.startsWith('/*'))
  const statement = /^(?:import|export)\s[^'"=()]*?\bfrom\s+['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]|/
  const call = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/
  const forms = new RegExp(`${statement.source}${call.source}`, 'gm')
  return [...withoutComments.matchAll(forms)].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}

/** The text with comments, and what is inside strings, templates and regular expressions, turned to spaces. */
export function codeOf(text: string): string {
  return blank(text, () => true)
}

const comment = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y
const quoted = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/y
const expression = /\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/y
/** Inside a template up to its end, or to an expression in it, whose code stays. */
const templatePart = /(?:\\[\s\S]|(?!\$\{)[^`\\])*(?:`|\$\{)/y

/** After this much code a slash begins a regular expression; elsewhere it divides. */
const beforeExpression = /(?:^|[=(,:[!&|?{};+]|\breturn|=>)$/

/** Blanks each piece that is wanted: a comment, a string, a regular expression, a part of a template. */
function blank(text: string, wanted: (piece: string) => boolean): string {
  const code: string[] = []
  let position = 0
  /** The last code before, without spaces between. */
  let before = ''
  /** For each template that is open: how many braces are open in its expression. */
  const open: number[] = []
  const take = (pattern: RegExp, at = position): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0]
  }
  while (position < text.length) {
    const character = text[position] ?? ''
    const braces = open.at(-1)
    let piece: string | undefined
    if (character === '`' || (character === '}' && braces === 0)) {
      if (character === '}') open.pop()
      piece = `${character}${take(templatePart, position + 1) ?? ''}`
      if (piece.endsWith('${')) open.push(0)
    } else if (character === '/') {
      piece = take(comment) ?? (beforeExpression.test(before) ? take(expression) : undefined)
    } else if (character === "'" || character === '"') {
      piece = take(quoted)
    } else if (braces !== undefined && (character === '{' || character === '}')) {
      open[open.length - 1] = braces + (character === '{' ? 1 : -1)
    }
    const part = piece ?? character
    code.push(piece !== undefined && wanted(piece) ? piece.replace(/[^\n]/g, ' ') : part)
    if (piece === undefined && character.trim() !== '') before = `${before.slice(-8)}${character}`
    else if (piece !== undefined && !piece.startsWith('/')) before = piece.endsWith('${') ? '{' : "'"
    position += part.length
  }
  return code.join('')
}
