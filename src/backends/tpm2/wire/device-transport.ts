// A TPM behind a character device, /dev/tpmrm0 or /dev/tpm0. In: a command. Out: the answer.
// Linux, drivers/char/tpm/tpm-dev-common.c: one write is one command, and blocks until the TPM has answered; one read
// takes the answer. Both go without a position, since the driver does not seek.
// 1. The descriptor belongs to the transport. /dev/tpm0 can be open once (EBUSY); /dev/tpmrm0 keeps handles for each
//    opening and gives them back at its close.
// 2. A write or read under way cannot be called back: it holds a thread of Node's pool, and the end of the process, until
//    the driver returns, which it does within its own limits (2 minutes at most for what we send).

import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { HardkeyError } from '../../../errors.ts'
import { answerError, answerSize, longestAnswer } from './answer-frame.ts'
import { inTime, type TimeLimit } from './in-time.ts'
import type { TpmTransport } from './transport.ts'

/** How long to wait before a device that another program holds is tried again. */
const busyMilliseconds = 50

export class DeviceTransport implements TpmTransport {
  readonly description: string
  readonly #file: FileHandle
  /** The write and read under way, if any. Never rejects. */
  #underWay: Promise<unknown> = Promise.resolve()
  #end: { readonly error: unknown } | undefined
  #isClosing = false

  private constructor(path: string, file: FileHandle) {
    this.description = path
    this.#file = file
  }

  /** Opens the device; while another program holds it (EBUSY), tries again within the limit. @throws as `openTransport` */
  static async open(path: string, limit: TimeLimit): Promise<DeviceTransport> {
    const end = performance.now() + limit.timeoutMilliseconds
    for (;;) {
      limit.signal?.throwIfAborted()
      try {
        return new DeviceTransport(path, await openDevice(path))
      } catch (error) {
        if (codeOf(error) !== 'EBUSY' || performance.now() + busyMilliseconds > end) throw await openError(path, error)
        await sleep(busyMilliseconds, undefined, { signal: limit.signal }).catch(() => undefined)
      }
    }
  }

  get isBroken(): boolean {
    return this.#end !== undefined
  }

  async transmit(command: Uint8Array, limit: TimeLimit): Promise<Uint8Array> {
    if (this.#end !== undefined) throw this.#end.error
    return await inTime<Uint8Array>(
      limit,
      `the TPM at ${this.description} did not answer`,
      (resolve, reject) => {
        const exchange = this.#exchange(command)
        this.#underWay = exchange.catch((error) => this.#break(error))
        exchange.then(resolve, reject)
      },
      (reason) => this.#break(reason),
    )
  }

  /** Closes the descriptor. Where a command is still under way that happens once it has ended, and is not waited for. */
  async close(): Promise<void> {
    const isStuck = this.#end !== undefined
    this.#break(new HardkeyError('ERR_DEVICE_UNAVAILABLE', `the TPM at ${this.description} is closed`))
    const closed = this.#closeFile()
    if (!isStuck) await closed
  }

  async #exchange(command: Uint8Array): Promise<Uint8Array> {
    try {
      const { bytesWritten } = await this.#file.write(command, 0, command.length, null)
      if (bytesWritten !== command.length) throw new Error(`${bytesWritten} of ${command.length} bytes were taken`)
      return await this.#readAnswer()
    } catch (cause) {
      if (cause instanceof HardkeyError) throw cause
      throw exchangeError(this.description, cause)
    }
  }

