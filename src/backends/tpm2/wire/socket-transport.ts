// A TPM behind a socket: swtpm over TCP, or over a Unix socket. In: a command. Out: the answer.
// The protocol is plain TPM commands, one after the other (swtpm's --server); the header says where an answer ends.
// 1. One connection belongs to one transport. swtpm serves one client at a time: a second one connects and waits.
// 2. While no command is under way the connection does not keep the process alive.
// 3. Bytes that nothing asked for, and bytes after an answer, break the connection.

import { connect, type Socket } from 'node:net'
import { HardkeyError } from '../../../errors.ts'
import { answerError, answerSize } from './answer-frame.ts'
import { inTime, type TimeLimit } from './in-time.ts'
import type { TpmTransport } from './transport.ts'

export type SocketTarget = { readonly path: string } | { readonly host: string; readonly port: number }

interface Waiting {
  resolve(answer: Uint8Array): void
  reject(reason: unknown): void
}

const nothing = new Uint8Array(0)

/** The rest of an answer comes at once: a TPM has it whole before it sends the first byte. */
const restMilliseconds = 1000

export class SocketTransport implements TpmTransport {
  readonly description: string
  readonly #socket: Socket
  #waiting: Waiting | undefined
  #received: Uint8Array = nothing
  #rest: NodeJS.Timeout | undefined
  /** Why nothing can be sent any more. */
  #end: { readonly error: unknown } | undefined

  private constructor(socket: Socket, description: string) {
    this.#socket = socket
    this.description = description
    socket.on('data', (piece: Buffer) => this.#take(piece))
    socket.on('error', (cause) => this.#break(goneError(description, cause)))
    socket.on('close', () => this.#break(goneError(description)))
    socket.unref()
  }

  /** @throws as `openTransport` */
  static async connect(target: SocketTarget, description: string, limit: TimeLimit): Promise<SocketTransport> {
    const socket = connect({ ...target, noDelay: true })
    // It stays: a failure after the wait has ended must not end the program.
    socket.on('error', () => socket.destroy())
    await inTime<void>(
      limit,
      `no connection to the TPM at ${description}`,
      (resolve, reject) => {
        socket.once('connect', resolve)
        socket.once('error', (cause) => reject(connectError(description, cause)))
      },
      () => socket.destroy(),
    )
    return new SocketTransport(socket, description)
  }

  get isBroken(): boolean {
    return this.#end !== undefined
  }

  async transmit(command: Uint8Array, limit: TimeLimit): Promise<Uint8Array> {
    if (this.#end !== undefined) throw this.#end.error
    this.#socket.ref()
    try {
      return await inTime<Uint8Array>(
        limit,
        `the TPM at ${this.description} did not answer`,
        (resolve, reject) => {
          this.#waiting = { resolve, reject }
          this.#socket.write(command)
        },
        (reason) => this.#break(reason),
      )
    } finally {
      this.#waiting = undefined
      this.#socket.unref()
    }
  }

  async close(): Promise<void> {
    this.#break(
      new HardkeyError('ERR_DEVICE_UNAVAILABLE', `the connection to the TPM at ${this.description} is closed`),
    )
  }

  #take(piece: Uint8Array): void {
    try {
      if (this.#waiting === undefined) throw answerError(this.description, 'without having been asked')
      // Nearly always the whole answer comes in one piece.
      const bytes = this.#received.length === 0 ? piece : Buffer.concat([this.#received, piece])
      const size = answerSize(bytes, this.description)
      if (size !== undefined && bytes.length > size) {
        throw answerError(this.description, `with ${bytes.length - size} bytes more than its header says`)
      }
      if (bytes.length === size) this.#deliver(bytes)
      else this.#awaitRest(bytes, size)
    } catch (error) {
      this.#break(error)
    }
  }

  #deliver(answer: Uint8Array): void {
    clearTimeout(this.#rest)
    this.#rest = undefined
    this.#received = nothing
    this.#waiting?.resolve(answer)
    this.#waiting = undefined
  }

  #awaitRest(bytes: Uint8Array, size: number | undefined): void {
    this.#received = bytes
    this.#rest ??= setTimeout(() => {
      const whole = size === undefined ? '' : ` of ${size}`
      this.#break(answerError(this.description, `with ${this.#received.length}${whole} bytes and nothing more`))
    }, restMilliseconds)
  }

  #break(error: unknown): void {
    if (this.#end !== undefined) return
    this.#end = { error }
    clearTimeout(this.#rest)
    this.#received = nothing
    this.#socket.destroy()
    this.#waiting?.reject(error)
  }
}

function connectError(description: string, cause: Error): HardkeyError {
  const code = 'code' in cause ? cause.code : undefined
  if (code === 'EACCES' || code === 'EPERM') {
    return new HardkeyError('ERR_DEVICE_UNAVAILABLE', `no right to connect to the TPM at ${description}`, {
      cause,
      hint: 'the socket belongs to another user; start swtpm as this one, or let its group write to the socket',
    })
  }
  return new HardkeyError('ERR_DEVICE_UNAVAILABLE', `no TPM can be reached at ${description}`, {
    cause,
    hint: 'is swtpm running there?',
  })
}

function goneError(description: string, cause?: Error): HardkeyError {
  return new HardkeyError('ERR_DEVICE_UNAVAILABLE', `the connection to the TPM at ${description} was lost`, { cause })
}
