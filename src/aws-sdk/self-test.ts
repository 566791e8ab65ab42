// The self-test of an AWS SDK client: at its first signature one request that is known is signed by the client's own
// signer and by sigv4/, and the two must agree. In: the client's authentication schemes, as its extension shows them.
// Out: the same schemes; a request whose signature did not come from the key is refused before it is sent.
// AWS SDK for JavaScript v3, @smithy/types, HttpAuthScheme and HttpSigner.

import { HardkeyError } from '../errors.ts'
import type { DateKeySource } from '../sigv4/date-key.ts'
import { startOfDate } from '../sigv4/date-window.ts'
import { sigV4Signer } from '../sigv4/signer.ts'
import { notTaken } from './placeholder.ts'
import { changed, headerOf, requestOf, type SdkRequest } from './sdk-request.ts'
import { permanentKey } from './sha256.ts'

/** What signs for an authentication scheme of the SDK. */
export interface SdkSchemeSigner {
  sign(request: SdkRequest, identity: unknown, properties: Record<string, unknown>): Promise<SdkRequest>
}

/** An authentication scheme of the SDK. */
export interface SdkAuthScheme {
  schemeId: string
  signer: SdkSchemeSigner
}

/** What the SDK shows to an extension, as far as it is used here. */
export interface SdkExtensionConfiguration<Scheme extends SdkAuthScheme = SdkAuthScheme> {
  httpAuthSchemes(): Scheme[]
  setHttpAuthScheme(scheme: Scheme): void
}

/** What an SDK client takes in `extensions`. */
export interface SdkExtension {
  configure<Scheme extends SdkAuthScheme>(configuration: SdkExtensionConfiguration<Scheme>): void
}

/** One for all clients of a `signWithKey`. */
export class SelfTest {
  readonly extension: SdkExtension
  readonly #keys: DateKeySource
  readonly #now: (() => Date) | undefined
  readonly #ours = new WeakSet<object>()
  readonly #proofs = new WeakMap<object, Promise<void>>()

  constructor(keys: DateKeySource, now: (() => Date) | undefined) {
    this.#keys = keys
    this.#now = now
    this.extension = {
      configure: (configuration) => {
        for (const scheme of [...configuration.httpAuthSchemes()]) {
          const sign = this.#signFor(scheme)
          if (sign === undefined) continue
          // The SDK's signer stays underneath, with what else it does.
          const signer: typeof scheme.signer = Object.create(scheme.signer, { sign: { value: sign } })
          this.#ours.add(signer)
          configuration.setHttpAuthScheme({ ...scheme, signer })
        }
      },
    }
  }

