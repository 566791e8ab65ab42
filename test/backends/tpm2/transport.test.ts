// What becomes of answers that no TPM gives. A server answers given bytes, whatever it was sent: nothing here is a TPM.

import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openKey } from '../../../src/backends/open.ts'
import { type Tpm2Options, tpm2Backend } from '../../../src/backends/tpm2/backend.ts'
import { openTransport, type TpmTransport } from '../../../src/backends/tpm2/wire/transport.ts'
import { KeyUri } from '../../../src/key/uri.ts'

const command = Buffer.from('80010000000a00000144', 'hex')
const success = '80010000000a00000000'
const limit = { timeoutMilliseconds: 20_000 }

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** A transport to a server that does this with each command. */
async function transportTo(serve: (socket: Socket, nth: number) => void | Promise<void>): Promise<TpmTransport> {
  let nth = 0
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', () => void serve(socket, nth++))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const transport = await openTransport({ kind: 'tcp', host: '127.0.0.1', port: portOf(server) }, limit)
  onTestFinished(async () => {
    await transport.close()
    server.close()
  })
  return transport
}

const answering = (...hex: readonly string[]) =>
  transportTo((socket, nth) => void socket.write(Buffer.from(hex[nth] ?? '', 'hex')))

it.each([
  ['F-T15 an unknown tag', '80030000000a00000000', 'the tag 0x8003'],
  ['F-T15 size 0', '80010000000000000000', 'a size of 0'],
  ['F-T15 a size below a header', '80010000000900000000', 'a size of 9'],
  ['F-T15 a size above 4096', '80010000100100000000', 'a size of 4097'],
  ['F-T15 a size of 4 GiB', '8001ffffffff00000000', 'a size of 4294967295'],
  ['F-T15 a byte after the answer', `${success}00`, '1 bytes more'],
  ['F-T15 an answer after the answer', `${success}${success}`, '10 bytes more'],
])('%s is ERR_DEVICE_FAILED, and the connection is given up', async (_, answer, words) => {
  const transport = await answering(answer, success)
  const failure = { code: 'ERR_DEVICE_FAILED', message: expect.stringContaining(words) }
  await expect(transport.transmit(command, limit)).rejects.toMatchObject(failure)
  expect(transport.isBroken).toBe(true)
  await expect(transport.transmit(command, limit)).rejects.toMatchObject(failure)
})

it.each([1, 9, 10, 11])(
  'F-T15 an answer that is cut off after %i bytes is ERR_DEVICE_FAILED within a second',
  async (length) => {
    const whole = '80020000002800000000'.padEnd(80, '0')
    const transport = await answering(whole.slice(0, 2 * length))
    await expect(transport.transmit(command, limit)).rejects.toMatchObject({
      code: 'ERR_DEVICE_FAILED',
      message: expect.stringContaining('and nothing more'),
    })
  },
)

it('takes an answer that comes byte by byte', async () => {
  const transport = await transportTo(async (socket) => {
    socket.setNoDelay(true)
    for (const byte of Buffer.from(success, 'hex')) {
      socket.write(Uint8Array.of(byte))
      await sleep(2)
    }
  })
  expect(Buffer.from(await transport.transmit(command, limit)).toString('hex')).toBe(success)
})

it('F-T20 a connection that is closed in the middle of an answer is ERR_DEVICE_UNAVAILABLE', async () => {
  const transport = await transportTo((socket) => void socket.end(Buffer.from(success.slice(0, 8), 'hex')))
  await expect(transport.transmit(command, limit)).rejects.toMatchObject({ code: 'ERR_DEVICE_UNAVAILABLE' })
  expect(transport.isBroken).toBe(true)
})

it('gives up a connection on which something comes that was not asked for', async () => {
  let again = (): unknown => undefined
  const transport = await transportTo((socket) => {
    again = () => socket.write(Buffer.from(success, 'hex'))
    again()
  })
  await transport.transmit(command, limit)
  again()
  while (!transport.isBroken) await sleep(5)
  await expect(transport.transmit(command, limit)).rejects.toMatchObject({
    code: 'ERR_DEVICE_FAILED',
    message: expect.stringContaining('without having been asked'),
  })
})

it('F-T21 a TPM that does not answer within the deadline is ERR_TIMEOUT, and its late answer goes to nobody', async () => {
  const transport = await transportTo((socket) => void setTimeout(() => socket.write(Buffer.from(success, 'hex')), 200))
  await expect(transport.transmit(command, { timeoutMilliseconds: 50 })).rejects.toMatchObject({
    code: 'ERR_TIMEOUT',
    message: expect.stringContaining('did not answer within 0.05 s'),
  })
  await expect(transport.transmit(command, limit)).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
})

it('an abort ends the wait with its reason', async () => {
  const controller = new AbortController()
  const transport = await transportTo(() => controller.abort(new Error('enough')))
  await expect(transport.transmit(command, { ...limit, signal: controller.signal })).rejects.toThrow('enough')
  expect(transport.isBroken).toBe(true)
})

describe('F-T21 a TPM that hangs', () => {
  const opened = async (options: Tpm2Options, signal?: AbortSignal) => {
    const server = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const left = once(server, 'connection').then(
      async ([socket]: Socket[]) => await once(socket?.resume() ?? server, 'close'),
    )
    const uri = KeyUri.of('tpm2', { handle: '0x81000100' }, { device: `swtpm:port=${portOf(server)}` })
    return { left, key: openKey(uri, { signal, backends: [tpm2Backend(options)] }) }
  }

  it('is given up at the deadline, which is told in plain numbers', async () => {
    const { left, key } = await opened({ commandMilliseconds: 300 })
    await expect(key).rejects.toMatchObject({ code: 'ERR_TIMEOUT', message: expect.stringMatching(/ within 0\.3 s$/) })
    await left
  })

  it('is left at once by a caller who aborts, and soon given up', async () => {
    const reason = new Error('enough')
    const aborter = new AbortController()
    const { left, key } = await opened({}, aborter.signal)
    setTimeout(() => aborter.abort(reason), 50)
    await expect(key).rejects.toBe(reason)
    await left
  })
})

it('F-T10 says where no TPM can be reached', async () => {
  const unavailable = (words: string) => ({ code: 'ERR_DEVICE_UNAVAILABLE', message: expect.stringContaining(words) })
  await expect(openTransport({ kind: 'unix', path: '/nowhere/sock' }, limit)).rejects.toMatchObject(
    unavailable('no TPM can be reached at /nowhere/sock'),
  )
  await expect(openTransport({ kind: 'device', path: '/dev/nothing0' }, limit)).rejects.toMatchObject(
    unavailable('there is no TPM at /dev/nothing0'),
  )
})

it('never writes a command into an ordinary file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-transport-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'file')
  writeFileSync(path, 'mine')
  await expect(openTransport({ kind: 'device', path }, limit)).rejects.toMatchObject({
    code: 'ERR_DEVICE_UNAVAILABLE',
    message: `${path} is no character device`,
  })
})

it('says that a socket is to be named as one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-transport-'))
  const path = join(folder, 'sock')
  const server = createServer().listen(path)
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    rmSync(folder, { recursive: true, force: true })
  })
  await expect(openTransport({ kind: 'device', path }, limit)).rejects.toMatchObject({
    code: 'ERR_DEVICE_UNAVAILABLE',
    hint: expect.stringContaining('swtpm:path=SOCKET'),
  })
})
