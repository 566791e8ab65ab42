// Another user of the machine (T-1): reads no file of ours, sees no secret of a command that runs, cannot plant a file that
// we would trust, and cannot block a name that we need.

import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CheckedIn } from '../cli/checked-in.ts'
import { commandFile, ended } from '../cli/hardkey.ts'
import { expectNoCanary } from '../contract/canary.ts'
import { asSecondUser, secondUser } from './second-user.ts'

let there: CheckedIn
/** A folder in which everybody may write, as /tmp. */
let open: string
beforeAll(async () => {
  there = await CheckedIn.make(['--write-profile', 'prod'])
  // So that the modes of our own files decide, not that of the folder above them.
  chmodSync(there.home.folder, 0o755)
  open = mkdtempSync(join(tmpdir(), 'hardkey-open-'))
  chmodSync(open, 0o1777)
})
afterAll(async () => {
  rmSync(open, { recursive: true, force: true })
  await there.remove()
})

/** What we have made: `made` by the command, and the folders of it. */
function ours(): readonly string[] {
  return readdirSync(there.home.folder, { recursive: true })
    .map((name) => join(there.home.folder, String(name)))
    .filter((path) => /\/hardkey\/|\.aws\//.test(path))
}

function givenAway(path: string, content: string, mode = 0o600): string {
  writeFileSync(path, content, { mode })
  chownSync(path, secondUser.uid, secondUser.gid)
  return path
}

/** What another user may try on a process: `$1` is its folder under /proc. Only the first may succeed. */
const looksAtProcess: readonly string[] = [
  'cat "$1/cmdline"',
  'cat "$1/environ"',
  'head -c 1 "$1/mem"',
  'ls -l "$1/fd/"',
  'cat "$1/maps"',
  'kill -USR1 "${1#/proc/}"',
]

describe('another user', () => {
  it('T-1: can read what is left open to him, so that the attempts below are real', async () => {
    const path = there.home.write('open-to-all', 'seen')
    chmodSync(path, 0o644)
    expect(await asSecondUser('cat "$1"', [path])).toMatchObject({ status: 0, stdout: 'seen' })
  })

  it('T-1: reads, lists, changes and replaces nothing of what the command has made', async () => {
    expect(ours().length).toBeGreaterThanOrEqual(3)
    for (const path of ours()) {
      for (const attempt of [
        'cat "$1"',
        'ls "$1"/',
        'echo x >> "$1"',
        'rm -rf "$1"',
        'mv "$1" "$1.away"',
        'ln "$1" /tmp/',
      ]) {
        const before = statSync(path).mtimeMs
        const { status, stdout } = await asSecondUser(attempt, [path])
        expect([path, attempt, status === 0, stdout]).toEqual([path, attempt, false, ''])
        expect(statSync(path).mtimeMs).toBe(before)
      }
    }
  })

  it('T-1: sees no secret in the arguments of a command that runs, and cannot see its environment, memory or files', async () => {
    const silent = createServer()
    await once(silent.listen(0, '127.0.0.1'), 'listening')
    const asked = once(silent, 'request')
    const { port } = silent.address() as AddressInfo
    const child = there.home.start(['whoami', 'prod', '--endpoint-url', `http://127.0.0.1:${port}/`])
    const end = ended(child)
    await asked
    const folder = `/proc/${child.pid}`
    const seen = await Promise.all(looksAtProcess.map((look) => asSecondUser(look, [folder])))
    child.kill('SIGTERM')
    await end
    silent.close()
    expectNoCanary(seen, { secret: Buffer.from(there.secretAccessKey), passphrase: Buffer.from('correct horse') })
    const [argumentsOf, ...others] = seen
    expect(argumentsOf?.stdout).toContain('whoami')
    expect(others.filter(({ stdout, status }) => stdout !== '' || status === 0)).toEqual([])
  })

  it('T-1: gets no session by running the command on our records', async () => {
    const environment = { HARDKEY_HOME: join(there.home.folder, 'hardkey'), HOME: '/' }
    const ran = await asSecondUser('"$1" "$2" credential-process prod', [process.execPath, commandFile], environment)
    expect(ran).toMatchObject({ stdout: '', stderr: expect.stringMatching(/^hardkey: error: .*permission denied/) })
  })
})

describe('what another user has planted is not trusted', () => {
  const whoami = (...words: string[]) => there.home.run(['whoami', 'prod', ...words])

  it('T-1: a passphrase file', async () => {
    const path = givenAway(join(open, 'passphrase'), 'correct horse', 0o600)
    const { stderr, status } = await whoami('--pin-source', `file:${path}`)
    expect(stderr).toContain('belongs to another user')
    expect(status).not.toBe(0)
  })

  it('T-1: a link in a folder of his, though it leads to a file of ours', async () => {
    const folder = join(open, 'folder')
    mkdirSync(folder)
    symlinkSync(join(there.home.folder, 'passphrase'), join(folder, 'passphrase'))
    chownSync(folder, secondUser.uid, secondUser.gid)
    const { stderr, status } = await whoami('--pin-source', `file:${join(folder, 'passphrase')}`)
    expect(stderr).toMatch(/not safe: the folder .* belongs to another user/)
    expect(status).not.toBe(0)
  })

  it('T-1: a PKCS#11 module', async () => {
    const path = givenAway(join(open, 'module.so'), 'module', 0o755)
    const uri = `pkcs11:token=prod;object=aws?module-path=${path}`
    const { stderr } = await there.home.run([
      'whoami',
      uri,
      '--access-key-id',
      there.accessKeyId,
      '--region',
      'eu-west-1',
    ])
    expect(stderr).toMatch(/error: ".*module\.so" on the way to the PKCS#11 module belongs to another user/)
  })

  it('T-1: a record and a keyset', async () => {
    const folder = join(open, 'home')
    mkdirSync(join(folder, 'keys'), { recursive: true, mode: 0o700 })
    for (const name of ['prod.json', 'prod.keyset.json']) {
      givenAway(join(folder, 'keys', name), there.home.read(`hardkey/keys/${name}`))
    }
    const ran = await there.home.run(['whoami', 'prod'], { environment: { HARDKEY_HOME: folder } })
    expect(ran).toMatchObject({ stdout: '', stderr: expect.stringContaining('belongs to another user') })
  })

  it('T-1: an AWS configuration with a program in it', async () => {
    const path = givenAway(join(open, 'config'), '[profile prod]\nregion = eu-north-1\n', 0o644)
    const words = ['import', 'two', '--to', 'embedded', '--offline', '--from', `profile:prod`]
    const { stdout, status } = await there.home.run(words, { environment: { AWS_SHARED_CREDENTIALS_FILE: path } })
    expect([stdout, status === 0]).toEqual(['', false])
  })
})

describe('names that another user has taken', () => {
  it('T-1: a folder of records is refused by name, and another one works', async () => {
    const folder = join(open, 'taken')
    await asSecondUser('umask 0; mkdir -p "$1/keys"', [folder])
    const to = there.keyUri('three.keyset.json')
    const words = ['import', 'three', '--to', to, '--access-key-id', there.accessKeyId, '--from', 'stdin', '--offline']
    const input = there.secretAccessKey
    const ran = await there.home.run(words, { input, environment: { HARDKEY_HOME: folder } })
    expect(ran).toMatchObject({ stdout: '', stderr: expect.stringContaining('belongs to another user') })
    expect(readdirSync(join(folder, 'keys'))).toEqual([])
    expect((await there.home.run(words, { input })).status).toBe(0)
  })

  it('T-1: no name in the folder of temporary files is needed: with all of them taken, the demo runs', async () => {
    const names = ['hardkey', 'hardkey-0', 'hardkey-demo', '.hardkey', 'hardkey.lock']
    await asSecondUser('cd "$1" && shift && mkdir "$@"', [open, ...names])
    const { status, stderr } = await there.home.run(['demo'], { environment: { TMPDIR: open } })
    expect([status, stderr]).toEqual([0, expect.stringMatching(/^hardkey: next: [^\n]*\n$/)])
  })
})
