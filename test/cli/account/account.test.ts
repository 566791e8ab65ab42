// The account of use: a line for each use of a device and each credential given out, and what becomes of a command that
// cannot write it.

import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../files/temporary-folder.ts'
import { CheckedIn, region, role } from '../checked-in.ts'
import type { Ran } from '../hardkey.ts'

// Each run opens an embedded keyset, whose passphrase is slow to try on purpose.
let there: CheckedIn
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterAll(() => there.remove())

const lines = (path: string): Record<string, unknown>[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

const ask = (path: string, ...words: string[]): Promise<Ran> =>
  there.home.run(['credential-process', 'prod', '--account', path, ...words])

describe('a line of the account', () => {
  it('is there for the use of the device and for the credentials, with what CloudTrail knows them by', async () => {
    const path = join(temporaryFolder(), 'account')
    const words = ['--role-arn', role, '--role-session-name', 'nightly', '--source-identity', 'me']
    const { stdout } = await ask(path, ...words)
    const common = {
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      key: 'prod',
      accessKeyId: there.accessKeyId,
      reason: 'credential-process',
      pid: process.pid,
      uid: process.getuid?.(),
    }
    const scope = expect.stringMatching(new RegExp(`^\\d{8}/${region}/sts$`))
    const session = JSON.parse(stdout).AccessKeyId
    expect(lines(path)).toEqual([
      { ...common, event: 'device-used', scope },
      { ...common, event: 'handed-out', session, role, sessionName: 'nightly', sourceIdentity: 'me' },
    ])
  })

  it('holds no secret, and the file is for its owner alone', async () => {
    const path = join(temporaryFolder(), 'account')
    const { SecretAccessKey, SessionToken } = JSON.parse((await ask(path)).stdout)
    const text = readFileSync(path, 'utf8')
    for (const secret of [SecretAccessKey, SessionToken, there.secretAccessKey, 'correct horse']) {
      expect(text).not.toContain(secret)
    }
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it.each([
    [['presign', 'prod', 'https://s3.us-east-2.amazonaws.com/b/k'], 'presign', '/us-east-2/s3'],
    [['token', 'prod', 'msk'], 'token', `/${region}/kafka-cluster`],
    [['whoami', 'prod'], 'whoami', `/${region}/sts`],
    [['inspect', 'prod'], 'inspect', undefined],
  ])('says for %j what was signed', async (words, reason, scope) => {
    const path = join(temporaryFolder(), 'account')
    await there.home.run(words, { environment: { HARDKEY_ACCOUNT: path } })
    const expected = scope === undefined ? null : expect.stringContaining(scope)
    expect(lines(path)).toEqual([expect.objectContaining({ event: 'device-used', reason, scope: expected })])
  })

  it('names a session without a role, and one of a federated user', async () => {
    const path = join(temporaryFolder(), 'account')
    await ask(path)
    await ask(path, '--federation-name', 'visitor')
    const given = lines(path).filter(({ event }) => event === 'handed-out')
    expect(given.map((line) => [line.role, line.sessionName])).toEqual([
      [null, null],
      [null, 'visitor'],
    ])
  })

  it('has the name that hardkey gives a session where nobody names it', async () => {
    const path = join(temporaryFolder(), 'account')
    await ask(path, '--role-arn', role)
    expect(lines(path)[1]).toMatchObject({ sessionName: `hardkey-${there.accessKeyId}` })
  })

  it('is never there for a device that was not used', async () => {
    const folder = temporaryFolder()
    await ask(join(folder, 'account'), '--pin-source', 'file:/nonexistent/pin')
    expect(readdirSync(folder)).toEqual([])
  })

  it('stays whole where many processes write at once', async () => {
    const path = join(temporaryFolder(), 'account')
    const words = ['presign', 'prod', 'https://s3.eu-west-1.amazonaws.com/b/k', '--account', path]
    const waves = Array.from({ length: 2 }, () => Array.from({ length: 6 }, () => words))
    for (const wave of waves) await Promise.all(wave.map((one) => there.home.run(one)))
    expect(lines(path)).toHaveLength(12)
  })

  it('stands on its own where the one before it was cut by a full disk', async () => {
    const path = there.home.write('cut', '{"time":"2026-')
    await there.home.run(['presign', 'prod', 'https://s3.eu-west-1.amazonaws.com/b/k', '--account', path])
    expect(readFileSync(path, 'utf8')).toMatch(/^\{"time":"2026-\n\{.*\}\n$/)
  })
})

describe('an account that cannot be written', () => {
  const presign = (path: string): Promise<Ran> =>
    there.home.run(['presign', 'prod', 'https://s3.eu-west-1.amazonaws.com/b/k', '--account', path])
  const warned = ({ stdout, stderr, status }: Ran, says: string): void => {
    expect(stdout).toContain('X-Amz-Signature')
    expect(stderr).toContain('hardkey: warning: a line of the account of use is missing: ')
    expect(stderr).toContain(says)
    expect(status).toBe(0)
  }

  it('warns, and the command goes on: a folder that there is not', async () => {
    warned(await presign('/nonexistent/account'), 'it does not exist')
  })

  it('and is a link leaves alone what the link leads to', async () => {
    const path = join(temporaryFolder(), 'link')
    symlinkSync(there.home.write('other', 'mine\n'), path)
    warned(await presign(path), 'it is a symbolic link')
    expect(there.home.read('other')).toBe('mine\n')
  })

  it('and is a pipe that nobody reads does not hold the command up', async () => {
    const path = join(temporaryFolder(), 'pipe')
    execFileSync('mkfifo', [path])
    warned(await presign(path), 'cannot write')
  })

  it('and is a folder or a device is refused', async () => {
    const path = join(temporaryFolder(), 'folder')
    mkdirSync(path)
    warned(await presign(path), 'it is a folder')
    warned(await presign('/dev/null'), 'not permitted')
  })

  it('for want of space warns', async ({ skip }) => {
    skip(process.getuid?.() !== 0, 'only root can mount a disk that is full')
    const folder = temporaryFolder()
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', folder])
    try {
      const path = join(folder, 'account')
      writeFileSync(path, `${'x'.repeat(4000)}\n`, { mode: 0o600 })
      warned(await presign(path), 'no space is left')
    } finally {
      execFileSync('umount', [folder])
    }
  })
})
