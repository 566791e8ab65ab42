// B-040 to B-053 through the command: records, AWS files, and settings from options, records, variables and profiles are
// refused with their place before a device is opened: what unlocks it is never asked for. More than 250 lines: a line for
// each value.

import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, cpSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CheckedIn, role } from '../cli/checked-in.ts'
import { CommandHome, commandFile, ended } from '../cli/hardkey.ts'
import { expectCommandRefuses, expectRefused, type Refusal } from './refused.ts'

let there: CheckedIn
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterAll(() => there.remove())
beforeEach(() => {
  there.home.write('.aws/config', '')
})

const configInvalid = (says?: string, hint?: string): Refusal => ({ code: 'ERR_CONFIG_INVALID', says, hint })
const recordPath = (name: string): string => join(there.home.records, `${name}.json`)
const recordWith = (change: object): string => {
  const record = JSON.parse(there.home.read('hardkey/keys/prod.json')) as object
  rmSync(recordPath('changed'), { force: true })
  return there.home.write('hardkey/keys/changed.json', JSON.stringify({ ...record, ...change }))
}

describe('a file', () => {
  it('B-040: that is no record of this name is refused', async () => {
    await expectCommandRefuses(there.home, ['whoami', 'nobody'], configInvalid('"nobody"'))
  })

  it('B-040: that is a folder in place of a record is refused', async () => {
    mkdirSync(recordPath('folder'), { recursive: true })
    await expectCommandRefuses(there.home, ['whoami', 'folder'], configInvalid('not a regular file'))
  })

  it.each([0o666, 0o620])(
    'B-040: that others can write (mode %o) is refused as a record, with the mode',
    async (mode) => {
      chmodSync(recordWith({}), mode)
      await expectCommandRefuses(there.home, ['whoami', 'changed'], configInvalid(recordPath('changed'), 'chmod go-w'))
    },
  )

  it.runIf(process.getuid?.() === 0)('B-040: of another user is refused as a record', async () => {
    chownSync(recordWith({}), 65_534, 65_534)
    await expectCommandRefuses(there.home, ['whoami', 'changed'], configInvalid(recordPath('changed')))
    chownSync(recordPath('changed'), 0, 0)
  })

  it('B-040: that we may not read is refused as a record', async ({ skip }) => {
    const home = new CommandHome()
    const record = home.write('hardkey/keys/locked.json', there.home.read('hardkey/keys/prod.json'))
    chmodSync(record, 0)
    const dist = join(home.folder, 'dist')
    cpSync(dirname(dirname(commandFile)), dist, { recursive: true })
    const command = join(dist, relative(dirname(dirname(commandFile)), commandFile))
    // Root may read everything, so it runs the command as nobody, whose Node and folder this must be too.
    const other = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
    const copied = readdirSync(dist, { recursive: true, encoding: 'utf8' }).map((name) => join(dist, name))
    const paths = [home.folder, join(home.folder, 'hardkey'), home.records, record, dist, ...copied]
    if (other.uid !== undefined) for (const path of paths) chownSync(path, other.uid, other.gid)
    skip(spawnSync(process.execPath, ['--version'], other).status !== 0, 'another user cannot run this Node')
    const words = [command, '--verbose', 'whoami', 'locked']
    const child = spawn(process.execPath, words, { cwd: home.folder, env: home.environment(), ...other })
    expectRefused(await ended(child), configInvalid(`cannot read "${record}": permission denied`))
    home.remove()
  })

  it('B-040: that is a link in a circle is refused as a record', async () => {
    symlinkSync(recordPath('circle'), recordPath('circle'))
    await expectCommandRefuses(there.home, ['whoami', 'circle'], configInvalid('symbolic link'))
  })

  it('B-040: that others can write is refused as an AWS file', async () => {
    chmodSync(there.home.write('.aws/config', '[default]\n'), 0o666)
    await expectCommandRefuses(there.home, ['whoami', 'prod'], configInvalid('.aws/config'))
    chmodSync(join(there.home.folder, '.aws/config'), 0o600)
  })

  it('B-040: that is missing, a folder or no PEM is refused as a CA bundle, by its name', async () => {
    const { home } = there
    await expectCommandRefuses(home, ['whoami', 'prod', '--ca-bundle', '/none.pem'], configInvalid('/none.pem'))
    await expectCommandRefuses(home, ['whoami', 'prod', '--ca-bundle', home.folder], configInvalid(home.folder))
    const says = `"${home.write('empty.pem', 'no PEM')}" (the CA bundle from --ca-bundle) holds no PEM certificate`
    await expectCommandRefuses(
      home,
      ['whoami', 'prod', '--ca-bundle', join(home.folder, 'empty.pem')],
      configInvalid(says),
    )
  })

  it.each<[string, string | Uint8Array, string]>([
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'not UTF-8'],
    ['a NUL byte', '{"version": 1\0}', 'not JSON'],
    ['half of a record', '{"version": 1,', 'not JSON'],
    ['nothing', '', 'not JSON'],
    ['more than 64 KiB', `{"version":1${' '.repeat(70_000)}}`, '65536'],
  ])('B-041: with %s is refused as a record', async (_, content, says) => {
    there.home.write('hardkey/keys/broken.json', content)
    await expectCommandRefuses(there.home, ['whoami', 'broken'], configInvalid(says))
  })

  it('B-041: with a byte order mark is taken as a record and as an AWS file', async () => {
    there.home.write('hardkey/keys/marked.json', `\ufeff${there.home.read('hardkey/keys/prod.json')}`)
    there.home.write('.aws/config', '\ufeff[default]\nregion = us-west-2\n')
    const ran = await there.home.run(['whoami', 'marked'])
    expect([ran.status, ran.stderr]).toEqual([0, ''])
  })

  it.each<[string, string, Uint8Array, string]>([
    ['B-041', 'a byte that is not UTF-8', Buffer.from([0x0a, 0x78, 0x3d, 0xff]), 'config:2: the line is not UTF-8'],
    ['B-041', 'a NUL byte', Buffer.from('[default]\nx = \0'), 'config:2: the line holds a NUL byte'],
    ['B-042', 'a line without =', Buffer.from('[default]\nregion\n'), 'config:2: '],
    ['B-042', 'a section that is not closed', Buffer.from('[default\nregion = x\n'), 'config:1: '],
    ['B-042', 'a section twice', Buffer.from('[default]\nregion = x\n[default]\noutput = y\n'), 'config:3: '],
    ['B-042', 'a name twice', Buffer.from('[default]\nregion = x\nregion = y\n'), 'config:3: '],
    ['B-042', 'a line that goes on', Buffer.from('[default]\nca_bundle = x\n  and = y z\n  more\n'), 'config:4: '],
  ])('%s: with %s is refused as an AWS file, by line', async (_id, _what, content, says) => {
    there.home.write('.aws/config', content)
    await expectCommandRefuses(there.home, ['whoami', 'prod'], configInvalid(says))
  })
})

