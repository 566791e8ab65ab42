// The process that runs a PKCS#11 module, seen from outside. In: acts with bytes. Out: answers, or why there is none.
// 1. One process belongs to one opened key (or one import, one listing) and to nobody else; nothing is kept of it here.
// 2. One act at a time; the owner puts them in order. Each has a deadline, at which the process is killed.
// 3. However it ends, it is waited for: nothing is left behind, nor of what the module itself may have started.
// 4. While no act is under way the process does not keep this one alive; it ends with it.

import { type ChildProcess, spawn } from 'node:child_process'
import { Socket } from 'node:net'
import { HardkeyError } from '../../errors.ts'
import { childPath } from './child-path.ts'
import type { Environment } from './environment.ts'
import { encodeFrame, type Frame, FrameReader } from './frames.ts'
import type { Act } from './messages.ts'

/** How long a process may take to give the module back, and to be gone after it was killed. */
const endMilliseconds = 2000

export interface RequestOptions {
  readonly timeoutMilliseconds: number
  /** What is being done, for messages: `C_Sign`. */
  readonly doing: string
  readonly signal?: AbortSignal | undefined
}

interface Waiting {
  readonly doing: string
  resolve(frame: Frame): void
  reject(reason: unknown): void
}

export class ModuleProcess {
  readonly #child: ChildProcess
  readonly #requests: Socket
  readonly #answers: Socket
  readonly #reader = new FrameReader()
  readonly #gone: Promise<void>
  #waiting: Waiting | undefined
  /** Why it must end, where it was this side that decided so. */
  #reason: { readonly error: unknown } | undefined
  #isGone = false
  #giveUp: NodeJS.Timeout | undefined

