// The signer of the AWS Common Runtime, native code, where its package is there. In: a case. Out: what signs it.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { peer } from '../test/peers/peer.ts'

/** A request as it is signed. */
export interface CrtRequest {
  readonly service: string
  readonly method: string
  readonly target: string
  readonly headersWithHost: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | undefined
}

/** Signs one request after the other; undefined where the package cannot be had. */
export async function crtSigner(
  credentials: { readonly accessKeyId: string; readonly secretAccessKey: string },
  region: string,
): Promise<((request: CrtRequest) => Promise<unknown>) | undefined> {
  const folder = await peer('awscrt').then(
    (paths) => paths.folder,
    () => undefined,
  )
  if (folder === undefined) return undefined
  const { auth, http } = createRequire(join(folder, 'package.json'))('aws-crt')
  const { hash } = process.getBuiltinModule('node:crypto')
  const provider = auth.AwsCredentialsProvider.newStatic(credentials.accessKeyId, credentials.secretAccessKey)
  return ({ service, method, target, headersWithHost, body }) => {
    const headers = new http.HttpHeaders(Object.entries(headersWithHost))
    return auth.aws_sign_request(new http.HttpRequest(method, target, headers), {
      algorithm: auth.AwsSigningAlgorithm.SigV4,
      signature_type: auth.AwsSignatureType.HttpRequestViaHeaders,
      provider,
      region,
      service,
      use_double_uri_encode: service !== 's3',
      signed_body_value: hash('sha256', body ?? '', 'hex'),
      signed_body_header: auth.AwsSignedBodyHeaderType[service === 's3' ? 'XAmzContentSha256' : 'None'],
    })
  }
}
