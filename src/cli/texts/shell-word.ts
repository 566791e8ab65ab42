// Words for a POSIX shell. In: words, each as a program is to get it. Out: one line that a person can copy.
// IEEE Std 1003.1, Shell Command Language, section 2.2.2: between single quotes nothing has a meaning but the quote itself.

/** The words with spaces between them, in single quotes where a shell would read anything into them. */
export function shellLine(words: readonly string[]): string {
  return words.map((word) => (/^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ')
}
