// The token that a user of Vault or OpenBao has already. In: a key URI, the environment. Out: a source for it: the variable,
// the token helper of their settings, or ~/.vault-token, in this order; undefined where there is none.
// "Token helpers" of the commands `bao` and `vault`: a program that prints the token when it is called with `get`.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { HardkeyError } from '../errors.ts'
import { readOwnFile } from '../files/read-own-file.ts'
import { type PinSource, pinSourceOf } from '../key/pin-source.ts'
import { Secret } from '../key/secret.ts'
import { KeyUri } from '../key/uri.ts'
import type { CommandContext } from './command.ts'
import { transitServer } from './kek-uri.ts'

const longestToken = 16_384
const helperMilliseconds = 10_000

/**
 * A token is for one place: where the variables name another server than the URI does, theirs is not used.
 * @throws ERR_CONFIG_INVALID for settings that cannot be read
 */
export async function userToken(context: CommandContext, uri: KeyUri): Promise<PinSource | undefined> {
  const { vault } = context.environment
  const addresses = serversOf(uri).map(plain)
  if (addresses.length === 0) return undefined
  const isForOther = vault.address !== undefined && !addresses.includes(plain(vault.address.value))
  if (isForOther) {
    context.report.note(`${vault.address?.variable} names another server: its token is not used for this one`)
    return undefined
  }
  if (vault.tokenVariable !== undefined) return named(`env:${vault.tokenVariable}`)
  const helper = await tokenHelper(vault.configFiles())
  if (helper !== undefined) return async ({ signal }) => await helped(context, helper, signal)
  const file = vault.tokenFile()
  return existsSync(file) ? named(`file:${file}`) : undefined
}

/** The servers of the URI that a token of Vault or OpenBao is for. */
function serversOf(uri: KeyUri): readonly string[] {
  if (uri.scheme === 'vault') return (uri.get('address') ?? '').split(',')
  const server = transitServer(uri)
  return server === undefined ? [] : [server]
}

function plain(address: string): string {
  return address.trim().replace(/\/$/, '').toLowerCase()
}

function named(source: string): PinSource {
  return pinSourceOf(KeyUri.of('vault', {}, { 'token-source': source }))
}

/** The program that `token_helper = "/PATH"` names in the first of these files that is there. */
async function tokenHelper(files: readonly string[]): Promise<string | undefined> {
  const file = files.find((path) => existsSync(path))
  if (file === undefined) return undefined
  const text = Buffer.from(await readOwnFile(file, { maxBytes: 65_536 })).toString()
  const path = /^\s*"?token_helper"?\s*[=:]\s*"([^"\n]*)"/m.exec(text)?.[1]
  if (path === undefined || path === '') return undefined
  if (isAbsolute(path)) return path
  throw new HardkeyError('ERR_CONFIG_INVALID', `token_helper in "${file}" is not an absolute path`)
}

/** What the helper prints, without its line end. It gets no input, and its own words go to our standard error. */
function helped({ environment }: CommandContext, helper: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const child = spawn(helper, ['get'], {
      env: { ...environment.forPrograms },
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: helperMilliseconds,
      ...(signal === undefined ? {} : { signal }),
    })
    const parts: Buffer[] = []
    let length = 0
    child.stdout.on('data', (part: Buffer) => {
      length += part.length
      if (length <= longestToken) parts.push(part)
      else child.kill()
    })
    child.once('error', (cause) =>
      reject(signal?.aborted === true ? signal.reason : failed(helper, 'cannot run', cause)),
    )
    child.once('close', (status) => {
      const printed = Secret.join(...parts)
      for (const part of parts) part.fill(0)
      try {
        if (status !== 0) throw failed(helper, `ended with status ${status ?? 'none'}`)
        const token = printed.lend(withoutLineEnd)
        if (token.length === 0) throw failed(helper, 'has no token')
        resolve(token)
      } catch (error) {
        reject(error)
      } finally {
        printed.wipe()
      }
    })
  })
}

/** A copy, which the asker wipes. */
function withoutLineEnd(bytes: Uint8Array): Uint8Array {
  const end = bytes.findLastIndex((byte) => byte > 0x20) + 1
  const copy = new Uint8Array(new ArrayBuffer(end))
  copy.set(bytes.subarray(0, end))
  return copy
}

function failed(helper: string, what: string, cause?: unknown): HardkeyError {
  return new HardkeyError('ERR_PIN_REQUIRED', `the token helper "${helper}" ${what}`, {
    hint: 'log in with bao login or vault login, or set VAULT_TOKEN',
    cause,
  })
}
