// A running `hardkey serve`, as its clients meet it. In: a home with a key checked in, and the words behind `serve`. Out: what it
// printed, its variables, and requests to it.

import type { ChildProcess } from 'node:child_process'
import type { CommandHome, Ran, RunOptions } from './hardkey.ts'
import { ended } from './hardkey.ts'

export class Serving {
  readonly child: ChildProcess
  /** All that came on standard output, which ends when it answers. */
  readonly lines: string
  readonly #end: Promise<Ran>
  #stderr = ''

  private constructor(child: ChildProcess, end: Promise<Ran>, lines: string) {
    this.child = child
    this.#end = end
    this.lines = lines
    child.stderr?.on('data', (text: string) => {
      this.#stderr += text
    })
  }

  /** @throws with what it printed, where it ends before it answers */
  static async start(home: CommandHome, words: readonly string[], options: RunOptions = {}): Promise<Serving> {
    const child = home.start(words, options)
    child.stdin?.end()
    const end = ended(child)
    let lines = ''
    child.stdout?.on('data', (text: string) => {
      lines += text
    })
    await new Promise<void>((done) => child.stdout?.once('end', done))
    if (lines === '') throw new Error(`it did not answer: ${(await end).stderr}`)
    return new Serving(child, end, lines)
  }

  /** The value of an exported variable. */
  variable(name: string): string {
    const value = new RegExp(`^export ${name}=(.*)$`, 'm').exec(this.lines)?.[1]
    if (value === undefined) throw new Error(`no ${name} in ${this.lines}`)
    return value
  }

  get url(): string {
    return this.variable('AWS_CONTAINER_CREDENTIALS_FULL_URI')
  }

  get port(): number {
    return Number(new URL(this.url).port)
  }

  get token(): string {
    return this.variable('AWS_CONTAINER_AUTHORIZATION_TOKEN')
  }

  /** What came on standard error so far. */
  get stderr(): string {
    return this.#stderr
  }

  /** A GET with the token. */
  get(path = '/', token: string = this.token): Promise<Response> {
    return fetch(new URL(path, this.url), { headers: { authorization: token } })
  }

  /** Ends it with a signal, and gives how it ended. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ran> {
    this.child.kill(signal)
    return await this.#end
  }
}
