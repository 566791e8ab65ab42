// Runs the built command as a user would. In: words, input, variables. Out: status, standard output and error.
// The environment is built for the test: HOME and HARDKEY_HOME lie in a folder of its own, nothing of the machine's.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { builtEnvironment } from '../peers/peer.ts'

/** The file that `npm run build` makes and that a user's `hardkey` is. */
export const commandFile: string = resolve(import.meta.dirname, '..', '..', 'dist', 'cli', 'hardkey.cjs')

export interface Ran {
  /** Exit status, or the name of the signal that ended it. */
  readonly status: number | string
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly input?: string | Uint8Array | undefined
  readonly environment?: Readonly<Record<string, string>> | undefined
  /** Default: the Node that runs the tests. */
  readonly node?: string | undefined
}

/** A home folder with the command in it. */
export class CommandHome {
  readonly folder: string = mkdtempSync(join(realpathSync(tmpdir()), 'hardkey-cli-'))

  /** Where records lie. */
  get records(): string {
    return join(this.folder, 'hardkey', 'keys')
  }

  /** Where it is kept which PINs were refused. */
  get state(): string {
    return join(this.folder, '.local', 'state', 'hardkey')
  }

  environment(added: Readonly<Record<string, string>> = {}): Record<string, string> {
    return builtEnvironment({ HOME: this.folder, HARDKEY_HOME: join(this.folder, 'hardkey'), ...added })
  }

  /** Writes a file that only its owner can read, and gives its path. */
  write(name: string, content: string | Uint8Array): string {
    const path = join(this.folder, name)
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(path, content, { mode: 0o600 })
    return path
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8')
  }

  start(words: readonly string[], options: RunOptions = {}): ChildProcess {
    return spawn(options.node ?? process.execPath, [commandFile, ...words], {
      cwd: this.folder,
      env: this.environment(options.environment),
      stdio: ['pipe', 'pipe', 'pipe'],
      // No terminal: a question must fail and not find the one that runs the tests.
      detached: true,
    })
  }

  async run(words: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const child = this.start(words, options)
    child.stdin?.on('error', () => {})
    child.stdin?.end(options.input ?? '')
    return await ended(child)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Waits for the end and gives all that was printed. */
export async function ended(child: ChildProcess): Promise<Ran> {
  const printed = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      printed[stream] += text
    })
  }
  const status = await new Promise<number | string>((done, fail) => {
    child.once('error', fail)
    child.once('close', (code, signal) => done(code ?? signal ?? 'nothing'))
  })
  return { status, ...printed }
}

/** A throw-away access key in AWS's form, fresh for each run. */
export function throwAwayKey(): { readonly accessKeyId: string; readonly secretAccessKey: string } {
  const pick = (length: number, alphabet: string): string =>
    Array.from({ length }, () => alphabet[Math.floor(Math.random() * alphabet.length)]).join('')
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
  return {
    accessKeyId: `AKIA${pick(16, `${letters}234567`)}`,
    secretAccessKey: pick(40, `${letters}${letters.toLowerCase()}0123456789+/`),
  }
}
