// The words of a command line that a setting holds. In: text. Out: program and arguments, as sh(1) splits them; nothing is
// run by a shell and nothing is expanded. POSIX Shell Command Language, 2.2 "Quoting".

/** Of a word: a plain character, '…', "…" in which \ protects four characters, or \ and a character. */
const part = /[^\s"'\\|&;<>()$`*?[\]]|'[^']*'|"(?:[^"\\$`]|\\[^\n])*"|\\[^\n]/
const line = new RegExp(`^\\s*(?:(?![~#])(?:${part.source})+(?:\\s+|$))+$`)
const words = new RegExp(`(?:${part.source})+`, 'g')

/**
 * The words; undefined for a line that needs a shell (a pipe, a variable, a wildcard, `~`), has an open quote, or has no
 * word at all.
 */
export function commandWords(text: string): readonly [program: string, ...words: string[]] | undefined {
  if (!line.test(text)) return undefined
  const [program = '', ...rest] = (text.match(words) ?? []).map(unquoted)
  return program === '' ? undefined : [program, ...rest]
}

function unquoted(word: string): string {
  return word.replace(
    /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs,
    (_, single?: string, double?: string, escaped?: string) =>
      single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? '',
  )
}
