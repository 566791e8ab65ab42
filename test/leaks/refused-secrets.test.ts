// Failing paths of the command with canary secrets: none may be seen on either stream, in any usual encoding (L-1).

import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CheckedIn, region, role } from '../cli/checked-in.ts'
import { type Ran, throwAwayKey } from '../cli/hardkey.ts'
import { type Canaries, expectNoCanary } from '../contract/canary.ts'

const other = throwAwayKey()
const passphrase = 'canary passphrase 7f3a'
let there: CheckedIn
let canaries: Canaries
beforeAll(async () => {
  there = await CheckedIn.make()
  there.home.write('canary-passphrase', passphrase)
  const today = new Date().toISOString().slice(0, 10).replaceAll('-', '')
  const dateKey = createHmac('sha256', `AWS4${there.secretAccessKey}`).update(today).digest()
  canaries = {
    secret: Buffer.from(there.secretAccessKey),
    'other secret': Buffer.from(other.secretAccessKey),
    passphrase: Buffer.from(passphrase),
    'passphrase of the keyset': Buffer.from('correct horse'),
    DateKey: dateKey,
  }
})
afterAll(() => there.remove())

const importing = (input: string, ...words: string[]): Promise<Ran> => {
  const fixed = ['import', 'two', '--to', 'embedded', '--access-key-id', other.accessKeyId, '--verbose']
  return there.home.run([...fixed, ...words], { input })
}
const canary = other.secretAccessKey
const fromStdin = ['--from', 'stdin', '--offline']
const toSts = ['--region', region]

describe('a secret that is refused', () => {
  it.each([
    ['too long', () => importing(`${canary}x`, ...fromStdin)],
    ['in two lines', () => importing(`${canary}\n${canary}`, ...fromStdin)],
    ['with a space', () => importing(` ${canary}`, ...fromStdin)],
    ['with its prefix', () => importing(`AWS4${canary}`, ...fromStdin)],
    ['in the form of a setting', () => importing(`aws_secret_access_key = ${canary}`, ...fromStdin)],
    ['in JSON', () => importing(JSON.stringify({ SecretAccessKey: canary }), ...fromStdin)],
    ['with a byte that is no text', () => importing(`${canary}\u0000`, ...fromStdin)],
    ['before an endless rest', () => importing(canary + 'x'.repeat(100_000), ...fromStdin)],
    ['as an argument', () => there.home.run(['import', 'two', '--to', canary])],
    ['as the value of an option', () => there.home.run(['whoami', 'prod', `--region=${canary}`])],
    ['in a body', () => there.home.run(['request', 'prod', 'GET', 'http://127.0.0.1/', '--body', `{"k":"${canary}"}`])],
  ])('L-1, L-2: %s is shown nowhere', async (_, run) => {
    const ran = await run()
    expectNoCanary(ran.stdout + ran.stderr, canaries)
    expect(ran.status).toBe(2)
  })
})

describe('a step that fails after the secret was read', () => {
  it.each([
    ['no passphrase', () => importing(canary, ...fromStdin)],
    [
      'a passphrase file that others can read',
      () => importing(canary, ...fromStdin, '--pin-source', 'file:/etc/passwd'),
    ],
    [
      'an STS that does not know the key',
      () => {
        const unlock = ['--pin-source', `file:${there.home.folder}/canary-passphrase`]
        return importing(canary, '--from', 'stdin', ...toSts, '--endpoint-url', there.sts.url, ...unlock)
      },
    ],
  ])('L-1, L-2: with %s shows no secret', async (_, run) => {
    const ran = await run()
    expectNoCanary(ran.stdout + ran.stderr, canaries)
    expect(ran.status).not.toBe(0)
  })
})

describe('a key that is used', () => {
  const unlock = (): readonly string[] => ['--pin-source', `file:${there.home.folder}/canary-passphrase`]
  it.each([
    ['with a wrong passphrase', () => ['whoami', 'prod', ...unlock()], 1],
    ['with pin-value in its URI', () => ['whoami', `tink:file=x?kek=passphrase:&pin-value=${passphrase}`, ...id()], 2],
    ['against an STS that is away', () => ['whoami', 'prod', '--endpoint-url', 'http://127.0.0.1:9/'], 1],
    ['for a role that is none', () => ['credential-process', 'prod', '--role-arn', `${role}!`], 2],
    ['for whoami', () => ['whoami', 'prod'], 0],
    ['for a presigned URL', () => ['presign', 'prod', 'https://s3.eu-west-1.amazonaws.com/b/k'], 0],
    ['for a request that is only shown', () => ['request', 'prod', 'GET', there.sts.url, ...sts(), '--dry-run'], 0],
    ['for an inspection', () => ['inspect', 'prod', '--json'], 0],
    ['for a session', () => ['credential-process', 'prod'], 0],
  ])('L-1: %s shows no secret', async (_, words, status) => {
    const ran = await there.home.run([...words(), '--verbose'])
    expectNoCanary(ran.stdout + ran.stderr, canaries)
    expect(ran.status).toBe(status)
  })

  const id = (): readonly string[] => ['--access-key-id', there.accessKeyId]
  const sts = (): readonly string[] => ['--service', 'sts']

  it('L-4: writes no secret into the home folder, but what the test put there', () => {
    for (const name of ['prod.json', 'prod.keyset.json']) {
      expectNoCanary(there.home.read(`hardkey/keys/${name}`), canaries)
    }
  })
})
