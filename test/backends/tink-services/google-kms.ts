// Google's Cloud KMS as its REST reference has it, since it has no double: encrypt and decrypt of one key by AES-256-GCM,
// with the checksums of both ways. In: a token that is taken. Out: a port of plain http. Written without the code under
// test; that its form is right is shown by Tink for Go, whose own client of Cloud KMS talks to it.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface GoogleKms {
  readonly url: string
  /** projects/…/cryptoKeys/kek */
  readonly name: string
  readonly token: string
  close(): Promise<void>
}

type Members = Readonly<Record<string, unknown>>
interface Answer {
  readonly status: number
  readonly body: Members
}

const token = 'ya29.test-token_of-google.kms'
const name = 'projects/hardkey-test/locations/europe-west1/keyRings/ring/cryptoKeys/kek'

/** Listens on 127.0.0.1. The caller closes it. `anyToken`: for a client that brings none. */
export async function startGoogleKms({ anyToken = false }: { anyToken?: boolean } = {}): Promise<GoogleKms> {
  const key = randomBytes(32)
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const answer = answerTo(request, await bodyOf(request), key, anyToken)
    response.writeHead(answer.status, { 'content-type': 'application/json; charset=UTF-8' })
    response.end(JSON.stringify(answer.body, null, 2))
  }
  const server = createServer((request, response) => void respond(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server that listens has an address with a port.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, name, token, close: () => new Promise((done) => server.close(() => done())) }
}

function answerTo(request: IncomingMessage, body: Members, key: Uint8Array, anyToken: boolean): Answer {
  const [, path = '', action = ''] = /^\/v1\/([^:?]+):(encrypt|decrypt)(?:\?.*)?$/.exec(request.url ?? '') ?? []
  if (request.method !== 'POST' || path === '') return refused(404, 'NOT_FOUND', 'Method not found.')
  if (!anyToken && request.headers.authorization !== `Bearer ${token}`) {
    return refused(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.')
  }
  if (path !== name) return refused(404, 'NOT_FOUND', `CryptoKey ${path} not found.`)
  return action === 'encrypt' ? encrypt(body, key) : decrypt(body, key)
}

function encrypt(body: Members, key: Uint8Array): Answer {
  const plaintext = bytesIn(body, 'plaintext')
  const extra = bytesIn(body, 'additionalAuthenticatedData')
  if (plaintext === undefined || extra === undefined) return checksumRefused()
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(extra)
  const ciphertext = Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  return {
    status: 200,
    body: {
      name: `${name}/cryptoKeyVersions/1`,
      ciphertext: ciphertext.toString('base64'),
      ciphertextCrc32c: String(crc(ciphertext)),
      ...(body.plaintextCrc32c === undefined ? {} : { verifiedPlaintextCrc32c: true }),
      ...(body.additionalAuthenticatedDataCrc32c === undefined
        ? {}
        : { verifiedAdditionalAuthenticatedDataCrc32c: true }),
      protectionLevel: 'SOFTWARE',
    },
  }
}

function decrypt(body: Members, key: Uint8Array): Answer {
  const ciphertext = bytesIn(body, 'ciphertext')
  const extra = bytesIn(body, 'additionalAuthenticatedData')
  if (ciphertext === undefined || extra === undefined) return checksumRefused()
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, ciphertext.subarray(0, 12)).setAAD(extra)
    decipher.setAuthTag(ciphertext.subarray(-16))
    const plaintext = Buffer.concat([decipher.update(ciphertext.subarray(12, -16)), decipher.final()])
    return {
      status: 200,
      body: {
        plaintext: plaintext.toString('base64'),
        plaintextCrc32c: String(crc(plaintext)),
        usedPrimary: true,
        protectionLevel: 'SOFTWARE',
      },
    }
  } catch {
    // Too short, or of another key.
    return refused(400, 'INVALID_ARGUMENT', 'Decryption failed: the ciphertext is invalid.')
  }
}

/** The bytes of a member, in either alphabet; undefined where they do not match the checksum beside them. */
function bytesIn(body: Members, member: string): Buffer | undefined {
  const bytes = Buffer.from(String(body[member] ?? ''), 'base64')
  const sum = body[`${member}Crc32c`]
  return sum === undefined || String(sum) === String(crc(bytes)) ? bytes : undefined
}

function checksumRefused(): Answer {
  return refused(400, 'INVALID_ARGUMENT', 'The checksum in a field did not match the data in the field.')
}

function refused(status: number, word: string, message: string): Answer {
  return { status, body: { error: { code: status, message, status: word } } }
}

async function bodyOf(request: IncomingMessage): Promise<Members> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(Buffer.from(piece))
  try {
    return Object(JSON.parse(Buffer.concat(pieces).toString()))
  } catch {
    return {}
  }
}

/** CRC-32C by a table, as most have it. */
function crc(bytes: Uint8Array): number {
  const table = Array.from({ length: 256 }, (_, index) => {
    let entry = index
    for (let bit = 0; bit < 8; bit += 1) entry = entry & 1 ? (entry >>> 1) ^ 0x82f63b78 : entry >>> 1
    return entry >>> 0
  })
  let sum = 0xffffffff
  for (const byte of bytes) sum = (table[(sum ^ byte) & 255] ?? 0) ^ (sum >>> 8)
  return (sum ^ 0xffffffff) >>> 0
}
