// What a release stands on, by the tools that judge it: the workflows by two linters (S-04, S-09), the bills of materials
// by the validators of their formats (S-07), the manual page by groff. In: the tree and dist/.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../laws/tree.ts'
import { builtEnvironment, peer } from '../peers/peer.ts'

const run = (command: string, words: readonly string[], input?: string) =>
  spawnSync(command, words, { cwd: root, env: builtEnvironment({ HOME: tmpdir() }), encoding: 'utf8', input })

const release = readFileSync(join(root, '.github', 'workflows', 'release.yml'), 'utf8')

it('S-09: workflows pass the linter of their syntax and the linter of their rights', async () => {
  const { command } = await peer('actionlint')
  expect(run(command, ['-no-color'])).toMatchObject({ status: 0, stdout: '' })
  const { zizmor } = await peer('linters')
  expect(run(zizmor, ['--offline', '--quiet', '.github/workflows'])).toMatchObject({ status: 0 })
})

it('S-09: both linters see a planted fault', async () => {
  const planted = release.replace('      contents: read\n      id-token: write', '      contents: maybe')
  const { command } = await peer('actionlint')
  expect(run(command, ['-no-color', '-'], planted).status).toBe(1)
  const { zizmor } = await peer('linters')
  expect(run(zizmor, ['--offline', '--quiet', '-'], release.replaceAll(/ # zizmor: .*/g, '')).status).not.toBe(0)
})

it('S-04: a release comes from a pushed tag, by the identity of the run, with provenance, and no stored token', () => {
  expect(release).toMatch(/^on:\n {2}push:\n {4}tags: \["v\*"\]$/m)
  expect(release).toContain('npm publish --provenance')
  expect(release).not.toMatch(/secrets\.|NODE_AUTH_TOKEN|NPM_TOKEN/)
})

it('S-05: what was published is installed again, and its signatures and provenance are checked', () => {
  expect(release.slice(release.indexOf('  verify:'))).toContain('npm audit signatures')
})

const judge = `
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
text = open('dist/sbom.cdx.json').read()
if len(sys.argv) > 1: text = text.replace('"type":"library"', '"type":"book"')
print(JsonStrictValidator(SchemaVersion.V1_5).validate_str(text))
print([str(one.validation_message) for one in validate_full_spdx_document(parse_file('dist/sbom.spdx.json'))])
`

it('S-07: the bills of materials in the package are valid CycloneDX and SPDX', async () => {
  const { python } = await peer('linters')
  expect(run(python, ['-c', judge])).toMatchObject({ status: 0, stdout: 'None\n[]\n' })
  expect(run(python, ['-c', judge, 'broken']).stdout).not.toContain('None')
})

it('the manual page is set without a warning', async () => {
  const { command } = await peer('groff')
  expect(run(command, ['-man', '-ww', '-z', join(root, 'dist', 'hardkey.1')])).toMatchObject({ status: 0, stderr: '' })
})
