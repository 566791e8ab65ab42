// The command on a file system that is full, read-only or gone. Records, keysets and AWS's files are whole, old or new, at
// every moment; what a check-in could not finish is undone; reading needs no room.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type LoopbackSts, startLoopbackSts } from '../../src/cli/demo/loopback-sts.ts'
import { CommandHome, commandFile, ended, type Ran, throwAwayKey } from '../cli/hardkey.ts'
import { isSession } from './commands.ts'
import { brokenCriteria, type Fault, underFault } from './criteria.ts'
import { FaultyFileSystem } from './file-system.ts'

const key = throwAwayKey()
let home: CommandHome
let disk: FaultyFileSystem
let sts: LoopbackSts
let passphrase: string

beforeAll(async () => {
  home = new CommandHome()
  sts = await startLoopbackSts({ ...key, secretAccessKey: Buffer.from(key.secretAccessKey) })
  passphrase = home.write('passphrase', 'correct horse')
  const folder = join(home.folder, 'disk')
  mkdirSync(folder)
  disk = await FaultyFileSystem.over(folder)
  const ran = await checkIn('prod')
  if (ran.status !== 0) throw new Error(ran.stderr)
})
afterAll(async () => {
  await disk?.remove()
  await sts?.close()
  home.remove()
})
afterEach(() => {
  disk.setReadOnly(false)
  disk.empty()
})

/** Runs the command with records and AWS's files on the disk. */
async function run(words: readonly string[], input = ''): Promise<Ran> {
  const [command, parameters] = disk.within([process.execPath, commandFile, ...words])
  const environment = home.environment({
    HARDKEY_HOME: join(disk.folder, 'hardkey'),
    AWS_CONFIG_FILE: join(disk.folder, 'aws', 'config'),
  })
  const child = spawn(command, parameters, { env: environment, cwd: home.folder, stdio: 'pipe', detached: true })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  return await ended(child)
}

async function checkIn(name: string, ...more: string[]): Promise<Ran> {
  const to = `tink:file=${name}.keyset.json?kek=passphrase:&pin-source=file:${passphrase}`
  const source = ['--access-key-id', key.accessKeyId, '--from', 'stdin', '--offline']
  const settings = ['--region', 'eu-west-1', '--endpoint-url', sts.url, ...more]
  return await run(['import', name, '--to', to, ...source, ...settings], key.secretAccessKey)
}

const ask = (): Promise<Ran> => run(['credential-process', 'prod'])

/** Every file of the disk with its content; nothing where it is gone. */
function content(): Readonly<Record<string, string>> {
  const top = disk.seen(disk.folder)
  const entries = readdirSync(top, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).filter((path) => !path.endsWith('/filler'))
  return Object.fromEntries(paths.sort().map((path) => [path.slice(top.length), readFileSync(path, 'hex')]))
}

function fault(act: () => Promise<Ran>, more: Partial<Fault<Ran>> = {}): Fault<Ran> {
  return {
    act,
    mend: () => {
      disk.setReadOnly(false)
      disk.empty()
    },
    again: ask,
    isRight: isSession,
    kept: content,
    canaries: { 'secret access key': Buffer.from(key.secretAccessKey), passphrase: Buffer.from('correct horse') },
    marker: home.folder,
    ...more,
  }
}

describe.each([
  ['full', () => disk.fill(), 'no space is left'],
  ['read-only', () => disk.setReadOnly(true), 'the file system is read-only'],
] as const)('a disk that is %s', (_what, spoil, cause) => {
  it('takes no check-in, and keeps what is there', async () => {
    spoil()
    const { error } = await underFault(fault(() => checkIn('two')))
    expect(error).toMatchObject({ stderr: expect.stringContaining(cause) })
  })

  it('still gives sessions', async () => {
    spoil()
    expect((await underFault(fault(ask))).answer).toBeDefined()
  })

  it('keeps the AWS configuration as it was', async () => {
    const writing = () => checkIn('two', '--write-profile', 'two')
    spoil()
    const { error } = await underFault(fault(writing))
    expect(error).toMatchObject({ stderr: expect.stringContaining(cause) })
  })
})

describe('a disk that becomes full in the midst of a check-in', () => {
  it.each([1, 2, 3, 4, 5, 6])('with %i pages left holds the whole check-in or nothing of it', async (pages) => {
    disk.fill(pages)
    const before = content()
    const act = async () => {
      const ran = await checkIn('two', '--write-profile', 'two')
      // What was written in full is taken back by the test, so that the next begins alike.
      if (ran.status === 0) expect((await run(['forget', 'two', '--from-device', '--yes'])).status).toBe(0)
      return ran
    }
    const { error } = await brokenCriteria(fault(act, { isRight: () => true, again: undefined, kept: undefined })).then(
      ({ outcome }) => outcome,
    )
    const names = Object.keys(content()).filter((name) => name.includes('/keys/'))
    if (error === undefined) return expect(names).toEqual(Object.keys(before).filter((name) => name.includes('/keys/')))
    // The record is there with its keyset, or neither is: it may be the AWS profile alone that found no room.
    const { length } = names.filter((name) => name.includes('two'))
    if (length > 0) await run(['forget', 'two', '--from-device', '--yes'])
    const stdout = length > 0 ? expect.stringContaining('checked in') : ''
    expect(error).toMatchObject({ stdout, stderr: expect.stringContaining('no space is left') })
    expect([0, 2]).toContain(length)
  })
})

describe('a disk that is gone', () => {
  it.each([
    ['credential-process', ask],
    ['list', () => run(['list'])],
    ['import', () => checkIn('two')],
  ])('%s says so, and all is there when it is back', async (_name, act) => {
    disk.vanish()
    const mend = async () => {
      disk.comeBack()
    }
    const isRight = (ran: Ran) =>
      isSession(ran) || ran.stderr.includes('no records') || ran.stdout.includes('checked in')
    const { broken } = await brokenCriteria(fault(act, { mend, isRight, kept: undefined }))
    expect(broken).toEqual([])
    expect(Object.keys(content()).filter((name) => name.includes('prod'))).toHaveLength(2)
  })

  it('while STS is asked changes nothing for the session under way', async () => {
    const forwarder = createServer((asked, answer) => {
      disk.vanish()
      const passedOn = request(sts.url, { method: asked.method, headers: asked.headers }, (given) => given.pipe(answer))
      asked.pipe(passedOn)
    })
    await once(forwarder.listen(0, '127.0.0.1'), 'listening')
    const { port } = forwarder.address() as AddressInfo
    const act = () => run(['credential-process', 'prod', '--endpoint-url', `http://127.0.0.1:${port}/`])
    const { answer } = await underFault(fault(act, { mend: () => disk.comeBack() }))
    expect(answer).toBeDefined()
    forwarder.close()
  })
})

describe('a program that writes in place', () => {
  it('is caught on a full disk: what it had is gone', async () => {
    const record = join(disk.folder, 'hardkey', 'keys', 'prod.json')
    const old = readFileSync(disk.seen(record))
    disk.fill()
    const act = async () => {
      const program = `require('node:fs').writeFileSync(process.argv[1], 'x'.repeat(100000))`
      const [command, parameters] = disk.within([process.execPath, '-e', program, record])
      return await ended(spawn(command, parameters, { env: home.environment(), stdio: 'pipe' }))
    }
    const restore = () => {
      disk.empty()
      expect(content()[record.slice(disk.folder.length)]).not.toBe(old.toString('hex'))
    }
    const { broken } = await brokenCriteria(fault(act, { mend: restore }))
    expect(broken).toContain('N1, N4: something that must stay was changed')
  })
})
