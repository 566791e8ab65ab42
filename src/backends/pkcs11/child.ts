// The process that runs one PKCS#11 module: the entry that becomes dist/backends/pkcs11/child.cjs.
// In: frames on descriptor 3. Out: one frame on descriptor 4 for each. Ends when descriptor 3 is closed.
// 1. One thread reads, acts, writes, in turn; nothing else runs here, so a hang of the module is a hang of this process.
// 2. Standard input, output and error belong to the module and lead nowhere.

import { readSync, writeSync } from 'node:fs'
import { ChildGuard } from './child-guard.ts'
import { encodeFrame, FrameReader } from './frames.ts'
import { ModuleFault, memory, Refusal } from './function-list.ts'
import { layoutOf } from './layout.ts'
import type { Act, ChildFailure } from './messages.ts'
import { type Answer, ModuleHost } from './module-host.ts'
import type { Natives } from './natives.ts'

const requestDescriptor = 3
const answerDescriptor = 4
/** Requests are small; a longer one comes in pieces. */
const roomBytes = 8192

/** koffi is not there, or does not load on this system. */
class KoffiMissing extends Error {}

function main(): void {
  // The parent decides when this process ends. SIGUSR1 would open the debugger of Node to every user of the machine.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1']) process.on(signal, () => {})
  const parts = new ChildParts()
  const reader = new FrameReader()
  const room = memory(roomBytes)
  for (;;) {
    // Waits for the parent; zero bytes come where it has closed the pipe or is gone.
    const count = readSync(requestDescriptor, room, 0, room.length, null)
    if (count === 0) break
    for (const { head, bytes } of reader.push(room.subarray(0, count))) {
      // The parent is the only one that writes here, and it is of the same build.
      const { seconds, ...act } = head as Act & { readonly seconds: number }
      const answer = parts.answer(act, bytes, seconds)
      writeAll(encodeFrame(answer.head, answer.bytes))
      answer.bytes?.fill(0)
    }
  }
  parts.end()
  process.exit(0)
}

/** What main makes once: the module with its state, and the guard, which needs koffi too. */
class ChildParts {
  readonly #host = new ModuleHost(() => this.#natives(), layoutOf(process.platform, process.arch))
  #loaded: Natives | undefined
  #guard: ChildGuard | undefined

  answer(act: Act, bytes: Uint8Array, seconds: number): Answer {
    try {
      this.#guard ??= ChildGuard.on(process.platform, this.#natives())
      return this.#guard.during(seconds, () => this.#host.perform(act, bytes))
    } catch (error) {
      return { head: { failure: failureOf(error) } }
    }
  }

  /** Gives the module back, also where it hangs in that and the parent is gone already. */
  end(): void {
    this.#guard?.limit(0)
    this.#host.end()
  }

  #natives(): Natives {
    if (this.#loaded === undefined) this.#loaded = loadKoffi()
    return this.#loaded
  }
}

function loadKoffi(): Natives {
  try {
    return require('koffi')
  } catch (error) {
    throw new KoffiMissing(error instanceof Error ? firstLine(error.message) : 'it does not load')
  }
}

function failureOf(error: unknown): ChildFailure {
  if (error instanceof Refusal) return { kind: 'refused', function: error.functionName, status: error.status }
  if (error instanceof ModuleFault) return { kind: 'module', text: firstLine(error.message) }
  if (error instanceof KoffiMissing) return { kind: 'koffi', text: error.message }
  return { kind: 'fault', text: error instanceof Error ? firstLine(error.message) : 'something else than an error' }
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').slice(0, 1000)
}

function writeAll(frame: Uint8Array): void {
  let written = 0
  while (written < frame.length) written += writeSync(answerDescriptor, frame, written)
  frame.fill(0)
}

// Last, since the classes above must have been made.
main()
