// `hardkey doctor` on prepared faults: each is named by its id, and what is well ends with 0. In: the built command, a key
// that checked in, an STS on loopback. Each fault is taken back before the next.
// Over 250 lines: it is one list of faults, each with how it is prepared.

import { spawn } from 'node:child_process'
import { chmodSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startLoopbackSts } from '../../src/cli/demo/loopback-sts.ts'
import { PinLatch } from '../../src/cli/device/pin-latch.ts'
import { HardkeyError } from '../../src/errors.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { temporaryFolder } from '../files/temporary-folder.ts'
import { CheckedIn } from './checked-in.ts'
import { commandFile, ended, throwAwayKey } from './hardkey.ts'

interface Found {
  readonly id: string
  readonly state: string
  readonly name?: string
  readonly text: string
  readonly remedy?: string
}

let checkedIn: CheckedIn
beforeAll(async () => {
  checkedIn = await CheckedIn.make(['--write-profile', 'prod'])
})
afterAll(() => checkedIn?.remove())

const at = (path: string) => join(checkedIn.home.folder, path)
const record = 'hardkey/keys/prod.json'
const keyset = 'hardkey/keys/prod.keyset.json'
const config = '.aws/config'

/** What doctor finds at "prod" through a shell without core files, and with what status. */
async function doctor(words: readonly string[] = [], variables: Readonly<Record<string, string>> = {}, limit = '0') {
  const line = `ulimit -c ${limit} && exec "$@"`
  const command = [process.execPath, commandFile, 'doctor', 'prod', '--json', ...words]
  const child = spawn('bash', ['-c', line, 'bash', ...command], {
    env: checkedIn.home.environment(variables),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const { status, stdout } = await ended(child)
  return { status, found: JSON.parse(stdout) as readonly Found[] }
}

/** Runs with the file changed, and puts it back. */
async function changed<T>(path: string, change: (text: string) => string, act: () => Promise<T>): Promise<T> {
  const before = readFileSync(at(path), 'utf8')
  writeFileSync(at(path), change(before))
  try {
    return await act()
  } finally {
    writeFileSync(at(path), before)
  }
}

async function hidden<T>(path: string, act: () => Promise<T>): Promise<T> {
  renameSync(at(path), at(`${path}.away`))
  try {
    return await act()
  } finally {
    renameSync(at(`${path}.away`), at(path))
  }
}

const addedTo = (path: string, text: string) => () =>
  changed(
    path,
    (before) => `${before}\n${text}\n`,
    () => doctor(),
  )
const setting = (name: string, value: unknown) => (text: string) =>
  JSON.stringify({ ...JSON.parse(text), [name]: value })

it('finds no fault where all is well, and says so with --verbose', async () => {
  const { status, found } = await doctor()
  expect(found.filter(({ state }) => state === 'fault')).toEqual([])
  expect(found.map(({ id }) => id).sort()).toEqual([
    'cache-folder',
    'check-value',
    'clock',
    'device',
    'endpoint',
    'identity',
    'key-age',
    'profile-file',
    'protection',
    'records-folder',
  ])
  expect(status).toBe(0)
  const { stdout } = await checkedIn.home.run(['doctor', '--verbose'])
  expect(stdout).toMatch(/^ok +check-value +prod /m)
})

const faults: Readonly<Record<string, readonly [id: string, prepare: () => ReturnType<typeof doctor>]>> = {
  'a folder that others may write': [
    'records-folder',
    async () => {
      chmodSync(at('hardkey/keys'), 0o777)
      try {
        const { status, stdout } = await checkedIn.home.run(['doctor', '--json'])
        return { status, found: JSON.parse(stdout) }
      } finally {
        chmodSync(at('hardkey/keys'), 0o700)
      }
    },
  ],
  'a record that is none': [
    'record',
    async () => {
      checkedIn.home.write('hardkey/keys/broken.json', '{')
      try {
        const { status, stdout } = await checkedIn.home.run(['doctor', '--json'])
        return { status, found: JSON.parse(stdout) }
      } finally {
        renameSync(at('hardkey/keys/broken.json'), at('broken'))
      }
    },
  ],
  'a profile of a record that is not there': [
    'profile-record',
    addedTo(config, '[profile other]\ncredential_process = /usr/bin/hardkey credential-process gone'),
  ],
  'a profile of such a record behind options': [
    'profile-record',
    addedTo(
      config,
      '[profile other]\ncredential_process = /usr/bin/hardkey credential-process --no-cache --region eu-west-1 gone',
    ),
  ],
  'a profile whose command was moved': [
    'profile-command',
    addedTo(config, '[profile other]\ncredential_process = /no/such/hardkey credential-process prod'),
  ],
  'a profile that signs in by a role first': [
    'profile-shadowed',
    () =>
      changed(
        config,
        (text) => text.replace('[profile prod]', '[profile prod]\nrole_arn = arn:aws:iam::111122223333:role/x'),
        () => doctor(),
      ),
  ],
  'a profile that [DEFAULT] gives a role to the SDK for Python': [
    'profile-shadowed',
    addedTo(config, '[DEFAULT]\nrole_arn = arn:aws:iam::111122223333:role/x'),
  ],
  'an AWS file that is malformed': ['profile-file', addedTo(config, '[profile other\nregion = eu-west-1\0')],
  'a passphrase that is wrong': [
    'pin',
    () =>
      changed(
        'passphrase',
        () => 'another horse\n',
        () => doctor(),
      ),
  ],
  'a file of the passphrase that is gone': ['pin-source', () => hidden('passphrase', () => doctor())],
  'a file of the passphrase that others can read': [
    'pin-source',
    async () => {
      chmodSync(at('passphrase'), 0o644)
      return await doctor().finally(() => chmodSync(at('passphrase'), 0o600))
    },
  ],
  'an empty file of the passphrase': [
    'pin-source',
    () =>
      changed(
        'passphrase',
        () => '\n',
        () => doctor(),
      ),
  ],
  'a keyset that is gone': ['key', () => hidden(keyset, () => doctor())],
  'a keyset that is damaged': [
    'key',
    () =>
      changed(
        keyset,
        (text) => text.slice(0, -20),
        () => doctor(),
      ),
  ],
  'a device that is not there': [
    'device',
    () => changed(record, setting('uri', 'tpm2:handle=0x81000100?device=%2Fno%2Fsuch%2Ftpm'), () => doctor()),
  ],
  'another key in the device': [
    'check-value',
    () => changed(record, setting('check', '0011223344556677'), () => doctor()),
  ],
  'an endpoint that nobody listens at': [
    'endpoint',
    () => changed(record, setting('endpointUrl', 'http://127.0.0.1:9'), () => doctor()),
  ],
  'a clock that is two days behind': ['clock', () => atServer(2 * 86_400_000)],
  'a cache folder on a disk': ['cache-folder', () => doctor([], { HARDKEY_CACHE_DIR: checkedIn.home.folder })],
  'a rotation that stopped': ['rotation', () => withJournal({ state: 'has key' }, offline)],
  'an old key that nobody ends': ['rotation', () => withJournal({ switched: daysAgo(10) }, offline)],
  'a journal of a rotation that is none': ['rotation', () => withJournal({ state: 'half way' }, offline)],
  'a journal of a rotation that is a link': ['rotation', () => withJournal({}, throughLink)],
  'an access key that AWS does not know': [
    'identity',
    async () => {
      const key = throwAwayKey()
      const other = await startLoopbackSts({ ...key, secretAccessKey: Buffer.from(key.secretAccessKey) })
      try {
        return await changed(record, setting('endpointUrl', other.url), () => doctor())
      } finally {
        await other.close()
      }
    },
  ],
  'the secret that still lies in a profile': [
    'plaintext-key',
    async () => {
      checkedIn.home.write(
        '.aws/credentials',
        `[old]\naws_access_key_id = ${checkedIn.accessKeyId}\naws_secret_access_key = ${checkedIn.secretAccessKey}\n`,
      )
      return await doctor().finally(() => writeFileSync(at('.aws/credentials'), ''))
    },
  ],
  'the secret that still lies in [DEFAULT]': [
    'plaintext-key',
    () => addedTo(config, `[DEFAULT]\naws_access_key_id = ${checkedIn.accessKeyId}`)(),
  ],
  'a key in [DEFAULT], which the SDK for Python takes in any profile': [
    'profile-shadowed',
    addedTo(config, '[default]\nregion = x\n[DEFAULT]\naws_access_key_id = AKIAABCDEFGHIJKLMNOP'),
  ],
}

it.each(Object.entries(faults))('names %s, and what mends it', async (_, [id, prepare]) => {
  const { status, found } = await prepare()
  const named = found.filter(({ state }) => state === 'fault')
  expect(named.map((one) => one.id)).toContain(id)
  expect(named.filter(({ remedy }) => remedy === undefined)).toEqual([])
  expect(status).toBe(1)
  const text = JSON.stringify(found)
  expect(text).not.toContain(checkedIn.secretAccessKey)
  expect(text).not.toContain('horse')
})

const notes: Readonly<Record<string, readonly [id: string, prepare: () => ReturnType<typeof doctor>]>> = {
  'a default profile that wins over an endpoint': [
    'default-profile',
    addedTo(config, '[default]\nrole_arn = arn:aws:iam::111122223333:role/x'),
  ],
  'a key of boto 2': [
    'default-profile',
    () => {
      const path = checkedIn.home.write('boto', '[Credentials]\naws_access_key_id = AKIAABCDEFGHIJKLMNOP\n')
      return doctor([], { BOTO_CONFIG: path })
    },
  ],
  'a key in the environment': [
    'environment-key',
    () => doctor([], { AWS_ACCESS_KEY_ID: throwAwayKey().accessKeyId, AWS_SECRET_ACCESS_KEY: 'x' }),
  ],
  'switches of Node that show memory': ['node-options', () => doctor([], { NODE_OPTIONS: '--report-on-signal' })],
  'core files': ['core-dumps', () => doctor([], {}, 'unlimited')],
  'a key that is old': ['key-age', () => changed(record, setting('created', '2020-01-01T00:00:00Z'), () => doctor())],
  'a secret in the memory of processes': ['protection', () => doctor()],
  'a machine on which no session is kept': ['cache-folder', () => doctor([], { HARDKEY_CACHE_DIR: 'none' })],
  'an old key whose time has come': ['rotation', () => withJournal({ switched: daysAgo(8) }, offline)],
  'an old key that stays for a while': ['rotation', () => withJournal({ switched: daysAgo(6) }, offline)],
  'a clock that is ten minutes behind': ['clock', () => atServer(10 * 60_000)],
}

it.each(Object.entries(notes))('notes %s, and ends with 0', async (_, [id, prepare]) => {
  const { found, status } = await prepare()
  expect(found.filter(({ state }) => state === 'note').map((one) => one.id)).toContain(id)
  expect(status).toBe(0)
})

it('does not try a PIN again that was refused, until it is told to', async () => {
  const folder = { path: temporaryFolder(), clear: '' }
  const uri = `tpm2:handle=0x81000100?device=%2Fno%2Fsuch%2Ftpm&pin-source=file:${at('passphrase')}`
  const refused = new HardkeyError('ERR_PIN_INCORRECT', 'the TPM refused the auth value')
  const trying = new PinLatch(async () => [folder]).guard(KeyUri.parse(uri), AbortSignal.timeout(5000), () => {
    throw refused
  })
  await expect(trying).rejects.toBe(refused)
  await changed(record, setting('uri', uri), async () => {
    const words = (found: readonly Found[]) => found.filter(({ state }) => state === 'fault')
    const { found } = await doctor(['--offline'], { STATE_DIRECTORY: folder.path })
    const remedy = expect.stringContaining('hardkey doctor --clear-latch') as string
    expect(words(found)).toEqual([expect.objectContaining({ id: 'pin-latch', name: 'prod', remedy })])
    const { found: asked } = await doctor(['--offline', '--clear-latch'], { STATE_DIRECTORY: folder.path })
    expect(words(asked)).toEqual([expect.objectContaining({ id: 'device', name: 'prod' })])
  })
})

it('says until when the old key of a rotation stays, as list and inspect do', async () => {
  const { found, list, inspect } = await withJournal({ switched: '2126-01-02T03:04:05Z' }, async () => {
    const { stdout: inInspect } = await checkedIn.home.run(['inspect', 'prod', '--json'])
    const { stdout: inList } = await checkedIn.home.run(['list'])
    return { ...(await doctor(['--offline'])), list: inList, inspect: inInspect }
  })
  expect(found).toContainEqual({
    id: 'rotation',
    state: 'note',
    name: 'prod',
    text: `the key before it, ${checkedIn.accessKeyId}, is to be switched off after 2126-01-09T03:04:05Z`,
    remedy: 'hardkey rotate prod --resume, after 2126-01-09T03:04:05Z',
  })
  expect(list).toContain('  old key switched off after 2126-01-09T03:04:05Z  ')
  expect(JSON.parse(inspect).rotation).toMatchObject({ state: 'waiting', until: '2126-01-09T03:04:05Z' })
})

const daysAgo = (days: number): string => `${new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 19)}Z`

const offline = () => doctor(['--offline'])
const throughLink = async () => {
  const path = at('hardkey/keys/prod.rotation.json')
  renameSync(path, at('journal'))
  symlinkSync(at('journal'), path)
  return await offline()
}

/** What a look finds beside the journal of a rotation; `offline`: what doctor does. */
async function withJournal<T>(said: Readonly<Record<string, unknown>>, look: () => Promise<T>): Promise<T> {
  const old = JSON.parse(readFileSync(at(record), 'utf8'))
  const path = 'hardkey/keys/prod.rotation.json'
  const times = { began: '2026-01-02T03:04:05Z', overlapSeconds: 604_800, graceSeconds: 604_800 }
  const fresh = { newAccessKeyId: throwAwayKey().accessKeyId, newUri: 'tink:file=new.keyset.json?kek=passphrase:' }
  const journal = { version: 1, state: 'switched', ...times, userName: 'hk', old, ...fresh, next: old, ...said }
  checkedIn.home.write(path, JSON.stringify(journal))
  return await look().finally(() => rmSync(at(path)))
}

/** doctor at a server whose clock is this far ahead, which refuses every key. */
const identity =
  '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>' +
  '<Arn>arn:aws:iam::111122223333:user/hk</Arn><UserId>AIDADEMODEMODEMODEMO</UserId><Account>111122223333</Account>' +
  '</GetCallerIdentityResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>'

async function atServer(aheadMilliseconds: number) {
  const server: Server = createServer((_, answer) => {
    answer.sendDate = false
    answer.writeHead(200, { Date: new Date(Date.now() + aheadMilliseconds).toUTCString() }).end(identity)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    return await changed(record, setting('endpointUrl', url), () => doctor())
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

it('takes a key URI in a profile for no record, and shows no PIN of it', async () => {
  const line = `${process.execPath} ${commandFile} credential-process "pkcs11:token=x?pin-value=987654" --access-key-id A`
  const { status, found } = await addedTo(config, `[profile other]\ncredential_process = ${line}`)()
  expect([status, JSON.stringify(found).includes('987654')]).toEqual([0, false])
  const gone = line.replace(process.execPath, '/no/such/node')
  const faulty = await addedTo(config, `[profile other]\ncredential_process = ${gone}`)()
  expect([faulty.status, JSON.stringify(faulty.found).includes('987654')]).toEqual([1, false])
})

it('names exec where a profile is written and no session is kept', async () => {
  const words = ['configure', 'prod', '--profile', 'other']
  for (const [folder, isNamed] of [
    ['none', true],
    ['', false],
  ] as const) {
    const { stderr } = await checkedIn.home.run(words, { environment: { HARDKEY_CACHE_DIR: folder } })
    expect(stderr.includes('hardkey exec NAME starts a program')).toBe(isNamed)
  }
})

it('asks nobody for a PIN without a name, and says which key it left out', async () => {
  const { found } = await changed(
    record,
    (text) => text.replace(/&pin-source=[^"]*/, ''),
    async () => {
      const { status, stdout } = await checkedIn.home.run(['doctor', '--json'])
      return { status, found: JSON.parse(stdout) as readonly Found[] }
    },
  )
  expect(found).toContainEqual(
    expect.objectContaining({ id: 'device', state: 'note', name: 'prod', remedy: 'hardkey doctor prod' }),
  )
})
