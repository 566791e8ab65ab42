// Walks transcripts/: every file is one home folder, every step a command line with all that it prints and its status.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { CommandHome } from './hardkey.ts'
import { pattern, readTranscript, runStep } from './transcript.ts'

const folder = join(import.meta.dirname, 'transcripts')

for (const file of readdirSync(folder)) {
  describe(`transcript ${file}`, () => {
    const home = new CommandHome()
    afterAll(() => home.remove())
    for (const step of readTranscript(readFileSync(join(folder, file), 'utf8'))) {
      it(step.title, async () => {
        const { status, stdout, stderr } = await runStep(home, step.command)
        expect(stderr.trimEnd()).toMatch(pattern(step.stderr, home.folder))
        expect(stdout.trimEnd()).toMatch(pattern(step.stdout, home.folder))
        expect(status).toBe(step.status)
      })
    }
  })
}
