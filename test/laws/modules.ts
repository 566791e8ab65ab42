// Laws 5 to 8 of the style: optional libraries, who may touch the world, no state and no act at module level, file
// names; then the habits that a machine can see. In: files. Out: the breaches.

import { type Breach, codeOf, importsOf, linesThatMatch, type SourceFile } from './tree.ts'

/** Programs of their own: they start when they are loaded. */
const entries = ['src/cli/main.ts', 'src/backends/pkcs11/child.ts']

/** Law 5: a library from elsewhere is imported in one file. */
export function optionalLibraryBreaches(files: readonly SourceFile[]): Breach[] {
  const users = new Map<string, string[]>()
  for (const file of files) {
    const packages = importsOf(file.text).filter((specifier) => !/^\.|^node:/.test(specifier))
    for (const name of new Set(packages)) users.set(name, [...(users.get(name) ?? []), file.path])
  }
  return [...users]
    .filter(([, paths]) => paths.length > 1)
    .flatMap(([name, paths]) => paths.map((path) => ({ path, what: `imports ${name}, and so does another file` })))
}

/** Law 6: only cli/ reads the environment, prints, asks or exits. */
export function worldBreaches(files: readonly SourceFile[]): Breach[] {
  const library = files.filter((file) => !file.path.startsWith('src/cli/') && !entries.includes(file.path))
  const mayReadEnvironment = /^src\/(?:key\/pin-source\.ts$|backends\/pkcs11\/)/
  return [
    ...linesThatMatch(
      library.filter((file) => !mayReadEnvironment.test(file.path)),
      /\bprocess\.env\b/,
      'reads the environment',
    ),
    ...linesThatMatch(library, /\bconsole\.|\bprocess\.(?:stdin|stdout|stderr)\b/, 'prints or asks'),
    ...linesThatMatch(
      library,
      /\bprocess\.(?:exit|exitCode|argv|abort)\b/,
      'is not a command, yet exits or reads arguments',
    ),
    ...library
      .filter((file) => importsOf(file.text).includes('node:process'))
      .map((file) => ({ path: file.path, what: 'imports node:process, where this law does not see it' })),
  ]
}