  /** False where the client signs with SigV4 and its extensions were replaced. `schemes` is what its configuration has. */
  isPartOf(schemes: unknown): boolean {
    if (!Array.isArray(schemes)) return true
    const sigV4 = schemes.filter((scheme: SdkAuthScheme) => scheme.schemeId === 'aws.auth#sigv4')
    return sigV4.every(({ signer }) => this.#ours.has(signer))
  }

  #signFor({ schemeId, signer }: SdkAuthScheme): SdkSchemeSigner['sign'] | undefined {
    if (schemeId === 'aws.auth#sigv4') {
      return async (request, identity, properties) => {
        const signed = await signer.sign(request, identity, properties)
        await this.#prove(properties, signed)
        return signed
      }
    }
    if (schemeId === 'aws.auth#sigv4a') {
      return async (request, identity, properties) => {
        if (idOf(identity) === this.#keys.accessKeyId) throw permanentKey()
        return await signer.sign(request, identity, properties)
      }
    }
    return undefined
  }

  /** Once for each client, and again where it failed. */
  async #prove(properties: Record<string, unknown>, signed: SdkRequest): Promise<void> {
    const { config } = properties
    const credential = credentialOf(signed)
    if (typeof config !== 'object' || config === null || credential === undefined) throw notTaken()
    // A client may have credentials of its own for some of its calls.
    if (credential.accessKeyId !== this.#keys.accessKeyId) return
    let proof = this.#proofs.get(config)
    if (proof === undefined) {
      proof = this.#compare(config, properties, signed, credential)
      this.#proofs.set(config, proof)
      proof.catch(() => this.#proofs.delete(config))
    }
    await proof
  }

  async #compare(
    config: object,
    properties: Record<string, unknown>,
    signed: SdkRequest,
    { date, region, service }: Credential,
  ): Promise<void> {
    const signer = await signerOf(config, properties)
    const known = changed(signed, knownRequest())
    const signing = { signingDate: date, signingRegion: region, signingService: service }
    const theirs = await signer.sign(known, signing)
    const unsigned = { ...known, headers: withoutSignature(theirs.headers) }
    const ours = await sigV4Signer({ keys: this.#keys, region, service, now: this.#now }).sign(
      requestOf(unsigned, undefined),
      { date },
    )
    if (signatureOf(theirs.headers) !== signatureOf(ours.headers)) throw notTaken()
  }
}

interface Credential {
  readonly accessKeyId: string
  /** Of the signature. */
  readonly date: Date
  readonly region: string
  readonly service: string
}

/** What the Authorization header says, or undefined where it is none of SigV4. */
function credentialOf({ headers }: SdkRequest): Credential | undefined {
  const [, accessKeyId, day, region, service] =
    /^[^ ]+ Credential=([^/,]+)\/(\d{8})\/([^/,]+)\/([^/,]+)\//.exec(headerOf(headers, 'authorization') ?? '') ?? []
  const [, hours, minutes, seconds] = /T(\d\d)(\d\d)(\d\d)Z$/.exec(headerOf(headers, 'x-amz-date') ?? '') ?? []
  if (accessKeyId === undefined || day === undefined || region === undefined || service === undefined) return undefined
  if (hours === undefined) return undefined
  const secondsOfDay = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
  return { accessKeyId, date: new Date(startOfDate(day) + secondsOfDay * 1000), region, service }
}

/** RFC 6761: nothing answers at a name that ends so, were it ever sent. */
function knownRequest(): SdkRequest {
  const headers = { host: 'hardkey.invalid', 'content-type': 'text/plain' }
  const place = { protocol: 'https:', hostname: 'hardkey.invalid', port: undefined, path: '/', query: {} }
  return { method: 'POST', ...place, headers, body: 'hardkey' }
}

/** The client's own signer, made as the SDK's authentication scheme has made it for this very request. */
async function signerOf(config: object, properties: Record<string, unknown>): Promise<SdkSignerOfClient> {
  if (!('signer' in config) || typeof config.signer !== 'function') throw notTaken()
  const signer: unknown = await config.signer(authSchemeOf(properties))
  if (typeof signer === 'object' && signer !== null && 'sign' in signer && typeof signer.sign === 'function') {
    // The SDK calls it with just these arguments.
    return signer as SdkSignerOfClient
  }
  throw new HardkeyError('ERR_SDK_INCOMPATIBLE', 'the AWS SDK client has no signer that signs requests')
}

interface SdkSignerOfClient {
  sign(
    request: SdkRequest,
    signing: { readonly signingDate: Date; readonly signingRegion: string; readonly signingService: string },
  ): Promise<SdkRequest>
}

/** `context.endpointV2.properties.authSchemes[0]`, where the SDK's scheme looks. */
function authSchemeOf(properties: Record<string, unknown>): unknown {
  let at: unknown = properties
  for (const name of ['context', 'endpointV2', 'properties', 'authSchemes', '0']) {
    if (typeof at !== 'object' || at === null) return undefined
    at = Reflect.get(at, name)
  }
  return at
}

function withoutSignature(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^authorization$/i.test(name)))
}

function signatureOf(headers: Readonly<Record<string, string>>): string | undefined {
  return /Signature=([0-9a-f]{64})$/.exec(headerOf(headers, 'authorization') ?? '')?.[1]
}

function idOf(identity: unknown): unknown {
  return typeof identity === 'object' && identity !== null && 'accessKeyId' in identity
    ? identity.accessKeyId
    : undefined
}
