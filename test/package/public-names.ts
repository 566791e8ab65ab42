// The public names. In: package.json's exports and the source file behind each. Out: the names that a user can import,
// by subpath, types marked; and for each public function the comment above it.

import { posix } from 'node:path'
import { filesUnder, type SourceFile } from '../laws/tree.ts'

interface PublicName {
  readonly name: string
  readonly isType: boolean
  /** The source file that declares it. */
  readonly path: string
}

/** The names behind each subpath, in alphabetical order: `hardkey/backends/tink` → [...]. */
export function publicNames(): Map<string, PublicName[]> {
  const manifest = JSON.parse(filesUnder('.', /^package\.json$/)[0]?.text ?? '{}')
  const files = filesUnder('src', /\.ts$/)
  return new Map(
    Object.entries<{ types?: string }>(manifest.exports).flatMap(([subpath, target]) => {
      if (target.types === undefined) return []
      const path = target.types.replace('./dist/', 'src/').replace(/\.d\.ts$/, '.ts')
      const names = namesOf(path, files).sort((a, b) => (a.name < b.name ? -1 : 1))
      return [[posix.join('hardkey', subpath), names]]
    }),
  )
}

/** What a file exports, by declaration or by `export { a, type B } from './c.ts'`. */
function namesOf(path: string, files: readonly SourceFile[]): PublicName[] {
  const text = files.find((file) => file.path === path)?.text
  if (text === undefined) throw new Error(`package.json exports ${path}, which is not there`)
  const declared = [...text.matchAll(/^export (?:abstract )?(?:async )?(function|class|const|interface|type) (\w+)/gm)]
  const passedOn = [...text.matchAll(/^export (type )?\{([^}]*)\}(?: from '([^']+)')?/gm)]
  return [
    ...declared.map(([, kind, name = '']) => ({ name, isType: kind === 'interface' || kind === 'type', path })),
    ...passedOn.flatMap(([, all, list = '', from]) =>
      list
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '')
        .map((item) => ({
          name: item.replace(/^type /, '').replace(/^.* as /, ''),
          isType: all !== undefined || item.startsWith('type '),
          path: from === undefined ? path : posix.join(posix.dirname(path), from),
        })),
    ),
  ]
}

/** The comment right above the declaration of a public function; undefined when the name is no function. */
export function commentAbove({ name, path }: PublicName): string | undefined {
  const text = filesUnder('src', /\.ts$/).find((file) => file.path === path)?.text ?? ''
  const declaration = new RegExp(`^export (?:async )?function ${name}\\b`, 'm').exec(text)
  if (declaration === null) return undefined
  return /\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*$/.exec(text.slice(0, declaration.index))?.[0] ?? ''
}
