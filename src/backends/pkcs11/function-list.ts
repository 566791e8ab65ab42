// The functions of a PKCS#11 module, found through its list and called by name. Runs in the child alone.
// In: a path, then names and parameters. Out: the CK_RV of each call. OASIS PKCS#11 Specification 3.1, section 3.6.
// 1. The module is reached through C_GetFunctionList, since some modules (p11-kit-proxy) export no other name.
// 2. The library is held as long as this object: a function got through a pointer does not hold it.

import { type FunctionName, functionPlaces } from './constants.ts'
import { functionOffset, type Layout, readPointer } from './layout.ts'
import type { NativeFunction, NativeLibrary, Natives } from './natives.ts'

const CKR_OK = 0

/** A function of the module returned something else than CKR_OK. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly functionName: string
  readonly status: number

  constructor(functionName: string, status: number) {
    super(`${functionName} answered ${status}`)
    this.functionName = functionName
    this.status = status
  }
}

/** What was loaded is no PKCS#11 module, or broke the rules of one. */
export class ModuleFault extends Error {
  override readonly name = 'ModuleFault'
}

const ulong = 'unsigned long'
const pointer = 'void *'

const parameterTypes: Record<FunctionName, string[]> = {
  C_Initialize: [pointer],
  C_Finalize: [pointer],
  C_GetInfo: [pointer],
  C_GetSlotList: ['uint8_t', pointer, pointer],
  C_GetSlotInfo: [ulong, pointer],
  C_GetTokenInfo: [ulong, pointer],
  C_GetMechanismInfo: [ulong, ulong, pointer],
  C_OpenSession: [ulong, ulong, pointer, pointer, pointer],
  C_CloseSession: [ulong],
  C_Login: [ulong, ulong, pointer, ulong],
  C_CreateObject: [ulong, pointer, ulong, pointer],
  C_DestroyObject: [ulong, ulong],
  C_GetAttributeValue: [ulong, ulong, pointer, ulong],
  C_FindObjectsInit: [ulong, pointer, ulong],
  C_FindObjects: [ulong, pointer, ulong, pointer],
  C_FindObjectsFinal: [ulong],
  C_SignInit: [ulong, pointer, ulong],
  C_Sign: [ulong, pointer, ulong, pointer, pointer],
  C_GenerateKeyPair: [ulong, pointer, pointer, ulong, pointer, ulong, pointer, pointer],
  C_UnwrapKey: [ulong, pointer, ulong, pointer, ulong, pointer, ulong, pointer],
}

export type Parameter = number | bigint | Uint8Array | null

export class FunctionList {
  /** Held, not used: see 2. above. */
  readonly library: NativeLibrary
  readonly #natives: Natives
  readonly #layout: Layout
  readonly #address: bigint
  readonly #functions = new Map<FunctionName, NativeFunction>()

  private constructor(natives: Natives, layout: Layout, library: NativeLibrary, address: bigint) {
    this.#natives = natives
    this.#layout = layout
    this.library = library
    this.#address = address
  }

  /** Loads the library at a path. @throws ModuleFault, Refusal */
  static of(natives: Natives, layout: Layout, path: string): FunctionList {
    const library = loadLibrary(natives, path)
    return new FunctionList(natives, layout, library, listAddress(layout, library))
  }

  /** Calls a function that must succeed. @throws Refusal */
  call(name: FunctionName, ...parameters: readonly Parameter[]): void {
    const answer = this.invoke(name, ...parameters)
    if (answer !== CKR_OK) throw new Refusal(name, answer)
  }

  /** Calls a function and gives its CK_RV. */
  invoke(name: FunctionName, ...parameters: readonly Parameter[]): number {
    return Number(this.#function(name)(...parameters))
  }

  #function(name: FunctionName): NativeFunction {
    const known = this.#functions.get(name)
    if (known !== undefined) return known
    const offset = functionOffset(this.#layout, functionPlaces[name])
    const list = new Uint8Array(this.#natives.view(this.#address, offset + this.#layout.pointerBytes))
    const place = readPointer(this.#layout, list, offset)
    if (place === 0n) throw new ModuleFault(`the module has no ${name}`)
    const made = this.#natives.decode(place, this.#natives.proto(ulong, parameterTypes[name]))
    this.#functions.set(name, made)
    return made
  }
}

/** Memory that the garbage collector does not move and that nothing else shares. */
export function memory(length: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(length))
}

function loadLibrary(natives: Natives, path: string): NativeLibrary {
  try {
    return natives.load(path)
  } catch (error) {
    throw new ModuleFault(error instanceof Error ? error.message : 'it cannot be loaded')
  }
}

function listAddress(layout: Layout, library: NativeLibrary): bigint {
  const list = memory(layout.pointerBytes)
  const answer = Number(entryPoint(library)(list))
  if (answer !== CKR_OK) throw new Refusal('C_GetFunctionList', answer)
  const address = readPointer(layout, list, 0)
  if (address === 0n) throw new ModuleFault('C_GetFunctionList gave no list')
  return address
}

function entryPoint(library: NativeLibrary): NativeFunction {
  try {
    return library.func('C_GetFunctionList', ulong, [pointer])
  } catch (error) {
    throw new ModuleFault('it has no C_GetFunctionList, so it is no PKCS#11 module', { cause: error })
  }
}