  async #readAnswer(): Promise<Uint8Array> {
    const buffer = new Uint8Array(new ArrayBuffer(longestAnswer))
    let length = 0
    let size: number | undefined
    // One read takes it all, and old kernels drop what did not fit. Only a terminal in raw mode, which stands in for a TPM
    // in tests, may give less.
    while (size === undefined || length < size) {
      const { bytesRead } = await this.#file.read(buffer, length, buffer.length - length, null)
      if (bytesRead === 0) throw answerError(this.description, `with ${length} bytes and an end`)
      length += bytesRead
      size = answerSize(buffer.subarray(0, length), this.description)
    }
    if (length > size) throw answerError(this.description, `with ${length - size} bytes more than its header says`)
    return buffer.subarray(0, size)
  }

  #break(error: unknown): void {
    if (this.#end !== undefined) return
    this.#end = { error }
    // The owner closes again, which does nothing; until then others may need the device.
    void this.#closeFile()
  }

  async #closeFile(): Promise<void> {
    if (this.#isClosing) return
    this.#isClosing = true
    await this.#underWay
    // Nothing is left to be done where the device fails to close.
    await this.#file.close().catch(() => undefined)
  }
}

async function openDevice(path: string): Promise<FileHandle> {
  // A terminal must not become the process's own.
  const file = await open(path, constants.O_RDWR | constants.O_NOCTTY)
  try {
    // A command must not be written into an ordinary file that a slip of the pen names.
    if ((await file.stat()).isCharacterDevice()) return file
  } catch (error) {
    await file.close()
    throw error
  }
  await file.close()
  throw new HardkeyError('ERR_DEVICE_UNAVAILABLE', `${path} is no character device`, { hint: notADevice })
}

const notADevice = 'a TPM is /dev/tpmrm0 or /dev/tpm0; the socket of swtpm is named as swtpm:path=SOCKET'

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

async function openError(path: string, cause: unknown): Promise<HardkeyError> {
  if (cause instanceof HardkeyError) return cause
  const fail = (message: string, hint: string) => new HardkeyError('ERR_DEVICE_UNAVAILABLE', message, { cause, hint })
  const code = codeOf(cause)
  if (code === 'EACCES' || code === 'EPERM') {
    return fail(`no right to open the TPM at ${path}`, await rightHint(path))
  }
  if (code === 'EBUSY') {
    return fail(
      `the TPM at ${path} is in use by another program`,
      'only one program can hold it; /dev/tpmrm0 can be shared',
    )
  }
  if (code === 'ENXIO' && (await isSocket(path))) return fail(`${path} is a socket and no device`, notADevice)
  if (code === 'ENOENT' || code === 'ENODEV' || code === 'ENXIO') {
    return fail(`there is no TPM at ${path}`, 'is it switched on in the firmware? `ls /dev/tpm*` shows what is there')
  }
  return fail(`the TPM at ${path} cannot be opened`, 'the cause says why')
}

async function isSocket(path: string): Promise<boolean> {
  return await stat(path).then(
    (status) => status.isSocket(),
    () => false,
  )
}

/** Which group opens the device: Linux distributions give /dev/tpmrm0 to the group tss. */
async function rightHint(path: string): Promise<string> {
  const join = 'join its group and log in again: sudo usermod -aG tss "$USER"'
  try {
    const { gid, mode } = await stat(path)
    if (gid === 0 || (mode & 0o060) !== 0o060)
      return 'its group may not use it; give it to the group tss with a udev rule'
    return `${join} (group number ${gid})`
  } catch {
    // The folder cannot be read either; the usual remedy is the best that can be said.
    return join
  }
}

function exchangeError(path: string, cause: unknown): HardkeyError {
  const code = codeOf(cause)
  if (code === 'EBUSY') {
    return new HardkeyError('ERR_DEVICE_UNAVAILABLE', `the TPM at ${path} is busy with another command`, { cause })
  }
  if (code === 'ENODEV' || code === 'EPIPE' || code === 'EBADF') {
    return new HardkeyError('ERR_DEVICE_UNAVAILABLE', `the TPM at ${path} has gone`, { cause })
  }
  return new HardkeyError('ERR_DEVICE_FAILED', `the TPM at ${path} cannot be written to or read from`, {
    cause,
    hint: 'the log of the kernel says more: journalctl -k | grep -i tpm',
  })
}
