// Where the file lies that runs a PKCS#11 module. In: nothing but the place of this file. Out: the path of
// dist/backends/pkcs11/child.cjs, or ERR_BACKEND_NOT_INSTALLED.

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { HardkeyError } from '../../errors.ts'

/** As seen from dist/chunks/, where library and command have their code. */
const fromChunks = '../backends/pkcs11/child.cjs'

/**
 * The same file for the library, for the command and under test: at its place in dist/, else found by the package's
 * name, which takes 7 ms.
 */
export function childPath(): string {
  const inPlace = fileURLToPath(new URL(fromChunks, import.meta.url))
  if (existsSync(inPlace)) return inPlace
  const path = join(packageFolder(), 'dist', 'backends', 'pkcs11', 'child.cjs')
  if (!existsSync(path)) throw notFound(undefined)
  return path
}

function packageFolder(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve('hardkey/package.json'))
  } catch (cause) {
    throw notFound(cause)
  }
}

function notFound(cause: unknown): HardkeyError {
  return new HardkeyError('ERR_BACKEND_NOT_INSTALLED', 'the file that runs PKCS#11 modules is not found', {
    hint: 'the package hardkey must stay as it was installed: a bundler must leave it out',
    cause,
  })
}