describe('a record', () => {
  it.each([
    ['B-043', { regoin: 'x' }, 'unknown "regoin"', 'did you mean "region"?'],
    ['B-043', { secret: 'x' }, 'unknown "secret"', undefined],
    ['B-044', { roleArn: 'role/deploy' }, '"roleArn"', undefined],
    ['B-045', { durationSeconds: 899 }, '"durationSeconds"', '900 to 129600'],
    ['B-045', { durationSeconds: '1h' }, '"durationSeconds"', undefined],
    ['B-046', { region: '' }, '"region"', undefined],
    ['B-047', { roleSessionName: 'two words' }, '"roleSessionName"', undefined],
    ['B-048', { externalId: ' ' }, '"externalId"', undefined],
    ['B-049', { mfaSerial: 'two words' }, '"mfaSerial"', undefined],
    ['B-051', { endpointUrl: 'ftp://127.0.0.1' }, '"endpointUrl"', undefined],
    ['B-052', { accessKeyId: 'AKIA/X' }, '"accessKeyId"', undefined],
    ['B-035', { uri: `tink:file=${'x'.repeat(60_000)}%` }, '"uri"', undefined],
  ])('%s: with %j is refused by path and member', async (_, change, says, hint) => {
    const path = recordWith(change)
    await expectCommandRefuses(there.home, ['credential-process', 'changed'], configInvalid(says, hint))
    await expectCommandRefuses(there.home, ['whoami', 'changed'], configInvalid(path))
  })

  it.each([
    ['B-044', { roleArn: 'arn:aws:iam::123456789012:user/me' }, 'not role/NAME'],
    ['B-046', { region: 'eu-west', endpointUrl: undefined }, '"eu-west"'],
    ['B-051', { endpointUrl: 'http://169.254.169.254/' }, 'link-local'],
    ['B-051', { endpointUrl: 'http://store.example/' }, 'not https'],
  ])('%s: with %j is refused where it is used', async (_, change, says) => {
    recordWith(change)
    await expectCommandRefuses(there.home, ['credential-process', 'changed'], configInvalid(says))
  })
})

