// Releases of the AWS SDK for JavaScript v3 over two years, each loaded from its own folder. In: the name of a release.
// Out: its clients, presigners and signers, seen through the types of the release that is a dev dependency, or shapes.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { peer } from './peer.ts'

/** From November 2024 to November 2026, by the number behind "3.". */
export const sdkReleases = [
  'awssdk699',
  'awssdk758',
  'awssdk879',
  'awssdk958',
  'awssdk1019',
  'awssdk1079',
  'awssdk1141',
  'awssdk1175',
] as const

type S3 = typeof import('@aws-sdk/client-s3')
type S3Client = InstanceType<S3['S3Client']>
type AnyCommand = InstanceType<S3['PutObjectCommand']> | InstanceType<S3['GetObjectCommand']>

/** The packages of one release, as far as tests use them. */
export interface SdkRelease {
  readonly s3: S3
  readonly sts: typeof import('@aws-sdk/client-sts')
  readonly providers: Pick<typeof import('@aws-sdk/credential-providers'), 'fromTemporaryCredentials'>
  readonly presigner: {
    getSignedUrl(client: S3Client, command: AnyCommand, options?: { expiresIn?: number }): Promise<string>
    readonly S3RequestPresigner: new (options: object) => { presign(request: object): Promise<PresignedRequest> }
  }
  readonly post: {
    createPresignedPost(
      client: S3Client,
      options: { Bucket: string; Key: string; Expires?: number },
    ): Promise<{ readonly url: string; readonly fields: Readonly<Record<string, string>> }>
  }
  /** The stock signer. */
  readonly SignatureV4: new (
    options: object,
  ) => { presign(request: object, options?: object): Promise<PresignedRequest> }
  readonly storage: { readonly Upload: new (options: object) => { done(): Promise<unknown> } }
  readonly rds: { readonly Signer: new (options: object) => { getAuthToken(): Promise<string> } }
  readonly transcribe: {
    readonly TranscribeStreamingClient: new (
      options: object,
    ) => { send(command: object): Promise<unknown>; destroy(): void }
    readonly StartStreamTranscriptionCommand: new (input: object) => object
  }
}

/** An HttpRequest of the SDK with a signature in its query. */
export interface PresignedRequest {
  readonly path: string
  readonly query: Readonly<Record<string, string>>
}

/** Loads a release. @throws PeerMissing */
export async function sdkRelease(name: (typeof sdkReleases)[number]): Promise<SdkRelease> {
  const { folder } = await peer(name)
  const load = createRequire(join(folder, 'package.json'))
  return {
    s3: load('@aws-sdk/client-s3'),
    sts: load('@aws-sdk/client-sts'),
    providers: load('@aws-sdk/credential-providers'),
    presigner: load('@aws-sdk/s3-request-presigner'),
    post: load('@aws-sdk/s3-presigned-post'),
    SignatureV4: load('@smithy/signature-v4').SignatureV4,
    storage: load('@aws-sdk/lib-storage'),
    rds: load('@aws-sdk/rds-signer'),
    transcribe: load('@aws-sdk/client-transcribe-streaming'),
  }
}
