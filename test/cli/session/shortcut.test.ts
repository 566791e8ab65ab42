// The short way of `credential-process`: a start like one before finds its session before the command is loaded, and only
// while all that decided the session is as it was.

import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startText } from '../../../src/cli/session/shortcut.ts'
import { readEnvironment } from '../../../src/cli/settings/environment.ts'
import { formatSession, parseSession } from '../../../src/credentials/kept-session.ts'
import { folderInMemory } from '../../files/temporary-folder.ts'
import { CheckedIn, region, role } from '../checked-in.ts'
import { commandFile, ended, type Ran } from '../hardkey.ts'

let there: CheckedIn
let folder: string
let hook: string
let first: Ran
beforeAll(async () => {
  there = await CheckedIn.make()
  hook = there.home.write(
    'loaded.cjs',
    `process.on('exit', () => require('node:fs').writeFileSync(process.env.LOADED, JSON.stringify(
      [...Object.keys(require.cache), ...process.moduleLoadList])))`,
  )
  await settled()
})
afterAll(() => there.remove())

/** A command that tells what was loaded for it. */
async function start(words: readonly string[] = [], added: Record<string, string> = {}, cwd = there.home.folder) {
  const loaded = join(there.home.folder, 'loaded.json')
  const environment = there.home.environment({ HARDKEY_CACHE_DIR: folder, LOADED: loaded, ...added })
  const parameters = ['--require', hook, commandFile, 'credential-process', 'prod', ...words]
  const ran = await ended(spawn(process.execPath, parameters, { cwd, env: environment, stdio: 'pipe', detached: true }))
  const modules: string[] = JSON.parse(readFileSync(loaded, 'utf8'))
  return { ran, isShort: !modules.some((name) => name.includes('chunks')), modules }
}

/** Files are told apart by times that are two seconds older than the start. */
const settled = async (): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, 2100))
}

beforeEach(async () => {
  folder = folderInMemory()
  first = (await start()).ran
  return () => rmSync(folder, { recursive: true })
})

describe('the second start', () => {
  it('prints the same without loading the command, node:crypto or a stream', async () => {
    const { ran, isShort, modules } = await start()
    expect(ran).toEqual(first)
    expect(isShort).toBe(true)
    const costly = ['NativeModule crypto', 'NativeModule tty', 'NativeModule net', 'NativeModule internal/crypto/util']
    expect(modules.filter((name) => costly.includes(name))).toEqual([])
  })

  it('is as short in another folder', async () => {
    expect(await start([], {}, '/')).toMatchObject({ isShort: true, ran: first })
  })
})

describe('the long way is gone, with the same end,', () => {
  it.each([
    ['for other words', ['--role-arn', role], {}],
    ['with --no-cache', ['--no-cache'], {}],
    ['with --verbose', ['--verbose'], {}],
    ['in another region', [], { AWS_REGION: 'us-east-1' }],
    ['with another profile', [], { AWS_PROFILE: 'default' }],
    ['with switches of Node', [], { NODE_OPTIONS: '--no-warnings' }],
  ])('%s', async (_what, words, added) => {
    const { ran, isShort } = await start(words, added)
    expect({ isShort, status: ran.status }).toEqual({ isShort: false, status: 0 })
  })

  it.each([
    ['the record was changed', (record: string) => writeFileSync(record, readFileSync(record))],
    ['the record has another time', (record: string) => utimesSync(record, 1, 1)],
    [
      'an AWS configuration has appeared',
      () => mkdirSync(join(there.home.folder, '.aws', 'config'), { recursive: true }),
    ],
  ])('after %s', async (_what, change) => {
    change(join(there.home.records, 'prod.json'))
    expect((await start()).isShort).toBe(false)
    rmSync(join(there.home.folder, '.aws'), { recursive: true, force: true })
    await settled()
  })

  it('after others may change the folder of the record, and it is refused as before', async () => {
    chmodSync(there.home.records, 0o777)
    const { ran, isShort } = await start()
    chmodSync(there.home.records, 0o700)
    expect({ isShort, status: ran.status, stdout: ran.stdout }).toEqual({ isShort: false, status: 2, stdout: '' })
  })

  it('after a byte of the session or of the shortcut was changed', async () => {
    for (const prefix of ['session-', 'start-']) {
      const name = readdirSync(folder).find((one) => one.startsWith(prefix)) ?? ''
      const bytes = readFileSync(join(folder, name))
      // In the text of the request: the name of a file that was not there may be changed to that of another one.
      const at = bytes.lastIndexOf('"request"') + '"request":"x'.length
      bytes[at] = (bytes[at] ?? 0) ^ 1
      writeFileSync(join(folder, name), bytes)
      expect((await start()).isShort).toBe(false)
    }
  })
})

it('a session with less than 20 minutes left is not printed', async () => {
  const path = join(folder, readdirSync(folder).find((name) => name.startsWith('session-')) ?? '')
  const { request } = JSON.parse(readFileSync(path, 'utf8').slice(9))
  const session = parseSession(readFileSync(path, 'utf8'), request)
  if (session === undefined) throw new Error('no session is kept')
  const old = { ...session.credentials, expiration: new Date(Date.now() + 19 * 60_000) }
  writeFileSync(path, formatSession({ ...session, credentials: old }))
  const { isShort, ran } = await start()
  expect(isShort).toBe(false)
  expect(ran.stdout).not.toContain(session.credentials.accessKeyId)
})

it('every variable that is read decides the start, or is known not to', () => {
  const read = new Set<string>()
  const variables = new Proxy<Record<string, string>>(
    {},
    {
      get: (_, name) => {
        read.add(String(name))
        return undefined
      },
    },
  )
  readEnvironment(variables, 'linux', () => '/home/me').awsKey()
  const before = startText([], {}, '')
  const silent = [...read].filter((name) => startText([], { [name]: region }, '') === before).sort()
  expect(silent).toEqual(notDeciding)
})

/** Where the folder is, by which way the network is reached, what unlocks a device, and what other commands use. */
const ofVault = ['CACERT_BYTES', 'CLIENT_CERT_BYTES', 'CLIENT_KEY_BYTES', 'CONFIG_PATH', 'HTTP_PROXY', 'PROXY_ADDR']
const notDeciding = [
  // Where it is kept which PINs were refused, which no kept session asks.
  ...['STATE_DIRECTORY', 'XDG_STATE_HOME'],
  ...['RUNTIME_DIRECTORY', 'XDG_RUNTIME_DIR', 'HARDKEY_CACHE_DIR', 'NODE_OPTIONS'],
  ...['HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy', 'KUBERNETES_EXEC_INFO'],
  ...['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_ENDPOINT_URL_KMS', 'AWS_ENDPOINT_URL_S3'],
  ...[
    'AWS_ENDPOINT_URL_IAM',
    'AWS_SDK_UA_APP_ID',
    'HARDKEY_NAME',
    'LISTEN_FDS',
    'LISTEN_PID',
    'SHELL',
    'HARDKEY_ASKPASS',
  ],
  ...['HARDKEY_PINENTRY', 'SSH_ASKPASS', 'SSH_ASKPASS_REQUIRE', 'DISPLAY', 'WAYLAND_DISPLAY', 'GPG_TTY'],
  ...['BAO', 'VAULT'].flatMap((prefix) => [...ofVault, 'TOKEN', 'TOKEN_PATH'].map((name) => `${prefix}_${name}`)),
].sort()
