// OpenBao: one development server with TLS, in memory and unsealed, with transit enabled and an audit file. Out: its
// address, its CA, a root token, and what tests set it up with. test/peers/openbao-cluster.ts starts three of them.
// The same server answers on a Unix socket, without TLS. Its certificate is for 127.0.0.1 and localhost.

import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type BaoAnswer, type BaoBody, baoCall, baoDone, baoText } from './bao-client.ts'
import { builtEnvironment, peer } from './peer.ts'
import { freePort, startServer } from './server-process.ts'

const run = promisify(execFile)

export interface OpenBao {
  /** `https://127.0.0.1:PORT` */
  readonly url: string
  readonly port: number
  /** The CA of its certificate: PEM, and the file that holds it. */
  readonly ca: string
  readonly caFile: string
  /** Without TLS. */
  readonly unixSocket: string
  readonly token: string
  /** One JSON object a line; tokens and inputs are hashed in it. */
  readonly auditFile: string
  /** The test's own; gone after `stop`. */
  readonly folder: string
  /** One call as root; `path` begins after `/v1/`. `token: ''` sends none. */
  call(method: string, path: string, body?: unknown, token?: string): Promise<BaoAnswer>
  /** As root, and it must succeed. */
  done(method: string, path: string, body?: unknown): Promise<BaoBody>
  /** Brings a key in as OpenBao's own command does it: wrapped, type hmac. */
  importHmacKey(name: string, key: Uint8Array, mount?: string): Promise<void>
  /** A token with exactly this policy (HCL or JSON). */
  tokenFor(policy: string, options?: Readonly<Record<string, unknown>>): Promise<string>
  /** A file in `folder`, mode 0600, with this text. */
  write(name: string, text: string): string
  /** Runs the `bao` command as root against this server; its standard output. */
  bao(...args: string[]): Promise<string>
  stop(): Promise<void>
}

const rootToken = 'root'

/** A fresh server. The caller stops it. */
export async function startOpenBao(): Promise<OpenBao> {
  const { command } = await peer('openbao')
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-bao-'))
  const [port, unixSocket, auditFile] = [await freePort(), join(folder, 'bao.sock'), join(folder, 'audit.jsonl')]
  const configuration = join(folder, 'bao.hcl')
  writeFileSync(configuration, `listener "unix" {\n  address = "${unixSocket}"\n}\n${auditStanza(auditFile)}`)
  const url = `https://127.0.0.1:${port}`
  const args = ['server', '-dev', '-dev-tls', `-dev-tls-cert-dir=${folder}`, `-dev-root-token-id=${rootToken}`]
  const where = [`-dev-listen-address=127.0.0.1:${port}`, '-dev-no-store-token', `-config=${configuration}`]
  const caFile = join(folder, 'vault-ca.pem')
  const target = () => ({ url, ca: readFileSync(caFile, 'utf8'), token: rootToken })
  const isReady = async (): Promise<boolean> => (await baoCall(target(), 'GET', 'sys/health')).status === 200
  const server = await startServer(command, [...args, ...where], { HOME: folder }, isReady)
  const stop = async (): Promise<void> => {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await baoDone(target(), 'POST', 'sys/mounts/transit', { type: 'transit' })
  } catch (error) {
    await stop()
    throw error
  }
  const files = { folder, caFile, ca: target().ca, unixSocket, auditFile }
  return { ...files, url, port, token: rootToken, ...acts(command, folder, target()), stop }
}

type Acts = Pick<OpenBao, 'call' | 'done' | 'importHmacKey' | 'tokenFor' | 'write' | 'bao'>

function acts(command: string, folder: string, target: { url: string; ca: string; token: string }): Acts {
  const caFile = join(folder, 'vault-ca.pem')
  const env = builtEnvironment({ HOME: folder, BAO_ADDR: target.url, BAO_TOKEN: target.token, BAO_CACERT: caFile })
  const bao = async (...args: string[]): Promise<string> => (await run(command, args, { env })).stdout
  const done = (method: string, path: string, body?: unknown) => baoDone(target, method, path, body)
  let policies = 0
  return {
    call: (method, path, body, token = target.token) =>
      baoCall({ ...target, token: token === '' ? undefined : token }, method, path, body),
    done,
    bao,
    importHmacKey: async (name, key, mount = 'transit') => {
      await bao('transit', 'import', `${mount}/keys/${name}`, Buffer.from(key).toString('base64'), 'type=hmac')
    },
    tokenFor: async (policy, options = {}) => {
      policies += 1
      const name = `test-${policies}`
      await done('PUT', `sys/policies/acl/${name}`, { policy })
      const made = await done('POST', 'auth/token/create', { policies: [name], no_default_policy: true, ...options })
      return baoText(made, 'auth', 'client_token')
    },
    write: (name, text) => {
      const file = join(folder, name)
      writeFileSync(file, text, { mode: 0o600 })
      return file
    },
  }
}

/** Audit devices come from the configuration file: by default the API may not add one. */
export function auditStanza(file: string): string {
  return `audit "file" "to-file" {\n  options = { file_path = "${file}" }\n}\n`
}