/** Law 6: clock and chance come in as parameters, whose defaults may name the real ones. */
export function clockBreaches(files: readonly SourceFile[]): Breach[] {
  const inside = files.filter((file) => !file.path.startsWith('src/cli/'))
  const asDefault =
    /\bnow\b[^\n]*=>\s*new Date\(\)|\bnow\b[^\n]*\bDate\.now\b(?!\()|\brandom\b[^\n]*\bMath\.random\b(?!\()/
  return linesThatMatch(
    inside,
    /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b/,
    'takes the clock or chance by itself',
  ).filter((breach) => !asDefault.test(lineOf(files, breach)))
}

/** Law 7: no mutable state and no act at module level, no `export *`, no default export. */
export function moduleBreaches(files: readonly SourceFile[]): Breach[] {
  const begun = /^(?:import|export|const|function|async|class|abstract|interface|type|declare|[})\]]|$)/
  return [
    ...linesThatMatch(files, /^(?:export )?(?:let|var) /, 'a variable at module level'),
    ...linesThatMatch(
      files,
      /^(?:export )?const (?!.*\bReadonly)[^=]*=\s*(?:new (?:Weak)?(?:Map|Set)\b|\[\]|\{\})/,
      mutable,
    ),
    ...linesThatMatch(files, /^ +static (?!readonly )[#\w]+\s*(?::[^=(]*)?=/, 'a class-wide variable'),
    ...linesThatMatch(files, /^export \* /, 'export *'),
    ...linesThatMatch(files, /^export default\b/, 'a default export'),
    ...linesThatMatch(files, /^(?:export )?const [^=]*= await\b/, 'waits while it is imported'),
    ...files
      .filter((file) => !entries.includes(file.path))
      .flatMap((file) => linesThatMatch([file], /^\S/, 'acts while it is imported'))
      .filter((breach) => !begun.test(codeLineOf(files, breach))),
    ...linesThatMatch(
      files.filter((file) => !entries.includes(file.path)),
      /^import\s*$/,
      'imports for a side effect',
    ),
  ]
}
const mutable = 'a collection at module level that is not Readonly'

/** Law 8: no drawers of odds and ends. */
export function drawerBreaches(paths: readonly string[]): Breach[] {
  return paths
    .filter((path) => /(?:^|[/.-])(?:utils?|helpers?|common|misc|shared)(?:[/.-]|$)/i.test(path))
    .map((path) => ({ path, what: 'is named for odds and ends' }))
}

/** Each file opens with two to five lines of comment; numbered sentences or another paragraph may follow. */
export function headerBreaches(files: readonly SourceFile[]): Breach[] {
  return files.flatMap((file) => {
    const lines = file.text.split('\n').filter((line, index) => index > 0 || !line.startsWith('#!'))
    const header = lines.findIndex((line) => !line.startsWith('//'))
    const opening = lines.slice(0, header).findIndex((line) => /^\/\/(?: 1\. |$)/.test(line))
    const enough = header >= 2 && (opening === -1 ? header : opening) <= 5
    return enough ? [] : [{ path: file.path, what: `opens with ${header} lines of comment` }]
  })
}

/** Past 250 lines a file says why at its top, in a sentence that names the number. */
export function lengthBreaches(files: readonly SourceFile[]): Breach[] {
  return files.flatMap((file) => {
    const lines = file.text.split('\n')
    const told = lines.slice(0, 8).some((line) => line.startsWith('//') && line.includes('250'))
    return lines.length <= 251 || told
      ? []
      : [{ path: file.path, what: `${lines.length - 1} lines, and does not say why` }]
  })
}

/** Past 50 lines a function, past 25 a test case, says why in a comment that names the number. A table is no case. */
export function functionBreaches(files: readonly SourceFile[]): Breach[] {
  const begunFunction = /^ *(?:export )?(?:async )?function\b|^ {2}(?:(?:async|static|get|set) )*[#\w]+\([^=]*$/
  return files.flatMap((file) => [
    ...tooLong(file, begunFunction, 50),
    ...tooLong(file, /^ *(?:it|test)(?:\.for|\.each)?\((?!\[$)|^ *\]\)\(/, 25),
  ])
}

function tooLong(file: SourceFile, begun: RegExp, limit: number): Breach[] {
  const lines = codeOf(file.text).split('\n')
  const text = file.text.split('\n')
  return lines.flatMap((line, start) => {
    if (!begun.test(line)) return []
    const length = linesUntilClosed(lines.slice(start))
    const told = text.slice(Math.max(0, start - 4), start + 3).some((near) => near.includes(`${limit} lines`))
    return length <= limit || told ? [] : [{ path: file.path, what: `line ${start + 1}: ${length} lines in one` }]
  })
}

/** How many lines it takes until every bracket that the first ones open is closed. */
function linesUntilClosed(lines: readonly string[]): number {
  let open = 0
  const last = lines.findIndex((line, index) => {
    const start = index === 0 ? line.replace(/^ *\]\)/, '') : line
    open += (start.match(/[([{]/g)?.length ?? 0) - (start.match(/[)\]}]/g)?.length ?? 0)
    return open <= 0
  })
  return last + 1
}

/** No text is run as a program, no shell is started, nothing is imported by a variable, all comparisons are strict. */
export function evaluationBreaches(files: readonly SourceFile[]): Breach[] {
  return [
    ...linesThatMatch(files, /\beval\(|\bnew Function\(/, 'runs a text as a program'),
    ...linesThatMatch(files, /(?:\bawait|\breturn|=>|=|\()\s*import\(\s*[^\s)]/, 'imports what a variable names'),
    ...linesThatMatch(files, /[^=!]==[^=]|!=[^=]/, 'compares and converts'),
    ...linesThatMatch(files, /\bshell: true\b|\bexecSync\(|\{[^}]*\bexec\b[^}]*\} from/, 'starts a shell'),
  ]
}

function lineOf(files: readonly SourceFile[], breach: Breach): string {
  return textOf(files, breach).split('\n')[lineNumber(breach) - 1] ?? ''
}

function codeLineOf(files: readonly SourceFile[], breach: Breach): string {
  return codeOf(textOf(files, breach)).split('\n')[lineNumber(breach) - 1] ?? ''
}

function textOf(files: readonly SourceFile[], breach: Breach): string {
  return files.find((file) => file.path === breach.path)?.text ?? ''
}

function lineNumber(breach: Breach): number {
  return Number(/line (\d+)/.exec(breach.what)?.[1])
}