  private constructor(child: ChildProcess, requests: Socket, answers: Socket) {
    this.#child = child
    this.#requests = requests
    this.#answers = answers
    this.#gone = new Promise((resolve) => {
      const onGone = (error: HardkeyError) => {
        this.#end(error)
        resolve()
      }
      child.once('error', (cause) => onGone(startError(cause)))
      child.once('exit', (code, signal) => onGone(exitError(this.#waiting?.doing, code, signal)))
    })
    // A broken pipe is followed by the end of the process, which is what is reported.
    requests.on('error', () => this.#signalGroup())
    answers.on('error', () => this.#signalGroup())
    answers.on('data', (piece: Buffer) => this.#take(piece))
    this.#holdLoop(false)
  }

  /** Starts a process. It has loaded nothing yet. @throws ERR_BACKEND_NOT_INSTALLED, ERR_DEVICE_FAILED */
  static start(environment: Environment): ModuleProcess {
    const child = spawn(process.execPath, [childPath()], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      env: environment,
      // A group of its own: keys pressed at the terminal are not for it, and it ends with all that it has started.
      detached: process.platform !== 'win32',
      windowsHide: true,
    })
    // Where the limit of open files is reached, Node leaves stdio undefined and tells of it by an event, which would end
    // the program if nobody listened.
    const [, , , requests, answers] = child.stdio ?? []
    if (!(requests instanceof Socket) || !(answers instanceof Socket)) {
      child.once('error', () => child.unref())
      throw startError(undefined)
    }
    return new ModuleProcess(child, requests, answers)
  }

  /** True once the process has ended, or is being ended. */
  get ended(): boolean {
    return this.#isGone || this.#reason !== undefined
  }

  /**
   * Performs one act; `bytes` stays the caller's. The answer's bytes are the caller's too.
   *
   * @throws ERR_TIMEOUT at the deadline, ERR_DEVICE_FAILED where the process ended, and the signal's reason
   */
  async request(act: Act, bytes: Uint8Array, options: RequestOptions): Promise<Frame> {
    options.signal?.throwIfAborted()
    const seconds = Math.ceil(options.timeoutMilliseconds / 1000)
    const stop = (error: unknown) => {
      this.#reason ??= { error }
      this.#kill()
    }
    const onAbort = () => stop(options.signal?.reason)
    const deadline = setTimeout(() => stop(timeoutError(options)), options.timeoutMilliseconds)
    options.signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await this.#exchange(encodeFrame({ ...act, seconds }, bytes), options.doing)
    } finally {
      clearTimeout(deadline)
      options.signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Lets the process give the module back and waits until it is gone; kills it after 2 seconds. Never throws. */
  async end(): Promise<void> {
    this.#requests.end()
    if (!(await this.#goneWithin(endMilliseconds))) await this.kill()
  }

  /** Kills the process and waits until it is gone. Never throws. */
  async kill(): Promise<void> {
    this.#kill()
    await this.#goneWithin(endMilliseconds)
  }

  async #exchange(frame: Buffer, doing: string): Promise<Frame> {
    this.#holdLoop(true)
    try {
      return await new Promise<Frame>((resolve, reject) => {
        if (this.#isGone) return reject(exitError(doing, this.#child.exitCode, this.#child.signalCode))
        this.#waiting = { doing, resolve, reject }
        this.#requests.write(frame, () => frame.fill(0))
      })
    } finally {
      frame.fill(0)
      this.#waiting = undefined
      this.#holdLoop(false)
    }
  }

  #take(piece: Buffer): void {
    try {
      for (const frame of this.#reader.push(piece)) {
        if (this.#waiting === undefined) throw new Error('an answer came that nothing had asked for')
        this.#waiting.resolve(frame)
        this.#waiting = undefined
      }
    } catch (cause) {
      this.#reason ??= {
        error: new HardkeyError('ERR_DEVICE_FAILED', 'the process of the PKCS#11 module answered what cannot be read', {
          cause,
        }),
      }
      this.#kill()
    }
  }

  #kill(): void {
    this.#reason ??= { error: exitError(this.#waiting?.doing, null, 'SIGKILL') }
    this.#signalGroup()
    // A process that not even this ends (it hangs inside the kernel) is not waited for.
    clearTimeout(this.#giveUp)
    this.#giveUp = setTimeout(() => this.#waiting?.reject(this.#reason?.error), endMilliseconds).unref()
  }

  #end(error: HardkeyError): void {
    // What the module has started may outlive the process that led the group.
    this.#signalGroup()
    this.#isGone = true
    clearTimeout(this.#giveUp)
    this.#requests.destroy()
    this.#answers.destroy()
    this.#waiting?.reject(this.#reason === undefined ? error : this.#reason.error)
  }

  /** Kills the process and whatever it has started. */
  #signalGroup(): void {
    const { pid } = this.#child
    // Once it is gone its number may be another's.
    if (pid === undefined || this.#isGone) return
    try {
      if (process.platform === 'win32') this.#child.kill('SIGKILL')
      else process.kill(-pid, 'SIGKILL')
    } catch (error) {
      // All of them have ended already; macOS says EPERM where some are not collected yet.
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code !== 'ESRCH' && code !== 'EPERM') throw error
    }
  }

  async #goneWithin(milliseconds: number): Promise<boolean> {
    if (this.#isGone) return true
    this.#holdLoop(true)
    let timer: NodeJS.Timeout | undefined
    const tooLong = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, milliseconds)
    })
    await Promise.race([this.#gone, tooLong])
    clearTimeout(timer)
    this.#holdLoop(false)
    return this.#isGone
  }

  #holdLoop(hold: boolean): void {
    if (hold) {
      this.#child.ref()
      this.#answers.ref()
    } else {
      this.#child.unref()
      this.#requests.unref()
      this.#answers.unref()
    }
  }
}

function startError(cause: unknown): HardkeyError {
  return new HardkeyError('ERR_DEVICE_FAILED', 'the process for the PKCS#11 module could not be started', {
    cause,
    hint: cause === undefined ? 'too many files are open; see ulimit -n' : undefined,
  })
}

function timeoutError({ doing, timeoutMilliseconds }: RequestOptions): HardkeyError {
  const seconds = timeoutMilliseconds / 1000
  return new HardkeyError('ERR_TIMEOUT', `the PKCS#11 module did not return from ${doing} within ${seconds} s`, {
    hint: 'its process was ended; a later call starts anew',
  })
}

function exitError(doing: string | undefined, code: number | null, signal: NodeJS.Signals | null): HardkeyError {
  const how = signal ?? `exit status ${code}`
  return new HardkeyError(
    'ERR_DEVICE_FAILED',
    `the process of the PKCS#11 module ended in ${doing ?? 'its idle time'} (${how})`,
    {
      hint: 'the next call starts anew; if it happens again, the module is at fault',
    },
  )
}
