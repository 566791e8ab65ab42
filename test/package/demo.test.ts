// What `npm run demo` plays once it has installed and built: the command's own demo, with the clone's two checks.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { root } from '../laws/tree.ts'
import { builtEnvironment } from '../peers/peer.ts'

const folder = mkdtempSync(join(tmpdir(), 'hardkey-demo-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What is the same in every run. */
function masked(text: string): string {
  return text
    .replaceAll(/\b20\d{6}(?:T\d{6}Z)?\b/g, 'DATE')
    .replaceAll(/\b(AKIA|ASIA)[A-Z2-7]+/g, '$1')
    .replaceAll(/[0-9a-f]{8}…/g, 'HEX…')
    .replaceAll(/"[^"]*hardkey-demo-[^"]*"/g, 'FILE')
}

it('plays the demo in at most 40 lines, with the AWS SDK and a second signer agreeing, and leaves no trace', () => {
  const command = join(root, 'dist', 'cli', 'hardkey.cjs')
  const words = ['demo', '--then', join(root, 'scripts', 'demo-clients.mjs')]
  const env = builtEnvironment({ HOME: folder, TMPDIR: folder })
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...words], { env, encoding: 'utf8' })
  expect(status, stderr).toBe(0)
  expect(`${stdout}${stderr}`.trim().split('\n').length).toBeLessThanOrEqual(40)
  expect(stdout).toMatch(/@smithy\/signature-v4.*the same signature/)
  expect(stdout).toMatch(/AWS SDK client, by credential_process, acts as arn:aws:sts::\d{12}:assumed-role\//)
  expect(readdirSync(folder)).toEqual([])
  const [, shown] = /\$ npm run demo\n([\s\S]*?)\n```/.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? []
  expect(masked(stdout).trim(), 'the transcript in README.md').toBe(masked(shown ?? ''))
})
