// Tink as its makers have it, in Python and in Go, behind one request each. In: what to do with a keyset under which key.
// Out: the keyset that was written, or the MAC that an opened one gives. Nothing of ours is on the other side.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { builtEnvironment, peer } from '../../peers/peer.ts'

export type TinkLanguage = 'Python' | 'Go'
export type KeysetForm = 'json' | 'binary'

/** How the service is reached, in the words of both programs. */
export interface TinkPlace {
  readonly Uri: string
  readonly Local?: string
  readonly Endpoint?: string
  readonly Token?: string
  readonly Ca?: string
  readonly CaFile?: string
  readonly AccessKeyId?: string
  readonly SecretAccessKey?: string
}

/** A keyset of this key, written and encrypted there. */
export async function writtenBy(
  language: TinkLanguage,
  place: TinkPlace,
  form: KeysetForm,
  key: Uint8Array,
): Promise<Buffer> {
  const request = { ...place, Act: 'write', Form: form, Key: Buffer.from(key).toString('hex') }
  return Buffer.from(await answerOf(language, request), 'base64')
}

/** The MAC in hex of the data under a keyset that is opened there. */
export async function macBy(
  language: TinkLanguage,
  place: TinkPlace,
  form: KeysetForm,
  keyset: Uint8Array,
  data: string,
): Promise<string> {
  const request = { ...place, Act: 'open', Form: form, Keyset: Buffer.from(keyset).toString('base64'), Data: data }
  return await answerOf(language, request)
}

async function answerOf(language: TinkLanguage, request: object): Promise<string> {
  const [command, ...args] = await programOf(language)
  const modules = language === 'Python' ? { PYTHONPATH: (await peer('hvac')).modules } : {}
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: builtEnvironment(modules) })
  child.stdin.end(JSON.stringify(request))
  const exit = new Promise((resolve) => child.once('close', resolve))
  const [output, errors, status] = await Promise.all([text(child.stdout), text(child.stderr), exit])
  if (status === 0) return output
  throw new Error(`${language} ended with ${status}: ${errors.slice(-2000)}`)
}

async function programOf(language: TinkLanguage): Promise<readonly [string, ...string[]]> {
  if (language === 'Go') return [(await peer('tinkgo')).command]
  return [(await peer('python')).command, join(import.meta.dirname, 'tink_services.py')]
}
