// AWS SDK clients that sign with the key itself, without STS and without a secret in the process. In: an opened key and
// its access key ID. Out: what is spread into the configuration of any AWS SDK v3 client: a SHA-256 of ours, credentials
// that hold a placeholder, an extension that tests the client before its first request.
// 1. All clients that share the result share one DateKey: one device call a day.
// 2. What takes the placeholder and not the SHA-256 is stopped before it has signed (placeholder.ts), and a client whose
//    signature does not come from the key before it has sent (self-test.ts).

import { generateKeySync, randomUUID } from 'node:crypto'
import { HardkeyError } from '../errors.ts'
import { type DeviceDateKeysOptions, deviceDateKeys } from '../sigv4/date-key.ts'
import { clockOf } from '../sigv4/date-window.ts'
import { DerivedKeys } from './derived-key.ts'
import { Placeholder, type PlaceholderCredentials } from './placeholder.ts'
import { type SdkExtension, SelfTest } from './self-test.ts'
import { type SdkHashConstructor, sdkSha256 } from './sha256.ts'

/** An opened key with its access key ID, and the clock. `keepDateKey: false` asks the device for each new scope. */
export interface SignWithKeyOptions extends DeviceDateKeysOptions {}

/** What the SDK says when it asks for credentials. */
export interface SdkCredentialCall {
  readonly callerClientConfig?: object | undefined
}

/** A part of the configuration of an AWS SDK v3 client. It goes in as a whole, or it does not sign. */
export interface KeySigning {
  /** Placeholder credentials, also for `masterCredentials` of `fromTemporaryCredentials` beside a `clientConfig` of this. */
  readonly credentials: (call?: SdkCredentialCall) => Promise<PlaceholderCredentials>
  readonly sha256: SdkHashConstructor
  /** With extensions of your own: `extensions: [...signing.extensions, yours]`. */
  readonly extensions: SdkExtension[]
}

/**
 * The configuration by which AWS SDK v3 clients sign with the key: requests, presigned URLs, S3 forms, event streams,
 * database tokens, sessions of S3 Express and of AssumeRole. One result serves any number of clients, presigners and
 * signers, in all regions. The key stays the caller's, who closes it when they are done.
 *
 * @throws ERR_CONFIG_INVALID as `deviceDateKeys`. What a client then throws: ERR_SDK_INCOMPATIBLE before anything is sent
 * where this release of the SDK does not sign with the key, or a part of the result was replaced; ERR_REQUEST_INVALID
 * for SigV4a; ERR_DATE_REFUSED; and what the key throws
 *
 * @example
 * ```ts
 * import { openKey } from 'hardkey'
 * import { signWithKey } from 'hardkey/aws-sdk'
 * const key = await openKey('pkcs11:token=prod;object=aws?module-path=/usr/lib/libhsm.so&pin-source=file:/run/pin')
 * const signing = signWithKey({ key, accessKeyId: 'AKIAIOSFODNN7EXAMPLE' })
 * const configuration = { region: 'eu-west-1', ...signing } // new S3Client(configuration)
 * ```
 */
export function signWithKey(options: SignWithKeyOptions): KeySigning {
  const keys = deviceDateKeys(options)
  // Whoever prints credentials sees what this is; the rest of it nobody guesses.
  const placeholder = new Placeholder(`hardkey-placeholder-no-secret-${randomUUID()}`)
  const derived = new DerivedKeys(generateKeySync('hmac', { length: 256 }))
  const sha256 = sdkSha256({ placeholder, derived, keys, now: clockOf(options.now) })
  const selfTest = new SelfTest(keys, options.now)
  const credentials = async ({ callerClientConfig }: SdkCredentialCall = {}): Promise<PlaceholderCredentials> => {
    if (callerClientConfig !== undefined) checkClient(callerClientConfig, sha256, selfTest)
    return placeholder.credentials(keys.accessKeyId, keys.sessionToken)
  }
  // The SDK then asks for each signature, and no two signatures read the same object at a time.
  return { credentials: Object.assign(credentials, { memoized: true }), sha256, extensions: [selfTest.extension] }
}

/** @throws ERR_SDK_INCOMPATIBLE where a part of the configuration was replaced */
function checkClient(config: object, sha256: SdkHashConstructor, selfTest: SelfTest): void {
  const replaced =
    'sha256' in config && config.sha256 !== sha256
      ? 'sha256'
      : 'httpAuthSchemes' in config && !selfTest.isPartOf(config.httpAuthSchemes)
        ? 'extensions'
        : undefined
  if (replaced === undefined) return
  throw new HardkeyError('ERR_SDK_INCOMPATIBLE', `the client has another ${replaced} than signWithKey gives`, {
    hint: 'spread the whole result into the configuration, behind what else it has: { region, ...signWithKey({ key, accessKeyId }) }',
  })
}
