// What the benchmark uses of aws4, which brings no types.

declare module 'aws4' {
  interface Aws4Request {
    readonly method: string
    readonly host: string
    readonly path: string
    readonly service: string
    readonly region: string
    readonly headers?: Record<string, string>
    readonly body?: string | Uint8Array | undefined
    readonly signQuery?: boolean
  }
  const aws4: { sign(request: Aws4Request, credentials: { accessKeyId: string; secretAccessKey: string }): unknown }
  export = aws4
}
