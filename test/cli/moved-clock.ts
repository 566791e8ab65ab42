// A clock that a test moves, for the command and for the STS before it. In: minutes. Out: variables that have the command read
// that clock, and `now` for what runs in the test. The clock of a machine that slept jumps as this one does.

import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const preload = `
const { readFileSync } = require('node:fs')
const Real = Date
const ahead = () => Number(readFileSync(process.env.MOVED_CLOCK, 'latin1'))
globalThis.Date = class Date extends Real {
  constructor(...given) {
    if (given.length === 0) super(Real.now() + ahead())
    else super(...given)
  }
  static now() {
    return Real.now() + ahead()
  }
}
// An endpoint looks at its sessions every 15 to 25 seconds: a test that counts calls has none of these.
const later = globalThis.setTimeout
if (process.env.NO_LOOKS) {
  globalThis.setTimeout = (act, wait, ...more) => later(wait >= 15_000 && wait < 25_000 ? () => {} : act, wait, ...more)
}
`

export class MovedClock {
  readonly #folder = mkdtempSync(join(tmpdir(), 'hardkey-clock-'))
  #ahead = 0

  constructor() {
    writeFileSync(join(this.#folder, 'preload.cjs'), preload)
    this.set(0)
  }

  /** For the command. `looks` false: an endpoint never looks after its sessions by itself. */
  environment(looks: boolean): Readonly<Record<string, string>> {
    const read = {
      NODE_OPTIONS: `--require ${join(this.#folder, 'preload.cjs')}`,
      MOVED_CLOCK: join(this.#folder, 'ahead'),
    }
    return looks ? read : { ...read, NO_LOOKS: '1' }
  }

  /** So many minutes after the true time. */
  set(minutes: number): void {
    this.#ahead = minutes * 60_000
    // As a whole: the command may be reading it.
    writeFileSync(join(this.#folder, 'next'), String(this.#ahead))
    renameSync(join(this.#folder, 'next'), join(this.#folder, 'ahead'))
  }

  pass(minutes: number): void {
    this.set(this.#ahead / 60_000 + minutes)
  }

  readonly now = (): Date => new Date(Date.now() + this.#ahead)

  remove(): void {
    rmSync(this.#folder, { recursive: true })
  }
}
