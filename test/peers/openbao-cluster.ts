// OpenBao as a cluster: three nodes with Raft storage, TLS, an audit file each, transit enabled unless told otherwise. Out:
// their addresses, a root token, and the power to kill a node (SIGKILL), to start it again and to ask who leads.
// Their configuration is the very text that docs/fleet.md gives, with this machine's ports and paths in it.
// Each node joins by retry_join and is unsealed with the one key share, also after it was started again.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type TestAuthority, testAuthority } from '../http/certificates.ts'
import { type BaoAnswer, type BaoBody, baoCall, baoDone } from './bao-client.ts'
import { peer } from './peer.ts'
import { freePort, type ServerProcess, startServer } from './server-process.ts'

export interface OpenBaoNode {
  /** `https://127.0.0.1:PORT` */
  readonly url: string
  readonly port: number
  readonly auditFile: string
}

export interface OpenBaoCluster {
  readonly nodes: readonly OpenBaoNode[]
  /** One CA for all nodes: PEM, and the file that holds it. It also issues certificates for logins. */
  readonly ca: string
  readonly caFile: string
  readonly authority: TestAuthority
  readonly token: string
  /** The test's own; gone after `stop`. */
  readonly folder: string
  /** The index of the active node, asked of the living ones. Waits until there is one. */
  leader(): Promise<number>
  /** One call as root to whoever leads. `token: ''` sends none. */
  call(method: string, path: string, body?: unknown, token?: string): Promise<BaoAnswer>
  /** The same, and it must succeed. */
  done(method: string, path: string, body?: unknown): Promise<BaoBody>
  /** SIGKILL; resolves when the process is gone. */
  kill(index: number): Promise<void>
  /** Starts a killed node again, unseals it and waits until all nodes vote. */
  start(index: number): Promise<void>
  stop(): Promise<void>
}

interface NodeFiles extends OpenBaoNode {
  readonly own: string
  readonly configuration: string
}

const size = 3
/** Relative to each node's own folder: a node whose audit settings are not the leader's never follows it. */
const auditName = 'audit.jsonl'

