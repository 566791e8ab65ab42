// The acts of the child as functions with types. In: values, a PIN, data. Out: what the module answered, or a
// HardkeyError whose serviceCode is the CKR_ name. Owns its process.

import { HardkeyError } from '../../errors.ts'
import { ModuleProcess } from './child-process.ts'
import type { Environment } from './environment.ts'
import { applyMask, type Frame, maskBytes } from './frames.ts'
import {
  type Act,
  AnswerError,
  type ChildFailure,
  type KeyAttributes,
  type LibraryInfo,
  type PairWish,
  readFailure,
  readKeys,
  readLibrary,
  readMechanismFlags,
  readPairs,
  readTokens,
  type Template,
  type TokenInfo,
  type UnwrapWish,
  type WrappingPair,
} from './messages.ts'
import { refusalError } from './status.ts'

/** Deadlines of one act. */
export interface Limits {
  readonly timeoutMilliseconds: number
  /** For a login at the device itself, where a person types. */
  readonly pinPadTimeoutMilliseconds: number
}

/** Label and id of a key, each to be matched where it is given. */
export interface KeySearch {
  readonly label?: Uint8Array | undefined
  readonly id?: Uint8Array | undefined
}

const nothing = new Uint8Array(0)
const macBytes = 32

export class ModuleClient {
  readonly #process: ModuleProcess
  readonly #limits: Limits
  /** What messages call the device. The owner names the token once it is chosen. */
  device = 'the PKCS#11 module'

  private constructor(process: ModuleProcess, limits: Limits) {
    this.#process = process
    this.#limits = limits
  }

  /** Starts a process that has loaded nothing yet. @throws ERR_BACKEND_NOT_INSTALLED, ERR_DEVICE_FAILED */
  static start(environment: Environment, limits: Limits): ModuleClient {
    return new ModuleClient(ModuleProcess.start(environment), limits)
  }

  /** True where the next act would find no process. */
  get ended(): boolean {
    return this.#process.ended
  }

  /** Loads and initialises the module at an absolute path. */
  async load(module: string, signal: AbortSignal | undefined): Promise<LibraryInfo> {
    return await this.#ask({ act: 'load', module }, 'C_Initialize', readLibrary, signal)
  }

  async tokens(signal: AbortSignal | undefined): Promise<readonly TokenInfo[]> {
    return await this.#ask({ act: 'tokens' }, 'C_GetSlotList', readTokens, signal)
  }

  /** Opens a session in place of the one before, whose login stays. */
  async openSession(token: TokenInfo, write: boolean, signal?: AbortSignal): Promise<void> {
    await this.#ask({ act: 'session', slotId: token.slotId, write }, 'C_OpenSession', () => undefined, signal)
  }

