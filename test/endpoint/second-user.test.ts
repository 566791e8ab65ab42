// Another user of this machine, who is not root, at the endpoint of the first: with no token, with the right one, as root, and in
// the folder of a socket. T-1. Needs root, who alone can play a second user.

import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { PeerOwners } from '../../src/endpoint/peer-owner.ts'
import { CheckedIn } from '../cli/checked-in.ts'
import { Serving } from '../cli/serving.ts'
import { asSecondUser, secondUser } from '../faults/second-user.ts'
import { rawRequest } from './raw-request.ts'

/** Sends a request over bash's own TCP: no other program need be there. */
const request =
  'exec 3<>/dev/tcp/127.0.0.1/$1; printf "GET / HTTP/1.1\\r\\nHost: 127.0.0.1:$1\\r\\n$2\\r\\n\\r\\n" >&3; head -1 <&3'
const asked = (port: number, header: string): ReturnType<typeof asSecondUser> =>
  asSecondUser('exec bash -c "$1" bash "$2" "$3"', [request, String(port), header])

let there: CheckedIn
let serving: Serving
beforeAll(async () => {
  there = await CheckedIn.make()
  serving = await Serving.start(there.home, ['serve', 'prod'])
})
afterAll(async () => {
  await serving.stop()
  await there.remove()
})

describe('T-1: a second user', () => {
  it('gets nothing without a token', async () => {
    expect((await asked(serving.port, 'X: 1')).stdout).toMatch(/^HTTP\/1\.1 401 /)
  })

  it('gets nothing with the right token, and the first user goes on', async () => {
    const { stdout } = await asked(serving.port, `Authorization: ${serving.token}`)
    expect(stdout).toMatch(/^HTTP\/1\.1 403 /)
    expect((await serving.get()).status).toBe(200)
  })

  it('gets no credentials from the metadata service, whose tokens are for everybody', async () => {
    const metadata = await Serving.start(there.home, ['serve', 'prod', '--imds'])
    const { port } = new URL(metadata.variable('AWS_EC2_METADATA_SERVICE_ENDPOINT'))
    const put = request.replace('GET /', 'PUT /latest/api/token')
    const header = 'X-aws-ec2-metadata-token-ttl-seconds: 60'
    const { stdout } = await asSecondUser('exec bash -c "$1" bash "$2" "$3"', [put, port, header])
    await metadata.stop()
    expect(stdout).toMatch(/^HTTP\/1\.1 403 /)
  })

  it('gets credentials with --any-user and the token, and not without it', async () => {
    const open = await Serving.start(there.home, ['serve', 'prod', '--any-user'])
    const right = await asked(open.port, `Authorization: ${open.token}`)
    const wrong = await asked(open.port, 'Authorization: x')
    await open.stop()
    expect([right.stdout.slice(9, 12), wrong.stdout.slice(9, 12)]).toEqual(['200', '401'])
  })

  it('reads no token: neither its file nor the arguments and variables of the process', async () => {
    const file = join(there.home.folder, 'token')
    const kept = await Serving.start(there.home, ['serve', 'prod', '--token-file', file])
    const token = readFileSync(file, 'latin1')
    const script = 'cat "$1"; tr "\\0" "\\n" < /proc/$2/cmdline; tr "\\0" "\\n" < /proc/$2/environ'
    const { stdout } = await asSecondUser(script, [file, String(kept.child.pid)])
    await kept.stop()
    expect(stdout).toContain('--token-file')
    expect(stdout).not.toContain(token)
    expect(stdout).not.toContain('HARDKEY_HOME')
  })

  it('cannot come to a socket, whose folder is closed', async () => {
    const folder = join(there.home.folder, 'closed')
    mkdirSync(folder, { mode: 0o700 })
    chmodSync(there.home.folder, 0o755)
    const path = join(folder, 'endpoint.sock')
    const atSocket = await Serving.start(there.home, ['serve', 'prod', '--socket', path])
    const script = 'exec "$1" -e "$2" "$3"'
    const program =
      "require('net').connect(process.argv[1]).on('error', (e) => console.log(e.code)).on('connect', () => console.log('in'))"
    const { stdout } = await asSecondUser(script, [process.execPath, program, path])
    await atSocket.stop()
    chmodSync(there.home.folder, 0o700)
    expect(stdout.trim()).toBe('EACCES')
  })
})

