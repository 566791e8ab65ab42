// One PKCS#11 module, called through its function list. Runs in the child alone.
// In: numbers, bytes. Out: what the module answered, or a Refusal with its CK_RV. OASIS PKCS#11 Specification 3.1, section 5.
// 1. One thread, one session, one operation at a time: PKCS#11 sessions carry one operation.
// 2. Every buffer is read or wiped after the call that used its address, which keeps it alive until then.

import * as ck from './constants.ts'
import { FunctionList, ModuleFault, memory, Refusal } from './function-list.ts'
import * as layouts from './layout.ts'
import type { Natives } from './natives.ts'

const status = { ok: 0, cantLock: 0x0a, alreadyLoggedIn: 0x100, alreadyInitialized: 0x191 } as const

/** A value for a template, in a buffer of its own. */
export interface AttributeBytes {
  readonly type: number
  readonly bytes: Uint8Array
}

/** No module has more; a number beyond it is a fault of the module. */
const slotsLooked = 1000
/** The answer may be this long; a module that writes more meets the slack behind it and is found out. */
const answerBytes = 64
const slackBytes = 2048
const zeros: Readonly<Uint8Array> = new Uint8Array(slackBytes)

export class Cryptoki {
  readonly layout: layouts.Layout
  readonly #natives: Natives
  readonly #functions: FunctionList
  /** The buffers of C_Sign, made once: zeros between two calls. */
  readonly #signing: { readonly answer: Uint8Array; readonly length: Uint8Array }
  #finalizes = false

  private constructor(natives: Natives, layout: layouts.Layout, functions: FunctionList) {
    this.#natives = natives
    this.layout = layout
    this.#functions = functions
    this.#signing = { answer: memory(answerBytes + slackBytes), length: memory(layout.ulongBytes) }
  }

  /** Loads the module and initialises it. @throws ModuleFault, Refusal */
  static load(natives: Natives, layout: layouts.Layout, path: string): Cryptoki {
    const module = new Cryptoki(natives, layout, FunctionList.of(natives, layout, path))
    module.#initialize()
    return module
  }

  info(): Uint8Array {
    const info = this.#memory(layouts.infoMembers)
    this.#functions.call('C_GetInfo', info)
    return info
  }

  /** Identifiers of the slots that hold a token, in the module's order. */
  slotsWithToken(): readonly bigint[] {
    const count = this.#ulong(0)
    this.#functions.call('C_GetSlotList', 1, null, count)
    // A token may come between the two calls, so there is room for some more.
    const room = Math.min(Number(layouts.readUlong(this.layout, count, 0)), slotsLooked) + 8
    const list = memory(room * this.layout.ulongBytes)
    const filled = this.#ulong(room)
    this.#functions.call('C_GetSlotList', 1, list, filled)
    const length = Math.min(room, Number(layouts.readUlong(this.layout, filled, 0)))
    return Array.from({ length }, (_, index) => layouts.readUlong(this.layout, list, index * this.layout.ulongBytes))
  }

  slotInfo(slot: bigint): Uint8Array {
    const info = this.#memory(layouts.slotInfoMembers)
    this.#functions.call('C_GetSlotInfo', slot, info)
    return info
  }

  tokenInfo(slot: bigint): Uint8Array {
    const info = this.#memory(layouts.tokenInfoMembers)
    this.#functions.call('C_GetTokenInfo', slot, info)
    return info
  }

  mechanismInfo(slot: bigint, mechanism: number): Uint8Array {
    const info = this.#memory(layouts.mechanismInfoMembers)
    this.#functions.call('C_GetMechanismInfo', slot, mechanism, info)
    return info
  }

  openSession(slot: bigint, flags: number): bigint {
    const session = this.#ulong(0)
    this.#functions.call('C_OpenSession', slot, flags, null, null, session)
    return layouts.readUlong(this.layout, session, 0)
  }

  closeSession(session: bigint): void {
    this.#functions.call('C_CloseSession', session)
  }

  /** Logs the user in; without a PIN the token asks for it itself. Already being logged in is success. */
  login(session: bigint, pin: Uint8Array | null): void {
    const answer = this.#functions.invoke('C_Login', session, ck.CKU_USER, pin, pin?.length ?? 0)
    if (answer !== status.ok && answer !== status.alreadyLoggedIn) throw new Refusal('C_Login', answer)
  }

  /** Handles of at most `limit` objects that match. */
  findObjects(session: bigint, template: readonly AttributeBytes[], limit: number): readonly bigint[] {
    this.#functions.call('C_FindObjectsInit', session, this.pack(template), template.length)
    try {
      return this.#foundObjects(session, limit)
    } finally {
      this.#functions.invoke('C_FindObjectsFinal', session)
      wipe(template)
    }
  }

  createObject(session: bigint, template: readonly AttributeBytes[]): bigint {
    const object = this.#ulong(0)
    try {
      this.#functions.call('C_CreateObject', session, this.pack(template), template.length, object)
      return layouts.readUlong(this.layout, object, 0)
    } finally {
      wipe(template)
    }
  }