/** A fresh cluster; a bare one has no transit engine yet. The caller stops it. */
export async function startOpenBaoCluster({ isBare = false }: { isBare?: boolean } = {}): Promise<OpenBaoCluster> {
  const { command } = await peer('openbao')
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-bao-cluster-'))
  const authority = testAuthority()
  const caFile = join(folder, 'ca.pem')
  writeFileSync(caFile, authority.ca)
  const nodes = await writeNodes(folder, caFile, authority)
  const running: (ServerProcess | undefined)[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(running.map(async (server) => await server?.stop()))
    rmSync(folder, { recursive: true, force: true })
  }
  const launch = async (index: number): Promise<void> => {
    const node = at(nodes, index)
    const isReady = async (): Promise<boolean> => (await health(node.url, authority.ca)) !== undefined
    const args = ['server', `-config=${node.configuration}`]
    running[index] = await startServer(command, args, { HOME: folder }, isReady, node.own)
  }
  try {
    await Promise.all(nodes.map((_, index) => launch(index)))
    const first = { url: at(nodes, 0).url, ca: authority.ca }
    const made = await baoDone(first, 'POST', 'sys/init', { secret_shares: 1, secret_threshold: 1 })
    const { root_token: token, keys } = made
    if (typeof token !== 'string' || !Array.isArray(keys)) throw new Error('OpenBao gave no root token')
    const share = String(keys[0])
    const acts = clusterActs(nodes, authority.ca, token)
    await Promise.all(nodes.map(({ url }) => unseal(url, authority.ca, share)))
    await allVote(acts)
    if (!isBare) await acts.done('POST', 'sys/mounts/transit', { type: 'transit' })
    const kill = async (index: number): Promise<void> => {
      await running[index]?.stop()
      running[index] = undefined
    }
    const start = async (index: number): Promise<void> => {
      await launch(index)
      await unseal(at(nodes, index).url, authority.ca, share)
      await allVote(acts)
    }
    return { nodes, ca: authority.ca, caFile, authority, token, folder, ...acts, kill, start, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function clusterActs(
  nodes: readonly OpenBaoNode[],
  ca: string,
  rootToken: string,
): Pick<OpenBaoCluster, 'leader' | 'call' | 'done'> {
  const leader = async (): Promise<number> => {
    for (let wait = 0; wait < 600; wait += 1) {
      const found = await Promise.all(nodes.map(({ url }) => health(url, ca)))
      const index = found.indexOf(200)
      if (index >= 0) return index
      await sleep(50)
    }
    throw new Error('no node of the cluster leads')
  }
  const target = async (token: string) => ({ url: at(nodes, await leader()).url, ca, token: token || undefined })
  return {
    leader,
    call: async (method, path, body, token = rootToken) => baoCall(await target(token), method, path, body),
    done: async (method, path, body) => baoDone(await target(rootToken), method, path, body),
  }
}

/** A node that has joined gets no vote before it was stable for a while (10 s by default, here 100 ms). */
async function allVote({ done }: Pick<OpenBaoCluster, 'done'>): Promise<void> {
  const settings = { server_stabilization_time: '100ms' }
  await done('POST', 'sys/storage/raft/autopilot/configuration', settings)
  for (let wait = 0; wait < 600; wait += 1) {
    const { data } = await done('GET', 'sys/storage/raft/configuration')
    if (JSON.stringify(data).split('"voter":true').length === size + 1) return
    await sleep(50)
  }
  throw new Error('not all nodes of the cluster vote')
}

async function writeNodes(folder: string, caFile: string, authority: TestAuthority): Promise<NodeFiles[]> {
  const ports = await Promise.all(Array.from({ length: 2 * size }, freePort))
  const urls = ports.slice(0, size).map((port) => `https://127.0.0.1:${port}`)
  return urls.map((url, index) => {
    const own = join(folder, `node${index + 1}`)
    mkdirSync(join(own, 'data'), { recursive: true })
    const { cert, key } = authority.issue({ names: ['127.0.0.1', 'localhost'] })
    writeFileSync(join(own, 'cert.pem'), cert)
    writeFileSync(join(own, 'key.pem'), key, { mode: 0o600 })
    const [configuration, auditFile] = [join(own, 'bao.hcl'), join(own, auditName)]
    const others = urls.filter((other) => other !== url)
    writeFileSync(configuration, fitted({ own, url, clusterPort: at(ports, size + index), others, caFile }))
    return { url, port: at(ports, index), auditFile, own, configuration }
  })
}

interface NodeSettings {
  readonly own: string
  readonly url: string
  readonly clusterPort: number
  readonly others: readonly string[]
  readonly caFile: string
}

/** The guide's configuration for one node. It votes sooner than the guide's, so that tests need not wait. */
function fitted({ own, url, clusterPort, others, caFile }: NodeSettings): string {
  const guide = readFileSync(resolve(import.meta.dirname, '..', '..', 'docs', 'fleet.md'), 'utf8')
  const text = /^```hcl\n([\s\S]*?)^```/m.exec(guide)?.[1]
  if (text === undefined) throw new Error('docs/fleet.md has no configuration')
  const sooner =
    'performance_multiplier = 1\n  autopilot_reconcile_interval = "200ms"\n  autopilot_update_interval = "200ms"'
  return text
    .replaceAll('https://bao1.example:8200', url)
    .replaceAll('https://bao2.example:8200', at(others, 0))
    .replaceAll('https://bao3.example:8200', at(others, 1))
    .replaceAll('https://bao1.example:8201', `https://127.0.0.1:${clusterPort}`)
    .replaceAll('0.0.0.0:8200', url.slice('https://'.length))
    .replaceAll('0.0.0.0:8201', `127.0.0.1:${clusterPort}`)
    .replaceAll('/etc/openbao/ca.pem', caFile)
    .replaceAll('/etc/openbao/', `${own}/`)
    .replaceAll('/var/lib/openbao', join(own, 'data'))
    .replaceAll('/var/log/openbao/audit.jsonl', auditName)
    .replaceAll('"bao1"', `"${own.slice(own.lastIndexOf('/') + 1)}"`)
    .replace('performance_multiplier = 1', sooner)
}

/** Again until it is taken: a node that has not yet joined does not know the seal. */
async function unseal(url: string, ca: string, share: string): Promise<void> {
  for (let wait = 0; wait < 600; wait += 1) {
    const state = await health(url, ca)
    if (state === 200 || state === 429) return
    await baoCall({ url, ca }, 'POST', 'sys/unseal', { key: share }).catch(() => undefined)
    await sleep(50)
  }
  throw new Error(`${url} stays sealed`)
}

/** 200 leads, 429 follows, 501 is not initialized, 503 is sealed; undefined where nobody answers. */
async function health(url: string, ca: string): Promise<number | undefined> {
  try {
    return (await baoCall({ url, ca }, 'GET', 'sys/health')).status
  } catch {
    // A killed node refuses the connection.
    return undefined
  }
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index]
  if (found === undefined) throw new Error(`there is no node ${index}`)
  return found
}
