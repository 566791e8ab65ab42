// What a workflow of the host may do: the least, with nothing of third parties that a tag could change (S-09).
// In: the files of .github/workflows/. Out: the breaches.

import type { Breach, SourceFile } from './tree.ts'

const neverThere: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/\bpull_request_target\b|\bworkflow_run\b/, 'runs code of a pull request with the rights of the repository'],
  [/\bsecrets\./, 'takes a secret'],
  [/\bactions\/cache\b|\bcache:/, 'takes a cache, which an untrusted job could have written'],
  [/\$\{\{\s*github\.(?:event|head_ref)/, "puts a stranger's text into a script"],
  [/^(?!\s+id-token:).*:\s*write(?:-all)?\s*$/m, 'may write'],
]

export function workflowBreaches(files: readonly SourceFile[]): Breach[] {
  return files.flatMap(({ path, text }) => {
    const found = neverThere.filter(([pattern]) => pattern.test(text)).map(([, what]) => what)
    const loose = [...text.matchAll(/^\s*-?\s*uses:\s*(\S+)/gm)]
      .map(([, action = '']) => action)
      .filter((action) => !/@[0-9a-f]{40}$/.test(action))
    // The identity of a run is what npm publishes by: for a job that a second person lets go alone.
    const published = text.split(/^ {2}(?=\S)/m).filter((job) => /id-token:\s*write/.test(job))
    const unasked = published.filter((job) => !/^ {4}environment: release$/m.test(job))
    return [
      ...found,
      ...unasked.map(() => 'takes the identity of the run in a job that nobody agrees to'),
      ...loose.map((action) => `uses ${action}, which is not pinned by its commit`),
      ...(/^permissions:\n {2}contents: read$/m.test(text) ? [] : ['does not begin with the right to read alone']),
    ].map((what) => ({ path, what }))
  })
}