  destroyObject(session: bigint, object: bigint): void {
    this.#functions.call('C_DestroyObject', session, object)
  }

  /**
   * Fills the values of the template and returns how much of each is filled; undefined where the token does not know
   * the attribute or does not tell it. Asks for all at once, and one by one where the token stumbles over some.
   */
  readAttributes(session: bigint, object: bigint, wanted: readonly AttributeBytes[]): readonly (number | undefined)[] {
    const template = this.pack(wanted)
    const answer = this.#functions.invoke('C_GetAttributeValue', session, object, template, wanted.length)
    if (answer === status.ok) return filledLengths(layouts.readTemplateLengths(this.layout, template), wanted)
    return wanted.map((attribute) => {
      const one = this.pack([attribute])
      const single = this.#functions.invoke('C_GetAttributeValue', session, object, one, 1)
      if (single !== status.ok) return undefined
      return filledLengths(layouts.readTemplateLengths(this.layout, one), [attribute])[0]
    })
  }

  /** C_SignInit and C_Sign with a mechanism that takes no parameter. At most 64 bytes come back. */
  sign(session: bigint, mechanism: number, key: bigint, data: Uint8Array): Uint8Array {
    const { answer, length } = this.#signing
    length.set(layouts.ulongBytes(this.layout, answerBytes))
    const structure = layouts.packStructure(this.layout, layouts.mechanismMembers, [mechanism, 0, 0])
    this.#functions.call('C_SignInit', session, structure, key)
    try {
      this.#functions.call('C_Sign', session, data, data.length, answer, length)
      if (Buffer.compare(answer.subarray(answerBytes), zeros) !== 0) {
        throw new ModuleFault('the module wrote beyond the end of the answer of C_Sign')
      }
      const filled = Math.min(answerBytes, Number(layouts.readUlong(this.layout, length, 0)))
      const result = memory(filled)
      result.set(answer.subarray(0, filled))
      return result
    } finally {
      answer.fill(0)
    }
  }

  /** For the acts of other files. The buffers belong to the caller. @throws Refusal */
  call(...call: Parameters<FunctionList['call']>): void {
    this.#functions.call(...call)
  }

  /** Where the bytes lie; they must be held as long as that is used. */
  address(bytes: Uint8Array): bigint {
    return this.#natives.address(bytes)
  }

  /** C_Finalize, where this object's C_Initialize was the one that counted. */
  finalize(): void {
    if (this.#finalizes) this.#functions.call('C_Finalize', null)
    this.#finalizes = false
  }

  #initialize(): void {
    const values = [0, 0, 0, 0, ck.CKF_OS_LOCKING_OK, 0]
    let answer = this.#functions.invoke(
      'C_Initialize',
      layouts.packStructure(this.layout, layouts.initializeMembers, values),
    )
    if (answer === status.cantLock) answer = this.#functions.invoke('C_Initialize', null)
    // Another library of the module's own may have initialised it; then the end of it is not ours.
    if (answer === status.alreadyInitialized) return
    if (answer !== status.ok) throw new Refusal('C_Initialize', answer)
    this.#finalizes = true
  }

  #foundObjects(session: bigint, limit: number): readonly bigint[] {
    const found: bigint[] = []
    const room = memory(limit * this.layout.ulongBytes)
    const count = this.#ulong(0)
    while (found.length < limit) {
      this.#functions.call('C_FindObjects', session, room, limit - found.length, count)
      const filled = Math.min(limit - found.length, Number(layouts.readUlong(this.layout, count, 0)))
      if (filled === 0) break
      for (let index = 0; index < filled; index++) {
        found.push(layouts.readUlong(this.layout, room, index * this.layout.ulongBytes))
      }
    }
    return found
  }

  /** A template: an array of CK_ATTRIBUTE that points to the values, which must be held as long as it is used. */
  pack(template: readonly AttributeBytes[]): Uint8Array {
    return layouts.packTemplate(
      this.layout,
      template.map(({ type, bytes }) => ({
        type,
        address: bytes.length === 0 ? 0n : this.#natives.address(bytes),
        length: bytes.length,
      })),
    )
  }

  #memory(members: Parameters<typeof layouts.place>[1]): Uint8Array {
    return memory(layouts.place(this.layout, members).size)
  }

  #ulong(value: number): Uint8Array {
    return layouts.ulongBytes(this.layout, value)
  }
}

function filledLengths(
  lengths: readonly (number | undefined)[],
  wanted: readonly AttributeBytes[],
): readonly (number | undefined)[] {
  return lengths.map((length, index) => {
    const room = wanted[index]?.bytes.length ?? 0
    return length === undefined || length > room ? undefined : length
  })
}

function wipe(template: readonly AttributeBytes[]): void {
  for (const { bytes } of template) bytes.fill(0)
}
