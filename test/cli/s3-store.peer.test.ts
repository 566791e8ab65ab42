// A key of a store without STS: checked in by ListBuckets, used by request and presign, refused where a session is asked.

import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type S3Store, s3Stores } from '../sigv4/s3-stores.ts'
import { CommandHome, type Ran, throwAwayKey } from './hardkey.ts'

describe.each(s3Stores)('a key of %s', (_, start) => {
  const home = new CommandHome()
  let store: S3Store
  beforeAll(async () => {
    store = await start()
    home.write('passphrase', 'correct horse\n')
    expect((await imported('store', store.secretAccessKey)).status).toBe(0)
    expect(await run('request', 'store', 'PUT', 's3://hardkey-cli')).toMatchObject({ status: 0 })
  })
  afterAll(async () => {
    home.remove()
    await store?.stop()
  })

  const run = (...words: string[]): Promise<Ran> => home.run(words)
  async function imported(name: string, secret: string, more: readonly string[] = []): Promise<Ran> {
    const to = `tink:file=${name}.keyset.json?kek=passphrase:&pin-source=file:${home.folder}/passphrase`
    const key = ['--access-key-id', store.accessKeyId, '--from', 'stdin', '--other-store']
    const where = ['--prove', 's3', '--endpoint-url', store.s3Url, '--region', store.region]
    return await home.run(['import', name, '--to', to, ...key, ...where, ...more], { input: secret })
  }

  it('is not kept where the secret is a wrong one', async () => {
    const ran = await imported('wrong', throwAwayKey().secretAccessKey)
    expect(ran).toMatchObject({ status: 1, stdout: '' })
    expect(ran.stderr).toContain('the store refused the key: SignatureDoesNotMatch')
    expect((await run('list')).stdout).not.toContain('wrong')
  })

  it('is known as one also where it was not asked', async () => {
    expect(await imported('unasked', store.secretAccessKey, ['--offline'])).toMatchObject({ status: 0 })
    expect(await run('request', 'unasked', 'GET', 's3://hardkey-cli')).toMatchObject({ status: 0 })
    expect(await run('whoami', 'unasked')).toMatchObject({ status: 2, stdout: '' })
  })

  it('gets no AWS profile', async () => {
    const ran = await imported('profile', store.secretAccessKey, ['--write-profile', 'p'])
    expect(ran).toMatchObject({ status: 2 })
    expect(ran.stderr).toContain('hardkey presign, hardkey request, or signWithKey')
  })

  it.each([
    ['credential-process', 'hardkey presign, hardkey request, or signWithKey'],
    ['whoami', 'hardkey request NAME GET s3://'],
  ])('is refused by %s, which names what works', async (command, works) => {
    const ran = await run(command, 'store')
    expect(ran).toMatchObject({ status: 2, stdout: '' })
    expect(ran.stderr).toContain(works)
  })

  it.each([
    [[]],
    [['--checksum', 'crc64nvme']],
    [['--checksum', 'sha256', '--unsigned-payload']],
    [['--unsigned-payload']],
  ])('uploads a file as a stream with %j, and downloads it', async (options: readonly string[]) => {
    const content = randomBytes(3_000_000)
    const path = home.write('upload.bin', content)
    const key = 's3://hardkey-cli/a folder/ü+~%2F?#.bin'
    const put = await run('request', 'store', 'PUT', key, '--body', `@${path}`, ...options)
    expect(put).toMatchObject({ status: 0, stdout: '' })
    expect(await downloaded(key)).toBe(sha256(content))
  })

  async function downloaded(key: string): Promise<string> {
    const child = home.start(['request', 'store', 'GET', key])
    const hash = createHash('sha256')
    child.stdin?.end()
    for await (const piece of child.stdout ?? []) hash.update(piece)
    return hash.digest('hex')
  }

  it('uploads standard input: short, or with a hash that is known', async () => {
    const key = 's3://hardkey-cli/stdin'
    expect(await home.run(['request', 'store', 'PUT', key, '--body', '@-'], { input: 'piped' })).toMatchObject({
      status: 0,
    })
    expect((await run('request', 'store', 'GET', key)).stdout).toBe('piped')
    const hash = ['--payload-hash', sha256(Buffer.from('known')), '--header', 'content-length: 5']
    const words = ['request', 'store', 'PUT', key, '--body', '@-', ...hash]
    expect(await home.run(words, { input: 'known' })).toMatchObject({ status: 0 })
    expect((await run('request', 'store', 'GET', key)).stdout).toBe('known')
  })

  it('B-115: says how a long pipe is signed', async () => {
    const words = ['request', 'store', 'PUT', 's3://hardkey-cli/long', '--body', '@-']
    const ran = await home.run(words, { input: Buffer.alloc(17 * 1_048_576) })
    expect(ran).toMatchObject({ status: 2, stdout: '' })
    expect(ran.stderr).toContain('--payload-hash')
  })

  it('lists with parameters that are given apart', async () => {
    const words = [
      'request',
      'store',
      'GET',
      's3://hardkey-cli',
      '--query',
      'list-type=2',
      '--query',
      'prefix=a folder/ü',
    ]
    const { stdout, status } = await run(...words)
    expect(status).toBe(0)
    expect(stdout).toContain('<KeyCount>1</KeyCount>')
  })

  it('presigns for seven days', async () => {
    const put = await run('presign', 'store', 's3://hardkey-cli/p', '--method', 'PUT', '--expires', '7d')
    expect(put.stderr).toMatch(/note: the URL ends at 20\d\d-.*Z; deactivating the access key .* ends it sooner/)
    expect((await fetch(put.stdout.trim(), { method: 'PUT', body: 'x' })).status).toBe(200)
    const get = await run('presign', 'store', 's3://hardkey-cli/p', '--expires-in', '604800')
    expect(new URL(get.stdout).searchParams.get('X-Amz-Expires')).toBe('604800')
    expect(await (await fetch(get.stdout.trim())).text()).toBe('x')
  })

  it('tells a refused request from one that was done', async () => {
    const ran = await run('request', 'store', 'GET', 's3://hardkey-cli/none')
    expect(ran.status).toBe(1)
    expect(ran.stdout).toContain('<Code>NoSuchKey</Code>')
  })
})

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
