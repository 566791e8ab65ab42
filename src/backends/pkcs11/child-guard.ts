// The child ends when its parent does, even while it hangs inside the module, and leaves no image of its memory.
// In: the foreign-function library and a platform. Out: a guard around each act. prctl(2), alarm(2).

import type { NativeFunction, Natives } from './natives.ts'

const prSetParentDeathSignal = 1
const prSetDumpable = 4
const sigkill = 9

/** Seconds that the parent has for ending the child itself before the alarm does. */
const graceSeconds = 5

export class ChildGuard {
  readonly #alarm: NativeFunction | undefined

  private constructor(alarm: NativeFunction | undefined) {
    this.#alarm = alarm
  }

  /**
   * On Linux the kernel kills the child with its parent, and refuses a core dump and a debugger of the same user. On
   * every Unix an alarm ends a call that outlasts its deadline. Windows ends the child with the job of its parent.
   */
  static on(platform: string, natives: Natives): ChildGuard {
    if (platform === 'win32') return new ChildGuard(undefined)
    const system = natives.load(null)
    if (platform === 'linux') {
      const long = 'unsigned long'
      const prctl = system.func('prctl', 'int', ['int', long, long, long, long])
      prctl(prSetParentDeathSignal, sigkill, 0, 0, 0)
      prctl(prSetDumpable, 0, 0, 0, 0)
    }
    return new ChildGuard(system.func('alarm', 'unsigned int', ['unsigned int']))
  }

  /** Performs something that must end within so many seconds. */
  during<T>(seconds: number, perform: () => T): T {
    this.limit(seconds)
    try {
      return perform()
    } finally {
      this.#alarm?.(0)
    }
  }

  /** From now on the process has so many seconds. */
  limit(seconds: number): void {
    this.#alarm?.(seconds + graceSeconds)
  }
}
