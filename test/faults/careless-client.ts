// A client of a TPM that does everything wrong: no session, no check of what comes back. In: a port and a persistent key.
// Out: whatever stands where the HMAC should be. The controls of the proxy need one that a fault gets the better of.

import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** TPM2_HMAC with an empty password. TPM 2.0 Library, Part 3, 15.4; Part 1, 19.4. */
export function hmacCommand(handle: number, data: Uint8Array, password = ''): Buffer {
  const area = Buffer.concat([words(0x40000009), sized(''), Buffer.of(0), sized(password)])
  const body = Buffer.concat([words(handle, area.length), area, sized(data), Buffer.from('000b', 'hex')])
  const head = Buffer.concat([Buffer.from('8002', 'hex'), words(10 + body.length, 0x155)])
  return Buffer.concat([head, body])
}

/** Asks once, takes what the first piece of the answer has after its sizes, and says it in hex. */
export async function carelessHmac(port: number, command: Uint8Array): Promise<string> {
  const connection = connect(port, '127.0.0.1')
  try {
    connection.write(command)
    const [answer] = await Promise.race([once(connection, 'data'), ended(connection)])
    return Buffer.from(answer).subarray(16, 48).toString('hex')
  } finally {
    connection.destroy()
  }
}

/** All that comes within a moment, whatever its header says. */
export async function whateverComes(port: number, command: Uint8Array): Promise<Buffer> {
  const connection = connect(port, '127.0.0.1')
  const pieces: Buffer[] = []
  connection.on('data', (piece: Buffer) => pieces.push(piece))
  connection.write(command)
  await sleep(100)
  connection.destroy()
  return Buffer.concat(pieces)
}

async function ended(connection: ReturnType<typeof connect>): Promise<never> {
  await once(connection, 'end')
  throw new Error('the connection ended')
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index)
  return bytes
}

function sized(content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content)
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes])
}
