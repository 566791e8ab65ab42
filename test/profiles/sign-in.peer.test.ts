// Whose key signs where there is a container endpoint, against botocore: wherever it takes another one, we find that.

import { writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { HardkeyError } from '../../src/errors.ts'
import { botoSignIn, signInOf } from '../../src/profiles/sign-in.ts'
import { awsFiles } from './aws-files.ts'
import { botocore } from './botocore.ts'

const headers = [
  ...['default', ' default', 'profile default', 'profile  default', 'profile\tdefault', 'profile "default"'],
  ...['profiles default', 'DEFAULT', 'profile other', 'other', 'Credentials'],
]
const bodies = [
  ...['', 'region = x\n', 's3 =\n  aws_access_key_id = x\n', '; aws_access_key_id = x\n', '  region = x\n'],
  ...[' = ', '=', ' : ', ':'].map((sign) => `AWS_Access_Key_ID${sign}AKIA\n# why\naws_secret_access_key${sign}s\n`),
]
/** Sections with a body each, of which the second may stand under the first. */
const awsText = fc
  .uniqueArray(fc.constantFrom(...headers), { maxLength: 3 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc.tuple(fc.constantFrom('', '', '', ' ', '\t'), fc.constant(name), fc.constantFrom(...bodies)),
      ),
    ),
  )
  .map((sections) => sections.map(([indent, name, body]) => `${indent}[${name}]\n${body}`).join(''))
  .chain((text) => fc.constantFrom(text, text, text, text.replaceAll('\n', '\r\n'), text.replaceAll('\n', '\r')))

describe('an identity that comes before an endpoint', () => {
  it('is found wherever botocore finds one, on 400 sets of files', async () => {
    const sets = fc
      .sample(fc.tuple(awsText, awsText, awsText), { numRuns: 400, seed: 11 })
      .map(([config, credentials, boto]) => {
        const files = awsFiles({ config, credentials })
        writeFileSync(`${files.config}.boto`, boto, { mode: 0o600 })
        return { ...files, boto: `${files.config}.boto`, texts: { config, credentials, boto } }
      })
    const theirs = await botocore<string | null | { readonly error: string }>(
      sets.map(({ config, credentials, boto }) => ({
        ask: 'key' as const,
        variables: { AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: credentials, BOTO_CONFIG: boto },
      })),
    )
    for (const [at, { boto, texts, ...files }] of sets.entries()) {
      if (typeof theirs[at] !== 'string') continue
      const found = async (): Promise<unknown> => (await signInOf(files, 'default')) ?? (await botoSignIn([boto]))
      const ours = await found().catch((error: HardkeyError) => error.code)
      expect(ours, JSON.stringify(texts)).toBeDefined()
    }
    expect(theirs.filter((one) => typeof one === 'string').length).toBeGreaterThan(80)
  })
})