describe('an option', () => {
  const arn = (text: string): string[] => ['--role-arn', text]
  const asRole = (...words: string[]): string[] => ['--role-arn', role, ...words]
  const tags = (count: number): string[] => Array.from({ length: count }, (_, at) => ['--tag', `k${at}=v`]).flat()
  it.each([
    ['B-044', arn('arn:aws-moon:iam::123456789012:role/r'), 'partition'],
    ['B-044', arn('arn:aws:iam:::role/reader'), 'no account'],
    ['B-044', arn('arn:aws:iam::12345678901:role/r'), '11 digits'],
    ['B-044', arn('arn:aws:iam::1234567890123:role/r'), '13 digits'],
    ['B-044', arn('arn:aws:iam::123456789012:user/me'), '"user/me", not role/NAME'],
    ['B-044', arn('arn:aws:sts::123456789012:assumed-role/r/me'), '"sts" as service'],
    ['B-044', arn('arn:aws:iam::123456789012:role/a b'), 'space'],
    ['B-044', arn('arn:aws:iam::123456789012:role/*'), 'wildcard'],
    ['B-045', asRole('--duration', '899'), '899'],
    ['B-045', ['--duration', '899'], '899'],
    ['B-047', asRole('--role-session-name', 'a'.repeat(65)), '65 characters, not 2 to 64'],
    ['B-047', asRole('--role-session-name', 'two words'), 'a space'],
    ['B-047', asRole('--role-session-name', 'a/b'), 'character 2'],
    ['B-048', asRole('--external-id', 'x'.repeat(1225)), '1225'],
    ['B-048', asRole('--policy', `{"a":"${'x'.repeat(2048)}"}`), 'not 1 to 2048'],
    ['B-048', asRole('--policy', 'Allow'), 'not a JSON object'],
    ['B-048', asRole(...tags(51)), '51 entries; 50'],
    ['B-048', asRole('--tag', 'a=1', '--tag', 'A=2'), 'twice'],
    ['B-048', asRole('--tag', 'a=1', '--transitive-tag-key', 'b'), 'no tag'],
    ['B-049', ['--mfa-serial', 'arn:aws:iam::123456789012:user/me'], 'mfa/NAME'],
    ['B-049', ['--mfa-serial', 'short'], '5 characters'],
    ['B-051', ['--endpoint-url', 'http://store.example/'], 'not https'],
    ['B-051', ['--endpoint-url', 'http://169.254.169.254/'], 'link-local'],
    ['B-051', ['--endpoint-url', 'https://user:secret@store.example/'], 'user name or password'],
  ])('%s: %j is refused', async (_, words, says) => {
    await expectCommandRefuses(there.home, ['credential-process', 'prod', ...words], configInvalid(says))
  })

  it.each(['1h30', '-1', '900.5', '1e3', ' '])(
    'B-045: --duration=%s is refused with the forms that there are',
    async (text) => {
      const refusal: Refusal = { code: 'ERR_USAGE', hint: '90m' }
      await expectCommandRefuses(there.home, ['credential-process', 'prod', `--duration=${text}`], refusal)
    },
  )

  it.each(['eu-west', 'us-east-1a', 'aws-global', 'EU-WEST-1', 'eu west 1'])(
    'B-046: --region %s is refused',
    async (text) => {
      recordWith({ endpointUrl: undefined })
      await expectCommandRefuses(there.home, ['whoami', 'changed', '--region', text], configInvalid(`"${text}"`))
    },
  )

  it.each([
    ['an ID that is too short', 'AKIA'],
    ['digits that no ID has', 'AKIA0189AAAAAAAAAAAA'],
    ['small letters', 'akiaqqqqqqqqqqqqqqqq'],
    ["another store's ID", 'minio'],
  ])('B-052: %s is refused at an import, with the flag for other stores', async (_, id) => {
    const words = ['import', 'two', '--to', 'embedded', '--offline', '--from', 'stdin', '--access-key-id', id]
    await expectCommandRefuses(there.home, words, configInvalid(undefined, '--other-store'))
  })
})

