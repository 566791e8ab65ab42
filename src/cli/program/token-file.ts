// The file in which clients find the token. In: a path. Out: a token that this process and the file agree on.
// A token that is there already is kept: services that took it over when they started go on after a restart of ours.
// The file has mode 0600 and no newline: SDKs for JavaScript and Java send it as it is, others refuse a newline.

import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { CallerToken, isToken, newToken, type RandomBytes } from '../../endpoint/caller-token.ts'
import { HardkeyError } from '../../errors.ts'
import { isMissingFile, systemCode } from '../../files/file-failure.ts'
import { readOwnFile } from '../../files/read-own-file.ts'
import { replaceAtomically } from '../../files/replace-atomically.ts'

const lookMilliseconds = 1000

export class TokenFile {
  readonly path: string
  readonly #random: RandomBytes
  #token: CallerToken | undefined
  #identity: string | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(path: string, random: RandomBytes) {
    this.path = path
    this.#random = random
  }

  /** The token of the file, which is made where it is missing. @throws ERR_CONFIG_INVALID for another content or unsafe place */
  async open(): Promise<CallerToken> {
    const kept = await this.#kept()
    const text = kept ?? newToken(this.#random)
    if (kept === undefined) await this.#write(text)
    this.#identity = await identityOf(this.path)
    this.#token = new CallerToken(text)
    return this.#token
  }

  /** Makes a new token, writes it, and from then on takes no other. @throws ERR_CONFIG_INVALID: the old one stays good */
  async renew(): Promise<void> {
    const text = newToken(this.#random)
    await this.#write(text)
    this.#identity = await identityOf(this.path)
    this.#token?.replace(text)
  }

  /** Calls `onChanged` once when the file is gone or another one, and again after it was renewed. The token stays good. */
  watch(onChanged: () => void): void {
    let told = this.#identity
    const look = async (): Promise<void> => {
      const identity = await identityOf(this.path)
      if (identity !== this.#identity && identity !== told) onChanged()
      told = identity
    }
    this.#timer = setInterval(() => void look(), lookMilliseconds).unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #kept(): Promise<string | undefined> {
    try {
      const text = Buffer.from(await readOwnFile(this.path, { maxBytes: 1024, secret: true })).toString('latin1')
      if (isToken(text)) return text
    } catch (error) {
      if (isMissingFile(error)) return undefined
      throw error
    }
    throw new HardkeyError('ERR_CONFIG_INVALID', `"${this.path}" holds something else than a token of hardkey serve`, {
      hint: 'remove it, and a new token is made; or name another file',
    })
  }

  /** A folder that is missing is a slip of the pen: clients would look for the token elsewhere. */
  async #write(text: string): Promise<void> {
    const folder = dirname(resolve(this.path))
    if ((await stat(folder).catch(systemCode)) === 'ENOENT') {
      throw new HardkeyError('ERR_CONFIG_INVALID', `there is no folder "${folder}" for the token`, {
        hint: `make it: mkdir -m 700 "${folder}"; or name a file elsewhere`,
      })
    }
    await replaceAtomically(this.path, Buffer.from(text))
  }
}

/** Changes with each replacement and each writing; `gone` where there is no such file. */
async function identityOf(path: string): Promise<string> {
  const stats = await stat(path).catch(() => undefined)
  return stats === undefined ? 'gone' : `${stats.dev}:${stats.ino}:${stats.mtimeMs}:${stats.size}`
}