  /** One try of one PIN, which stays the caller's; undefined where it is entered at the device. */
  async login(pin: Uint8Array | undefined, signal: AbortSignal | undefined): Promise<void> {
    const { timeoutMilliseconds, pinPadTimeoutMilliseconds } = this.#limits
    await this.#request({ act: 'login', pad: pin === undefined }, pin ?? nothing, {
      timeoutMilliseconds: pin === undefined ? pinPadTimeoutMilliseconds : timeoutMilliseconds,
      doing: 'C_Login',
      signal,
    })
  }

  /** Flags of CKM_SHA256_HMAC on the token of the session; undefined where it does not have it. */
  async mechanismFlags(signal: AbortSignal | undefined): Promise<number | undefined> {
    return await this.#ask({ act: 'mechanism' }, 'C_GetMechanismInfo', readMechanismFlags, signal)
  }

  /** The secret keys that match, at most eight. Their places in the list name them until the next search. */
  async find({ label, id }: KeySearch, signal: AbortSignal | undefined): Promise<readonly KeyAttributes[]> {
    const act: Act = { act: 'find', label: hex(label), id: hex(id) }
    return await this.#ask(act, 'C_FindObjects', readKeys, signal)
  }

  /** HMAC-SHA256, 32 bytes in a new buffer. @throws ERR_DEVICE_FAILED where the module answers another length */
  async hmac(key: number, data: Uint8Array): Promise<Uint8Array> {
    const masked = underMask(data)
    const { bytes } = await this.#request({ act: 'hmac', key }, masked, {
      timeoutMilliseconds: this.#limits.timeoutMilliseconds,
      doing: 'C_Sign',
    })
    applyMask(bytes, masked)
    masked.fill(0)
    if (bytes.length === macBytes) return bytes
    bytes.fill(0)
    throw new HardkeyError(
      'ERR_DEVICE_FAILED',
      `${this.device} answered ${bytes.length} bytes; HMAC-SHA256 has ${macBytes}`,
    )
  }

  /**
   * Makes one object and reads its attributes back. `value` stays the caller's. Takes no signal: an object that is being
   * made is waited for, so that it can be judged.
   */
  async create(template: Template, value: Uint8Array): Promise<KeyAttributes> {
    return await this.#newKey({ act: 'create', template }, value, 'C_CreateObject')
  }

  /** The wrapping pairs with this label. Their places in the list name them until the next search or making. */
  async pairs(label: Uint8Array, signal: AbortSignal | undefined): Promise<readonly WrappingPair[]> {
    return await this.#ask({ act: 'pairs', label: toHex(label) }, 'C_FindObjects', readPairs, signal)
  }

  /** Makes a wrapping pair, which has the place 0 then. RSA takes a token its time, as long as a person at a PIN pad. */
  async makePair(wish: PairWish): Promise<WrappingPair> {
    const frame = await this.#request({ act: 'pair', ...wish }, nothing, {
      timeoutMilliseconds: this.#limits.pinPadTimeoutMilliseconds,
      doing: 'C_GenerateKeyPair',
    })
    const [pair] = this.#read(frame, readPairs)
    if (pair === undefined) throw this.#senseless(new AnswerError('no attributes of the new pair'))
    return pair
  }

  /** As `create`, with what the pair at this place unwraps. */
  async unwrap(wish: UnwrapWish, ciphertext: Uint8Array): Promise<KeyAttributes> {
    return await this.#newKey({ act: 'unwrap', ...wish }, ciphertext, 'C_UnwrapKey')
  }

  async #newKey(act: Act, bytes: Uint8Array, doing: string): Promise<KeyAttributes> {
    const { timeoutMilliseconds } = this.#limits
    const [attributes] = this.#read(await this.#request(act, bytes, { timeoutMilliseconds, doing }), readKeys)
    if (attributes === undefined) throw this.#senseless(new AnswerError('no attributes of the new object'))
    return attributes
  }

  async destroy(key: number | 'created'): Promise<void> {
    await this.#ask({ act: 'destroy', key }, 'C_DestroyObject', () => undefined, undefined)
  }

  /** Gives the module back and ends the process. Never throws. */
  async close(): Promise<void> {
    await this.#process.end()
  }

  /** Ends the process at once. Never throws. */
  async kill(): Promise<void> {
    await this.#process.kill()
  }

  async #ask<T>(act: Act, doing: string, read: (head: unknown) => T, signal: AbortSignal | undefined): Promise<T> {
    const { timeoutMilliseconds } = this.#limits
    return this.#read(await this.#request(act, nothing, { timeoutMilliseconds, doing, signal }), read)
  }

  async #request(act: Act, bytes: Uint8Array, options: Parameters<ModuleProcess['request']>[2]): Promise<Frame> {
    const frame = await this.#process.request(act, bytes, options)
    const failure = this.#read(frame, readFailure)
    if (failure !== undefined) throw this.#failed(failure)
    return frame
  }

  #read<T>(frame: Frame, read: (head: unknown) => T): T {
    try {
      return read(frame.head)
    } catch (cause) {
      throw this.#senseless(cause)
    }
  }

  #senseless(cause: unknown): HardkeyError {
    return new HardkeyError('ERR_DEVICE_FAILED', `${this.device} answered what cannot be read`, { cause })
  }

  #failed(failure: ChildFailure): HardkeyError {
    switch (failure.kind) {
      case 'refused':
        return refusalError(failure.function, failure.status, this.device)
      case 'koffi':
        return new HardkeyError(
          'ERR_BACKEND_NOT_INSTALLED',
          `koffi, which calls PKCS#11 modules, does not load: ${failure.text}`,
          {
            hint: 'npm install koffi',
          },
        )
      case 'module':
        return new HardkeyError('ERR_DEVICE_FAILED', `${this.device} fails: ${failure.text}`, {
          hint: 'is it a PKCS#11 module for this system, and is what it needs installed?',
        })
      case 'fault':
        return new HardkeyError('ERR_INTERNAL', `the process of the PKCS#11 module failed: ${failure.text}`)
    }
  }
}

function hex(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : toHex(bytes)
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** A fresh mask for the answer, and the data behind it. */
function underMask(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(maskBytes + data.length))
  // Loaded here: an opening starts its process before anything that takes time.
  process.getBuiltinModule('node:crypto').randomFillSync(bytes, 0, maskBytes)
  bytes.set(data, maskBytes)
  return bytes
}
