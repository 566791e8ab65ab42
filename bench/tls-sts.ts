// An STS over TLS on loopback: the demo's STS behind a TLS server. In: an access key, a folder for the certificate.
// Out: an https URL and the certificate to trust.

import { writeFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { type LoopbackStsOptions, startLoopbackSts } from '../src/cli/demo/loopback-sts.ts'
import { testAuthority } from '../test/http/certificates.ts'

export interface TlsSts {
  readonly url: string
  /** Path of the certificate of its authority, PEM. */
  readonly certificate: string
  close(): Promise<void>
}

export async function startTlsSts(folder: string, options: LoopbackStsOptions): Promise<TlsSts> {
  const authority = testAuthority()
  const certificate = join(folder, 'authority.pem')
  writeFileSync(certificate, authority.ca)
  const sts = await startLoopbackSts(options)
  const { port } = new URL(sts.url)
  // Without noDelay on both sides a request in two pieces waits 40 ms for an acknowledgement, and nothing else is measured.
  const server = createServer({ ...authority.issue({ names: ['localhost'] }), noDelay: true }, (client) => {
    const behind = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
    client.pipe(behind).pipe(client)
    // A client that goes away ends its connection here, nothing more.
    client.on('error', () => behind.destroy())
    behind.on('error', () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A server on a port has such an address.
  const address = server.address() as AddressInfo
  return {
    url: `https://localhost:${address.port}/`,
    certificate,
    async close() {
      await new Promise((resolve) => server.close(resolve))
      await sts.close()
    },
  }
}
