// Walks transcripts-tpm2/ as transcripts.test.ts does its own, each with a fresh software TPM that TPM2TOOLS_TCTI names, and
// an office key in the home folder. `$ tpm2 WORDS` runs a tool of tpm2-tools on the same TPM.

import { generateKeyPairSync } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Swtpm, startSwtpm } from '../peers/swtpm.ts'
import { leftInTpm } from '../peers/tpm-questions.ts'
import { type Tpm2Tools, tpm2Tools } from '../peers/tpm2-tools.ts'
import { CommandHome, type Ran } from './hardkey.ts'
import { pattern, readTranscript, runStep } from './transcript.ts'

const folder = join(import.meta.dirname, 'transcripts-tpm2')

class TpmHome extends CommandHome {
  tcti = ''

  override environment(added: Readonly<Record<string, string>> = {}): Record<string, string> {
    return super.environment({ TPM2TOOLS_TCTI: this.tcti, ...added })
  }
}

async function step(home: TpmHome, tools: Tpm2Tools, command: string): Promise<Ran> {
  const [first = '', name = '', ...words] = command.split(' ')
  if (first !== 'tpm2') return await runStep(home, command)
  await tools.run(name, ...words)
  return { status: 0, stdout: '', stderr: '' }
}

for (const file of readdirSync(folder)) {
  describe(`transcript ${file}`, () => {
    const home = new TpmHome()
    let tpm: Swtpm
    let tools: Tpm2Tools
    beforeAll(async () => {
      tpm = await startSwtpm()
      tools = await tpm2Tools(tpm.tcti)
      home.tcti = tpm.tcti
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      home.write('office.pem', privateKey.export({ format: 'pem', type: 'pkcs8' }))
      home.write('office.pub.pem', publicKey.export({ format: 'pem', type: 'spki' }))
    })
    afterAll(async () => {
      tools?.remove()
      await tpm?.stop()
      home.remove()
    })
    for (const { title, command, stdout, stderr, status } of readTranscript(readFileSync(join(folder, file), 'utf8'))) {
      it(title, async () => {
        const ran = await step(home, tools, command)
        expect(ran.stderr.trimEnd()).toMatch(pattern(stderr, home.folder))
        expect(ran.stdout.trimEnd()).toMatch(pattern(stdout, home.folder))
        expect(ran.status).toBe(status)
        expect(await leftInTpm(tpm)).toEqual([])
      })
    }
  })
}
