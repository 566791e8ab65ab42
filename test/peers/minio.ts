// MinIO: S3 and AssumeRole at one address, in Go, and the store that most others are measured by. Out: an endpoint and its
// root key. Old dates are refused, any region is let through, presigned URLs live 7 days; of STS there is AssumeRole alone.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { peer } from './peer.ts'
import { freePort, startServer } from './server-process.ts'

export interface Minio {
  /** S3 and STS. */
  readonly url: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  stop(): Promise<void>
}

/** A fresh MinIO on a folder of its own. The caller stops it. */
export async function startMinio(): Promise<Minio> {
  const { command } = await peer('minio')
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-minio-'))
  const [accessKeyId, secretAccessKey] = ['hkroot', 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY']
  const [port, consolePort] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${port}`
  const addresses = ['--address', `127.0.0.1:${port}`, '--console-address', `127.0.0.1:${consolePort}`]
  const environment = { MINIO_ROOT_USER: accessKeyId, MINIO_ROOT_PASSWORD: secretAccessKey, HOME: folder }
  const isReady = async (): Promise<boolean> => (await fetch(`${url}/minio/health/ready`)).ok
  const args = ['server', '--quiet', ...addresses, join(folder, 'data')]
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    const server = await startServer(command, args, environment, isReady)
    const stop = async (): Promise<void> => {
      await server.stop()
      remove()
    }
    return { url, region: 'us-east-1', accessKeyId, secretAccessKey, stop }
  } catch (error) {
    remove()
    throw error
  }
}