describe('an AWS profile', () => {
  const looped =
    '[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = b\n' +
    '[profile b]\nrole_arn = arn:aws:iam::111122223333:role/b\nsource_profile = a\n' +
    '[profile again]\ncredential_process = hardkey credential-process prod --profile again\n'

  it.each(['a', 'again'])('B-050: that leads back to itself (%s) is not followed', async (profile) => {
    there.home.write('.aws/config', looped)
    const ran = await there.home.run(['whoami', 'prod', '--profile', profile])
    expect([ran.status, ran.stderr]).toEqual([0, ''])
  })

  it.each(['a', 'b'])('B-050: that leads back to itself is refused in the place of NAME (%s)', async (profile) => {
    there.home.write('.aws/config', looped)
    const way = profile === 'a' ? 'a -> b -> a' : 'b -> a -> b'
    await expectCommandRefuses(there.home, ['whoami', '--profile', profile], configInvalid(way))
  })

  it.each([
    ['--policy {}', '--policy of the line'],
    ['--no-such', '--no-such of the line'],
    ['--duration long', '--duration is no length of time'],
    ['two words', 'does not name one record'],
  ])('B-103: whose line says what cannot be taken over (%s) is refused, with file and line', async (words, says) => {
    there.home.write('.aws/config', `[profile x]\ncredential_process = /bin/hardkey credential-process prod ${words}\n`)
    const refusal = configInvalid(`${there.home.folder}/.aws/config:2: `, 'name the record')
    await expectCommandRefuses(there.home, ['whoami', '--profile', 'x'], { ...refusal, says })
  })

  it('B-050: that takes a role from itself or another is refused for our line, which it would never ask', async () => {
    there.home.write('.aws/config', looped)
    const words = ['import', 'two', '--to', 'embedded', '--offline', '--write-profile', 'a']
    await expectCommandRefuses(there.home, words, configInvalid('role_arn', 'config:2'))
  })

  it.each(['__proto__', 'constructor', 'toString'])('B-053: is an ordinary one when it is called %s', async (name) => {
    const words = ['whoami', 'prod', '--profile', name]
    await expectCommandRefuses(there.home, words, configInvalid(`no AWS profile "${name}"`))
    there.home.write('.aws/config', `[profile ${name}]\nendpoint_url = http://of-the-profile.example/\n`)
    recordWith({ endpointUrl: undefined })
    const refusal = configInvalid('of-the-profile.example is not https')
    await expectCommandRefuses(there.home, ['whoami', 'changed', '--profile', name], refusal)
  })

  it.each(['__proto__', 'constructor', 'toString'])(
    'B-053: a record is an ordinary one when it is called %s',
    async (name) => {
      await expectCommandRefuses(there.home, ['whoami', name], configInvalid(`"${name}"`))
      writeFileSync(recordPath(name), there.home.read('hardkey/keys/prod.json'), { mode: 0o600 })
      expect((await there.home.run(['whoami', name])).status).toBe(0)
    },
  )

  it('B-053: members called __proto__ or constructor of a record are refused', async () => {
    const text = there.home.read('hardkey/keys/prod.json')
    there.home.write('hardkey/keys/proto.json', text.replace('{', '{"__proto__":{"region":"x"},'))
    await expectCommandRefuses(there.home, ['whoami', 'proto'], configInvalid('unknown "__proto__"'))
  })
})
