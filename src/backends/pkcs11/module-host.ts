// The acts that the child performs with the one module that it runs. In: the head and bytes of a frame. Out: the head
// and bytes of the answer. The only state of the child: one module, one session, the keys that were last found.
// 1. Sessions, slots and objects are known outside only by slot number and by place in the last search.
// 2. A PIN and a key value are wiped here as soon as the call that takes them is over.

import { decodeValue, fromHex } from './attribute-values.ts'
import * as ck from './constants.ts'
import { type AttributeBytes, Cryptoki } from './cryptoki.ts'
import { answerUnderMask } from './frames.ts'
import { ModuleFault, memory, Refusal } from './function-list.ts'
import * as layouts from './layout.ts'
import type { Act, KeyAttributes, LibraryInfo, Template, TemplateValue, TokenInfo, WrappingPair } from './messages.ts'
import type { Natives } from './natives.ts'
import * as pairs from './pair-acts.ts'

export interface Answer {
  readonly head: unknown
  readonly bytes?: Uint8Array | undefined
}

/** More of them do not change what follows: several matching keys are refused. */
const keysLooked = 8
const tokensLooked = 100
/** Room for one label or id, and for a list of mechanisms. */
const valueBytes = 256

export class ModuleHost {
  readonly #natives: () => Natives
  readonly #layout: layouts.Layout
  #module: Cryptoki | undefined
  #slot = 0n
  #session: bigint | undefined
  #keys: readonly bigint[] = []
  #pairs: readonly bigint[] = []
  #created: readonly bigint[] = []

  /** `natives` gives the foreign-function library when the first module is loaded. */
  constructor(natives: () => Natives, layout: layouts.Layout) {
    this.#natives = natives
    this.#layout = layout
  }

  /** @throws Refusal, ModuleFault */
  perform(act: Act, bytes: Uint8Array): Answer {
    try {
      return this.#perform(act, bytes)
    } finally {
      bytes.fill(0)
    }
  }

