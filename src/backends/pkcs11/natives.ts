// The few abilities of a foreign-function library that the child needs, as an interface of ours. koffi 3 has this shape;
// only child.ts names it. Calls are synchronous: koffi's asynchronous ones do not keep their buffers alive.
// 1. A library handle and every buffer whose address went into a call are held until the call is over.
// 2. Lengths come from the buffers themselves: a wrong one would let the module write over foreign memory.

/** A C function. Bytes are passed as a pointer to them, `null` as a null pointer. */
export type NativeFunction = (...parameters: readonly (number | bigint | Uint8Array | null)[]) => number | bigint

export interface NativeLibrary {
  /** A function by name and types. @throws where the library has no such name */
  func(name: string, result: string, parameters: string[]): NativeFunction
}

export interface Natives {
  /** dlopen or LoadLibrary; `null` is the running program with the C library in it. */
  load(path: string | null): NativeLibrary
  /** Where the bytes lie. */
  address(bytes: Uint8Array): bigint
  /** Foreign memory as an ArrayBuffer, not copied. */
  view(address: bigint, length: number): ArrayBuffer
  /** A function type, for `decode`. */
  proto(result: string, parameters: string[]): unknown
  /** The function that a pointer points to. */
  decode(pointer: bigint, type: unknown): NativeFunction
}