describe('T-10: a socket of a second user', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hardkey-socket-'))
    chownSync(folder, secondUser.uid, secondUser.gid)
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('is taken by no relay of another, which tells whose it is', async () => {
    const ran = await there.home.run(['relay', join(folder, 'endpoint.sock')])
    expect(ran).toMatchObject({ status: 2, stdout: '' })
    expect(ran.stderr).toContain(`belongs to another user (uid ${secondUser.uid})`)
    expect(ran.stderr).toContain('--socket-owner')
  })

  it('is taken once that user is named, and then no other', async () => {
    const path = join(folder, 'endpoint.sock')
    const theirs = createServer((socket) => socket.end('theirs'))
    await once(theirs.listen(path), 'listening')
    const named = await Serving.start(there.home, ['relay', path, '--socket-owner', String(secondUser.uid)])
    const { text } = await rawRequest({ port: named.port, host: '127.0.0.1' }, 'GET')
    chownSync(folder, secondUser.uid + 1, secondUser.gid)
    const { text: other } = await rawRequest({ port: named.port, host: '127.0.0.1' }, 'GET')
    theirs.close()
    expect([text, other]).toEqual(['theirs', ''])
    expect((await named.stop()).stderr).toContain(`belongs to another user (uid ${secondUser.uid + 1})`)
  })
})

describe('the owner of the far end of a connection', () => {
  it('is told with user and inode, of a socket of IPv4 and one of IPv6', async () => {
    const server = createServer()
    await once(server.listen(0, '::'), 'listening')
    const address = server.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    const owners = new PeerOwners()
    const far = connect({ port, host: '::ffff:127.0.0.1' })
    await once(far, 'connect')
    const { localPort: remotePort = 0 } = far
    const ends = { localAddress: '127.0.0.1', localPort: port, remoteAddress: '127.0.0.1', remotePort }
    expect(await owners.of(ends)).toEqual({ uid: process.getuid?.(), inode: expect.any(Number) })
    far.destroy()
    server.close()
  })

  it('is nobody for a connection that is not there, and where there is no table', async () => {
    const ends = { localAddress: '127.0.0.1', localPort: 1, remoteAddress: '127.0.0.1', remotePort: 2 }
    expect(await new PeerOwners().of(ends)).toBeUndefined()
    expect(await new PeerOwners(() => Promise.reject(new Error('no /proc'))).of(ends)).toBeUndefined()
  })

  it('is nobody for a socket that was closed, though the kernel writes user 0', async () => {
    const row = (inode: string): string =>
      `  sl\n   1: 0100007F:0002 0100007F:0001 06 00000000:00000000 03:00000918 00000000     0        0 ${inode} 3\n`
    const ends = { localAddress: '127.0.0.1', localPort: 1, remoteAddress: '127.0.0.1', remotePort: 2 }
    expect(await new PeerOwners(async () => row('0')).of(ends)).toBeUndefined()
    expect(await new PeerOwners(async () => row('77')).of(ends)).toEqual({ uid: 0, inode: 77 })
  })

  it('is read once for all who wait, and anew for those who come later', async () => {
    let readings = 0
    const owners = new PeerOwners(async (name) => {
      if (name === 'tcp') readings += 1
      return ''
    })
    const ends = { localAddress: '127.0.0.1', localPort: 1, remoteAddress: '127.0.0.1', remotePort: 2 }
    await Promise.all(Array.from({ length: 100 }, () => owners.of(ends)))
    expect(readings).toBe(3)
  })

  it('is the second user for a connection of his', async () => {
    const server = createServer()
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const address = server.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    const far = asSecondUser('exec bash -c "exec 3<>/dev/tcp/127.0.0.1/$1; cat <&3"', [String(port)])
    const [near] = await Promise.race([once(server, 'connection'), far.then(() => [])])
    const { localPort = 0, remotePort = 0 } = near ?? {}
    const ends = { localAddress: '127.0.0.1', localPort, remoteAddress: '127.0.0.1', remotePort }
    const owner = await new PeerOwners().of(ends)
    near?.destroy()
    server.close()
    await far
    expect(owner?.uid).toBe(secondUser.uid)
  })
})
