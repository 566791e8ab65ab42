// A folder for one test, mode 0700, removed after it. In: nothing. Out: its path.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** The path of a fresh folder, which goes with the test that called. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The path of a fresh folder in memory, for what a command keeps between runs; its maker removes it. */
export function folderInMemory(): string {
  return mkdtempSync('/dev/shm/hardkey-test-')
}
