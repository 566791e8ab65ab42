// The S3-compatible stores that tests upload to. In: nothing. Out: for each its name and how to start it.

import { startMinio } from '../peers/minio.ts'
import { startVersitygw } from '../peers/versitygw.ts'

export interface S3Store {
  readonly s3Url: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  stop(): Promise<void>
}

export const s3Stores: readonly (readonly [name: string, start: () => Promise<S3Store>])[] = [
  ['versitygw', startVersitygw],
  [
    'MinIO',
    async () => {
      const minio = await startMinio()
      return { ...minio, s3Url: minio.url }
    },
  ],
]
