// An attacker between CPU and TPM who changes what crosses. In: nothing but the bus. Out: rules for the proxy, and what the
// attacker learned. Written from TPM 2.0 Library, Part 1 (11.4.10 KDFa and KDFe, 19.6 sessions, 21 parameter encryption) and
// from nothing of hardkey. What needs no secret the attacker does right: where the key of a session HMAC is empty, the
// answer is authenticated anew.

import { createDecipheriv, createECDH, createHash, createHmac, type ECDH } from 'node:crypto'
import { commandCodes, type Rule } from './tpm-proxy.ts'

const passwordSession = 0x40000009
const decryptAttribute = 0x20
const encryptAttribute = 0x40
/** Commands whose answer begins with a handle. Part 3, each command. */
const answersWithHandle: readonly number[] = [
  commandCodes.CreatePrimary,
  commandCodes.Load,
  commandCodes.HMAC_Start,
  commandCodes.StartAuthSession,
]
/** How many handles stand in front of the authorization area. Part 3, each command. */
const commandHandles = new Map<number, number>([
  [commandCodes.HMAC, 1],
  [commandCodes.HMAC_Start, 1],
  [commandCodes.Load, 1],
  [commandCodes.Create, 1],
  [commandCodes.CreatePrimary, 1],
  [commandCodes.ReadPublic, 1],
  [commandCodes.SequenceComplete, 1],
  [commandCodes.StartAuthSession, 2],
])

/** A storage key of the attacker's own, shown in place of the TPM's. */
export class SwappedParent {
  readonly #pair: ECDH = createECDH('prime256v1')
  readonly #point: Buffer
  #salt: Buffer | undefined
  #nonces: { readonly caller: Buffer; readonly tpm: Buffer } | undefined
  /** How many sessions were salted at all. */
  salted = 0
  /** Data of TPM2_HMAC as the attacker deciphers it: nonsense where the salt was for the TPM's own key. */
  readonly read: Buffer[] = []

  constructor() {
    this.#point = this.#pair.generateKeys().subarray(1)
  }

  rules(): readonly Rule[] {
    return [
      {
        codes: [commandCodes.ReadPublic],
        act: async (command, forward) => this.#swap(command, await forward(command)),
      },
      {
        codes: [commandCodes.CreatePrimary],
        act: async (command, forward) => this.#swap(command, await forward(command)),
      },
      {
        codes: [commandCodes.StartAuthSession],
        act: async (command, forward) => {
          const answer = await forward(command)
          this.#listen(command, answer)
          return { bytes: answer }
        },
      },
      {
        codes: [commandCodes.HMAC, commandCodes.HMAC_Start],
        act: async (command, forward) => {
          this.#decipher(command)
          return { bytes: await forward(command) }
        },
      },
    ]
  }

  /** Puts the attacker's point into the TPMT_PUBLIC of an ECC storage key, and its Name wherever it stands. */
  #swap(command: Buffer, answer: Buffer): { bytes: Buffer } {
    if (answer.readUInt32BE(6) !== 0) return { bytes: answer }
    // TPM2B_PUBLIC is the first parameter.
    const at = parametersOf(command, answer).start
    const size = answer.readUInt16BE(at)
    const area = answer.subarray(at + 2, at + 2 + size)
    // TPM_ALG_ECC with P-256: the point is at the end, two sized coordinates of 32 bytes.
    if (area.readUInt16BE(0) !== 0x0023 || size < 76) return { bytes: answer }
    const oldName = nameOf(area)
    const forged = Buffer.from(answer)
    this.#point.copy(forged, at + 2 + size - 66, 0, 32)
    this.#point.copy(forged, at + 2 + size - 32, 32, 64)
    const newName = nameOf(forged.subarray(at + 2, at + 2 + size))
    for (let place = forged.indexOf(oldName); place >= 0; place = forged.indexOf(oldName)) newName.copy(forged, place)
    return { bytes: authenticated(command, forged) }
  }

  #listen(command: Buffer, answer: Buffer): void {
    if (answer.readUInt32BE(6) !== 0) return
    const [caller, afterCaller] = sizedAt(command, 18)
    const [secret] = sizedAt(command, afterCaller)
    if (secret.length === 0) return
    this.salted += 1
    const [x, afterX] = sizedAt(secret, 0)
    const [y] = sizedAt(secret, afterX)
    const z = this.#pair.computeSecret(Buffer.concat([Buffer.of(4), x, y]))
    this.#salt = kdfe(z, 'SECRET', x, this.#point.subarray(0, 32))
    this.#nonces = { caller, tpm: sizedAt(answer, 14)[0] }
  }

  #decipher(command: Buffer): void {
    if (this.#salt === undefined || this.#nonces === undefined) return
    const { caller: firstCaller, tpm } = this.#nonces
    const sessionKey = kdfa(this.#salt, 'ATH', tpm, firstCaller, 256)
    const { sessions, parameters } = commandParts(command)
    const session = sessions.find(({ attributes }) => (attributes & decryptAttribute) !== 0)
    if (session === undefined) return
    const material = kdfa(sessionKey, 'CFB', session.nonce, tpm, 256)
    const cipher = createDecipheriv('aes-128-cfb', material.subarray(0, 16), material.subarray(16))
    this.read.push(cipher.update(sizedAt(command, parameters)[0]))
  }
}

