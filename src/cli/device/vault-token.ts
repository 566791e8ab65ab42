// The token that a user of Vault or OpenBao has already. In: a key URI, the environment. Out: a source for it: the variable,
// the token helper of their settings, or ~/.vault-token, in this order; undefined where there is none.
// "Token helpers" of the commands `bao` and `vault`: a program that prints the token when it is called with `get`.

import { existsSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { HardkeyError } from '../../errors.ts'
import { readOwnFile } from '../../files/read-own-file.ts'
import { type PinSource, pinSourceOf } from '../../key/pin-source.ts'
import { KeyUri } from '../../key/uri.ts'
import { printedLine } from '../ask/program-output.ts'
import type { CommandContext } from '../command.ts'
import { transitServer } from './kek-uri.ts'

const helperMilliseconds = 10_000

/**
 * A token is for one place: the server that the variables name, or, where they name none, that of a record. A bare key
 * URI, which may come from anybody, cannot say where the token goes (`isBare`).
 * @throws ERR_CONFIG_INVALID for settings that cannot be read
 */
export async function userToken(context: CommandContext, uri: KeyUri, isBare: boolean): Promise<PinSource | undefined> {
  const { address } = context.environment.vault
  const servers = serversOf(uri).map(originOf)
  if (servers.length === 0) return undefined
  const own = await ownToken(context)
  const isForThis = address === undefined ? !isBare : servers.includes(originOf(address.value))
  if (own === undefined || isForThis) return own
  context.report.note(
    address === undefined
      ? 'your token is not used for the server of this key URI, which no variable names: set VAULT_ADDR or BAO_ADDR to it, or add a token-source'
      : `${address.variable} names another server: its token is not used for this one`,
  )
  return undefined
}

async function ownToken(context: CommandContext): Promise<PinSource | undefined> {
  const { vault } = context.environment
  if (vault.tokenVariable !== undefined) return named(`env:${vault.tokenVariable}`)
  const helper = await tokenHelper(vault.configFiles())
  if (helper !== undefined) return async ({ signal }) => await helped(context, helper, signal)
  const file = vault.tokenFile()
  return file !== undefined && existsSync(file) ? named(`file:${file}`) : undefined
}

/** The servers of the URI that a token of Vault or OpenBao is for. */
function serversOf(uri: KeyUri): readonly string[] {
  if (uri.scheme === 'vault') return (uri.get('address') ?? '').split(',')
  const server = transitServer(uri)
  return server === undefined ? [] : [server]
}

/** `https://H:443/` is `https://h`; a Unix socket, which has no origin, is its own text. */
function originOf(address: string): string {
  const text = address.trim()
  return /^https?:/i.test(text) && URL.canParse(text) ? new URL(text).origin : text
}

function named(source: string): PinSource {
  return pinSourceOf(KeyUri.of('vault', {}, { 'token-source': source }))
}

/** The program that `token_helper = "/PATH"` names in the first of these files that is there. */
async function tokenHelper(files: readonly string[]): Promise<string | undefined> {
  const file = files.find((path) => existsSync(path))
  if (file === undefined) return undefined
  const path = helperIn(Buffer.from(await readOwnFile(file, { maxBytes: 65_536 })).toString())
  if (path === undefined || isAbsolute(path)) return path
  throw new HardkeyError('ERR_CONFIG_INVALID', `token_helper in "${file}" is not an absolute path`)
}

/** As in HCL and JSON. */
export function helperIn(text: string): string | undefined {
  // Blanks of the one line alone: across lines, a file of empty ones would take a quadratic time.
  return /^[^\S\n]*"?token_helper"?[^\S\n]*[=:][^\S\n]*"([^"\n]+)"/m.exec(text)?.[1]
}

function helped({ environment }: CommandContext, helper: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  return printedLine({
    title: `token helper "${helper}"`,
    program: helper,
    words: ['get'],
    environment: environment.forPrograms,
    hint: 'log in with bao login or vault login, or set VAULT_TOKEN',
    milliseconds: helperMilliseconds,
    signal,
  })
}
