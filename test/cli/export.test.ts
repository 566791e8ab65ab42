// `hardkey export` against the STS of the demo: each format, taken over by the shell that it is for.

import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CheckedIn, role } from './checked-in.ts'
import type { Ran } from './hardkey.ts'

// Each run opens an embedded keyset, whose passphrase is slow to try on purpose.
let there: CheckedIn
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterAll(() => there.remove())

const exported = (...words: string[]): Promise<Ran> => there.home.run(['export', 'prod', '--role-arn', role, ...words])
const keys = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_CREDENTIAL_EXPIRATION']
const names = [...keys, 'AWS_REGION', 'AWS_DEFAULT_REGION']
const seen = `printf '%s\\n' "$AWS_ACCESS_KEY_ID" "$AWS_CREDENTIAL_EXPIRATION"`

describe('export', () => {
  it('prints by default what credential-process prints', async () => {
    const { stdout, stderr, status } = await exported()
    expect(JSON.parse(stdout)).toMatchObject({ Version: 1, AccountId: '111122223333' })
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
    expect((await exported('--format', 'process')).stdout).toMatch(/^\{"Version":1,.*\}\n$/)
  })

  it.each(['env', 'env-no-export', 'powershell', 'windows-cmd', 'fish'])(
    'has the four variables and the region for %s',
    async (format) => {
      const { stdout, stderr } = await exported('--format', format)
      expect(
        stdout
          .split('\n')
          .slice(0, -1)
          .map((line) => /AWS_\w+/.exec(line)?.[0]),
      ).toEqual(names)
      expect(stderr).toBe('')
    },
  )

  it.each([
    ['env', 'sh -c'],
    ['env-no-export', ''],
  ])('--format %s is taken over by a shell', async (format, inner) => {
    const { stdout } = await exported('--format', format)
    const told = spawnSync('/bin/sh', [
      '-c',
      `eval "$1"; ${inner === '' ? seen : `sh -c '${seen.replaceAll("'", '"')}'`}`,
      'sh',
      stdout,
    ])
    expect(told.stdout.toString()).toMatch(/^ASIA\w+\n\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n$/)
  })

  it('refuses another format, and names those there are', async () => {
    const { stdout, stderr, status } = await exported('--format', 'json')
    expect(stderr).toContain(
      'hardkey: error: --format "json" is none\nhardkey: hint: write process (JSON), env, env-no-export, powershell, windows-cmd, fish;',
    )
    expect({ stdout, status }).toEqual({ stdout: '', status: 2 })
  })

  it('prints nothing where there is no session', async () => {
    const { stdout, status } = await exported('--format', 'env', '--endpoint-url', 'http://127.0.0.1:1/')
    expect({ stdout, status }).toEqual({ stdout: '', status: 1 })
  })
})