/** The attacker asks the TPM for its answer in clear, and shows it as one of an encrypted session. */
export function encryptionDropped(): Rule {
  const act: Rule['act'] = async (command, forward) => {
    const asked = Buffer.from(command)
    for (const { attributesAt } of commandParts(asked).sessions) {
      asked.writeUInt8(asked.readUInt8(attributesAt) & ~(encryptAttribute | decryptAttribute), attributesAt)
    }
    return { bytes: await forward(asked) }
  }
  return { codes: [commandCodes.HMAC, commandCodes.SequenceComplete], act }
}

/** The answer says that it was not encrypted, whatever it is. */
export function encryptionDenied(): Rule {
  const act: Rule['act'] = async (command, forward) => {
    const answer = Buffer.from(await forward(command))
    for (const { attributesAt } of answerSessions(command, answer)) {
      answer.writeUInt8(answer.readUInt8(attributesAt) & ~encryptAttribute, attributesAt)
    }
    return { bytes: answer }
  }
  return { codes: [commandCodes.HMAC, commandCodes.SequenceComplete], act }
}

interface SessionPart {
  readonly handle: number
  readonly nonce: Buffer
  readonly attributes: number
  readonly attributesAt: number
}

/** The authorization area of a command, and where its parameters begin. Part 1, 18.6. */
function commandParts(command: Buffer): { readonly sessions: readonly SessionPart[]; readonly parameters: number } {
  const handles = commandHandles.get(command.readUInt32BE(6)) ?? 0
  let at = 10 + 4 * handles
  if (command.readUInt16BE(0) !== 0x8002) return { sessions: [], parameters: at }
  const end = at + 4 + command.readUInt32BE(at)
  const sessions: SessionPart[] = []
  for (at += 4; at < end; ) {
    const handle = command.readUInt32BE(at)
    const [part, next] = sessionAt(command, at + 4)
    sessions.push({ handle, ...part })
    at = next
  }
  return { sessions, parameters: end }
}

/** The authorization area of an answer, which has no handles. Part 1, 18.8. */
function answerSessions(
  command: Buffer,
  answer: Buffer,
): readonly (Omit<SessionPart, 'handle'> & { readonly hmacAt: number })[] {
  if (answer.readUInt16BE(0) !== 0x8002) return []
  const sessions: (Omit<SessionPart, 'handle'> & { readonly hmacAt: number })[] = []
  for (let at = parametersOf(command, answer).end; at < answer.length; ) {
    const [part, next] = sessionAt(answer, at)
    sessions.push(part)
    at = next
  }
  return sessions
}

function sessionAt(bytes: Buffer, at: number): [Omit<SessionPart, 'handle'> & { readonly hmacAt: number }, number] {
  const [nonce, attributesAt] = sizedAt(bytes, at)
  const hmacAt = attributesAt + 1
  const [, next] = sizedAt(bytes, hmacAt)
  return [{ nonce, attributes: bytes.readUInt8(attributesAt), attributesAt, hmacAt }, next]
}

function parametersOf(command: Buffer, answer: Buffer): { readonly start: number; readonly end: number } {
  const at = answersWithHandle.includes(command.readUInt32BE(6)) ? 14 : 10
  if (answer.readUInt16BE(0) !== 0x8002) return { start: at, end: answer.length }
  return { start: at + 4, end: at + 4 + answer.readUInt32BE(at) }
}

/** The answer with each session HMAC made anew under the empty key, which is all that an attacker has. */
function authenticated(command: Buffer, answer: Buffer): Buffer {
  const { sessions } = commandParts(command)
  const { start, end } = parametersOf(command, answer)
  const rpHash = createHash('sha256')
    .update(answer.subarray(6, 10))
    .update(command.subarray(6, 10))
    .update(answer.subarray(start, end))
    .digest()
  for (const [index, part] of answerSessions(command, answer).entries()) {
    const asked = sessions[index]
    if (asked === undefined || asked.handle === passwordSession) continue
    const made = createHmac('sha256', '').update(rpHash).update(part.nonce).update(asked.nonce)
    made
      .update(Buffer.of(part.attributes))
      .digest()
      .copy(answer, part.hmacAt + 2)
  }
  return answer
}

function sizedAt(bytes: Buffer, at: number): [content: Buffer, next: number] {
  const end = at + 2 + bytes.readUInt16BE(at)
  return [bytes.subarray(at + 2, end), end]
}

function nameOf(publicArea: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from('000b', 'hex'), createHash('sha256').update(publicArea).digest()])
}

function counter(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function kdfa(key: Uint8Array, label: string, u: Uint8Array, v: Uint8Array, bits: number): Buffer {
  const data = [counter(1), Buffer.from(`${label}\0`), u, v, counter(bits)]
  return createHmac('sha256', key)
    .update(Buffer.concat(data))
    .digest()
    .subarray(0, bits / 8)
}

function kdfe(z: Uint8Array, label: string, u: Uint8Array, v: Uint8Array): Buffer {
  return createHash('sha256')
    .update(Buffer.concat([counter(1), z, Buffer.from(`${label}\0`), u, v]))
    .digest()
}
