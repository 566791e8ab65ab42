// How a server is trusted, and what it is shown. In: the `ca`, `client-cert`, `client-key` and `server-name` of a key URI. Out:
// each part checked; the PEM of the files. A CA that the URI names is trusted in place of Node's roots, as the commands of
// Vault and OpenBao do. Nothing is read before it is asked for.

import { readdir, stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { HardkeyError } from '../errors.ts'
import { fileFailure } from '../files/file-failure.ts'
import { readOwnFile } from '../files/read-own-file.ts'
import type { CaBundle, ClientCertificate } from '../http/client.ts'
import type { KeyUri } from './uri.ts'

export interface ServerTrust {
  /** The absolute path of a PEM file, or of a folder of them. */
  readonly ca: string | undefined
  /** Absolute paths of PEM files. */
  readonly clientCertificate: { readonly cert: string; readonly key: string } | undefined
  /** In place of the host, in the certificate. */
  readonly serverName: string | undefined
}

export const trustNames: readonly string[] = ['ca', 'client-cert', 'client-key', 'server-name']

/** Real bundles have about 250 KiB; a certificate with its chain a few. */
const longestBundle = 4 * 1024 * 1024
const longestCertificate = 65_536
const mostFiles = 200

/** @throws ERR_URI_INVALID, naming the attribute */
export function serverTrust(uri: KeyUri): ServerTrust {
  return { ca: fileOf(uri, 'ca'), clientCertificate: clientCertificateOf(uri), serverName: serverNameOf(uri) }
}

/** A path of the server, as a mount or a namespace: without a slash at its ends, safe in a request. @throws ERR_URI_INVALID */
export function serverPath(name: string, value: string): string {
  const path = value.replace(/^\/|\/$/g, '')
  const isPath = path.split('/').every((part) => /^[A-Za-z0-9_.~-]{1,255}$/.test(part) && !/^\.{1,2}$/.test(part))
  if (!isPath) throw invalid(`${name} in the key URI is no path of the server`, 'as in transit or team/transit')
  return path
}

/** PEM texts; undefined where no CA is named. @throws ERR_CONFIG_INVALID for a file that is missing or others could change */
export async function readAuthorities({ ca }: ServerTrust): Promise<readonly CaBundle[] | undefined> {
  if (ca === undefined) return undefined
  const files = await filesAt(ca)
  return await Promise.all(
    files.map(async (file) => ({ pem: await readOwnFile(file, { maxBytes: longestBundle }), name: `"${file}"` })),
  )
}

/** @throws ERR_CONFIG_INVALID as `readAuthorities`, and for a key that others can read */
export async function readClientCertificate({
  clientCertificate,
}: ServerTrust): Promise<ClientCertificate | undefined> {
  if (clientCertificate === undefined) return undefined
  const [cert, key] = await Promise.all([
    readOwnFile(clientCertificate.cert, { maxBytes: longestCertificate }),
    readOwnFile(clientCertificate.key, { maxBytes: longestCertificate, secret: true }),
  ])
  return { cert, key }
}

/** The file, or those in the folder, as VAULT_CAPATH has them. */
async function filesAt(path: string): Promise<readonly string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path]
    const entries = await readdir(path, { withFileTypes: true })
    const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => join(path, name))
    if (files.length > 0 && files.length <= mostFiles) return files
  } catch (error) {
    throw fileFailure('read', path, 'ERR_CONFIG_INVALID', error)
  }
  throw new HardkeyError('ERR_CONFIG_INVALID', `the folder "${path}" does not hold 1 to ${mostFiles} certificates`)
}

function clientCertificateOf(uri: KeyUri): ServerTrust['clientCertificate'] {
  const cert = fileOf(uri, 'client-cert')
  const key = fileOf(uri, 'client-key')
  if (cert === undefined && key === undefined) return undefined
  if (cert === undefined || key === undefined) throw invalid('client-cert and client-key go together in the key URI')
  return { cert, key }
}

function serverNameOf(uri: KeyUri): string | undefined {
  const name = uri.get('server-name')
  if (name === undefined || /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(name)) return name
  throw invalid('server-name in the key URI is no host name')
}

/** `file:/run/ca.pem` or the bare path. */
function fileOf(uri: KeyUri, name: string): string | undefined {
  const path = uri.get(name)?.replace(/^file:(?:\/\/(?:localhost)?(?=\/))?/, '')
  if (path === undefined || isAbsolute(path)) return path
  throw invalid(`${name} in the key URI is not an absolute path`, `write ${name}=file:/PATH`)
}

function invalid(message: string, hint?: string): HardkeyError {
  return new HardkeyError('ERR_URI_INVALID', message, { hint })
}