  /** Gives the session and the module back. Errors of a module at its end change nothing any more. */
  end(): void {
    for (const step of [() => this.#closeSession(this.#session), () => this.#module?.finalize()]) {
      try {
        step()
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
      }
    }
  }

  #perform(act: Act, bytes: Uint8Array): Answer {
    switch (act.act) {
      case 'load':
        this.#module = Cryptoki.load(this.#natives(), this.#layout, act.module)
        return { head: { library: this.#library() } }
      case 'tokens':
        return { head: { tokens: this.#tokens() } }
      case 'session':
        return this.#openSession(BigInt(act.slotId), act.write)
      case 'login':
        this.#loaded().login(this.#opened(), act.pad ? null : bytes)
        return { head: {} }
      case 'mechanism':
        return { head: { flags: this.#mechanismFlags() } }
      case 'find':
        return { head: { keys: this.#find(act.label, act.id) } }
      case 'hmac': {
        const key = known(this.#keys, act.key)
        const sign = (data: Uint8Array) => this.#loaded().sign(this.#opened(), ck.CKM_SHA256_HMAC, key, data)
        return { head: {}, bytes: answerUnderMask(bytes, sign) }
      }
      case 'create':
        return this.#made(this.#create(act.template, bytes))
      case 'pairs':
        this.#pairs = pairs.findPairs(this.#site(), act.label, keysLooked)
        return { head: { pairs: this.#pairs.map((key) => this.#pair(key)) } }
      case 'pair': {
        const { publicKey, privateKey } = pairs.makePair(this.#site(), act)
        this.#created = [privateKey, publicKey]
        this.#pairs = [privateKey]
        return { head: { pairs: [this.#pair(privateKey)] } }
      }
      case 'unwrap':
        return this.#made(pairs.unwrap(this.#site(), known(this.#pairs, act.pair), act, bytes))
      case 'destroy':
        for (const key of act.key === 'created' ? this.#created : [known(this.#keys, act.key)]) {
          this.#loaded().destroyObject(this.#opened(), key)
        }
        this.#created = []
        return { head: {} }
    }
  }

  #library(): LibraryInfo {
    const info = this.#loaded().info()
    const { offsets } = layouts.place(this.#layout, layouts.infoMembers)
    const [, manufacturer = 0, , description = 0, version = 0] = offsets
    return {
      manufacturer: layouts.readText(info, manufacturer, 32),
      description: layouts.readText(info, description, 32),
      version: `${info[version]}.${info[version + 1]}`,
    }
  }

  #tokens(): readonly TokenInfo[] {
    const tokens: TokenInfo[] = []
    for (const slot of this.#loaded().slotsWithToken().slice(0, tokensLooked)) {
      try {
        tokens.push(this.#token(slot))
      } catch (error) {
        // A token that is taken out, or not recognised, in this moment is not there.
        if (!(error instanceof Refusal)) throw error
      }
    }
    return tokens
  }

  #token(slot: bigint): TokenInfo {
    const slotInfo = this.#loaded().slotInfo(slot)
    const token = this.#loaded().tokenInfo(slot)
    const [slotDescription = 0, slotManufacturer = 0, slotFlags = 0] = this.#offsets(layouts.slotInfoMembers)
    const [label = 0, manufacturer = 0, model = 0, serial = 0, flags = 0] = this.#offsets(layouts.tokenInfoMembers)
    return {
      slotId: slot.toString(),
      slotDescription: layouts.readText(slotInfo, slotDescription, 64),
      slotManufacturer: layouts.readText(slotInfo, slotManufacturer, 32),
      slotFlags: this.#number(slotInfo, slotFlags),
      label: layouts.readText(token, label, 32),
      manufacturer: layouts.readText(token, manufacturer, 32),
      model: layouts.readText(token, model, 16),
      serial: layouts.readText(token, serial, 16),
      flags: this.#number(token, flags),
    }
  }

  #openSession(slot: bigint, write: boolean): Answer {
    const before = this.#session
    const flags = ck.CKF_SERIAL_SESSION | (write ? ck.CKF_RW_SESSION : 0)
    this.#session = this.#loaded().openSession(slot, flags)
    this.#slot = slot
    this.#keys = []
    this.#pairs = []
    try {
      this.#closeSession(before)
    } catch (error) {
      // The old session may be what was broken.
      if (!(error instanceof Refusal)) throw error
    }
    return { head: {} }
  }

  #closeSession(session: bigint | undefined): void {
    if (session !== undefined) this.#loaded().closeSession(session)
  }

  #mechanismFlags(): number | undefined {
    try {
      const info = this.#loaded().mechanismInfo(this.#slot, ck.CKM_SHA256_HMAC)
      return this.#number(info, this.#offsets(layouts.mechanismInfoMembers)[2] ?? 0)
    } catch (error) {
      if (error instanceof Refusal) return undefined
      throw error
    }
  }

  #find(label: string | undefined, id: string | undefined): readonly KeyAttributes[] {
    const { CKA_LABEL, CKA_ID } = ck.attributeTypes
    const template = [{ type: ck.CKA_CLASS, bytes: layouts.ulongBytes(this.#layout, ck.CKO_SECRET_KEY) }]
    if (label !== undefined) template.push({ type: CKA_LABEL.type, bytes: fromHex(label) })
    if (id !== undefined) template.push({ type: CKA_ID.type, bytes: fromHex(id) })
    this.#keys = this.#loaded().findObjects(this.#opened(), template, keysLooked)
    return this.#keys.map((key) => this.#attributes(key))
  }

  #create(template: Template, value: Uint8Array): bigint {
    const own = memory(value.length)
    own.set(value)
    const attributes: readonly AttributeBytes[] = [
      { type: ck.CKA_CLASS, bytes: layouts.ulongBytes(this.#layout, ck.CKO_SECRET_KEY) },
      { type: ck.CKA_VALUE, bytes: own },
      ...pairs.bytesOf(this.#loaded(), template),
    ]
    return this.#loaded().createObject(this.#opened(), attributes)
  }

  #made(key: bigint): Answer {
    this.#created = [key]
    return { head: { keys: [this.#attributes(key)] } }
  }

  #pair(key: bigint): WrappingPair {
    return { attributes: this.#attributes(key), ...pairs.publicNumbers(this.#site(), key) }
  }

  #attributes(key: bigint): KeyAttributes {
    const wanted = ck.attributeNames.map((name) => {
      const { type, kind } = ck.attributeTypes[name]
      const room = kind === 'boolean' ? 1 : kind === 'number' ? this.#layout.ulongBytes : valueBytes
      return { name, type, kind, bytes: memory(room) }
    })
    const lengths = this.#loaded().readAttributes(this.#opened(), key, wanted)
    const attributes: Partial<Record<ck.AttributeName, TemplateValue>> = {}
    wanted.forEach(({ name, kind, bytes }, index) => {
      const length = lengths[index]
      const value = length === undefined ? undefined : decodeValue(this.#layout, kind, bytes.subarray(0, length))
      if (value !== undefined) attributes[name] = value
    })
    return attributes
  }

  #loaded(): Cryptoki {
    if (this.#module === undefined) throw new ModuleFault('no module was loaded before')
    return this.#module
  }

  #opened(): bigint {
    if (this.#session === undefined) throw new ModuleFault('no session was opened before')
    return this.#session
  }

  #site(): pairs.OpenModule {
    return { module: this.#loaded(), session: this.#opened() }
  }

  #offsets(members: Parameters<typeof layouts.place>[1]): readonly number[] {
    return layouts.place(this.#layout, members).offsets
  }

  #number(bytes: Uint8Array, offset: number): number {
    return Number(layouts.readUlong(this.#layout, bytes, offset))
  }
}

function known(found: readonly bigint[], index: number): bigint {
  const key = found[index]
  if (key === undefined) throw new ModuleFault('no such key was looked up before')
  return key
}
