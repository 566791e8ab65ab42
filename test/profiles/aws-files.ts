// AWS files for one test. In: their texts. Out: their paths; what they hold afterwards.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AwsFiles } from '../../src/profiles/aws-config.ts'
import { temporaryFolder } from '../files/temporary-folder.ts'

/** Files of mode 0600 in a folder of their own; undefined makes none. */
export function awsFiles(texts: { readonly config?: string; readonly credentials?: string }): AwsFiles {
  const folder = temporaryFolder()
  const files = { config: join(folder, 'config'), credentials: join(folder, 'credentials') }
  for (const name of ['config', 'credentials'] as const) {
    const text = texts[name]
    if (text !== undefined) writeFileSync(files[name], text, { mode: 0o600 })
  }
  return files
}

export function textOf(path: string): string {
  return readFileSync(path, 'utf8')
}
