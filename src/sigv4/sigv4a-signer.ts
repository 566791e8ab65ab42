// The signer of SigV4a, whose signature is good in several regions: for S3 Multi-Region Access Points, EventBridge global
// endpoints. In: a secret access key in this process, regions, service. Out: signed headers or a presigned URL.
// AWS Signature Version 4, "SigV4a". A key in a device is refused, by type and when it runs (B-117): what is derived here
// would be good for every day and every region until the access key is deactivated.

import type { KeyObject } from 'node:crypto'
import { HardkeyError } from '../errors.ts'
import { Secret } from '../key/secret.ts'
import { secretDateKeys } from './date-key.ts'
import { clockOf, instantOf } from './date-window.ts'
import { headerForm } from './header-form.ts'
import { queryForm } from './query-form.ts'
import { UrlSplitter } from './request.ts'
import { type RuleOptions, type SigningRules, signingRules } from './rules.ts'
import { checkExpiry, type SigV4Signer } from './signer.ts'
import { signingMoments } from './signing-moment.ts'
import { sigV4aAlgorithm, sigV4aKey, sigV4aSignature } from './sigv4a-key.ts'
import { stringToSign } from './string-to-sign.ts'

export interface SigV4aSignerOptions extends Omit<RuleOptions, 'keys' | 'region'> {
  readonly accessKeyId: string
  /** Of temporary credentials, or another that is in this process anyway. Copied; bytes and a Secret stay the caller's. */
  readonly secretAccessKey: string | Uint8Array | Secret
  readonly sessionToken?: string | undefined
  /** Regions in which the signature is good: `['us-east-1', 'eu-west-*']`, or `['*']`. */
  readonly regionSet: readonly string[]
  /** The clock. Default: that of the machine. */
  readonly now?: (() => Date) | undefined
}

/** Signs as SigV4Signer does; the signatures are ECDSA, another one each time. */
export type SigV4aSigner = Pick<SigV4Signer, 'sign' | 'presign'>

/**
 * A signer for several regions and one service.
 *
 * @throws ERR_USAGE for a key in a device; ERR_REQUEST_INVALID for a region or service that is none; ERR_CONFIG_INVALID and
 * ERR_SECRET_INVALID as `secretDateKeys`
 *
 * @example
 * ```ts
 * import { sigV4aSigner, type TemporaryCredentials } from 'hardkey'
 * export function signerOf({ accessKeyId, secretAccessKey, sessionToken }: TemporaryCredentials) {
 *   return sigV4aSigner({ accessKeyId, secretAccessKey, sessionToken, regionSet: ['*'], service: 's3' })
 * }
 * ```
 */
export function sigV4aSigner(options: SigV4aSignerOptions): SigV4aSigner {
  refuseDeviceKey(options)
  const { accessKeyId, secretAccessKey, sessionToken } = options
  const identity = secretDateKeys({ accessKeyId, secretAccessKey, sessionToken })
  const rules: SigningRules = {
    ...signingRules({ ...options, keys: identity, region: 'us-east-1' }),
    algorithm: sigV4aAlgorithm,
    regionSet: checkedRegions(options.regionSet),
  }
  const key = keyOf(secretAccessKey, accessKeyId)
  const now = clockOf(options.now)
  const urls = new UrlSplitter()
  const momentOf = signingMoments(rules)
  return {
    async sign(request, signing = {}) {
      signing.signal?.throwIfAborted()
      const moment = momentOf(signing.date === undefined ? now() : instantOf(signing.date))
      const form = headerForm(request, urls.split(request.url), moment, signing, rules)
      return form.complete(sigV4aSignature(key, stringToSign(moment, form.canonicalRequest, sigV4aAlgorithm)))
    },
    async presign(request, signing) {
      signing.signal?.throwIfAborted()
      checkExpiry(signing.expiresIn)
      const moment = momentOf(signing.date === undefined ? now() : instantOf(signing.date))
      const form = queryForm(request, urls.split(request.url), moment, signing, rules)
      return form.complete(sigV4aSignature(key, stringToSign(moment, form.canonicalRequest, sigV4aAlgorithm)))
    },
  }
}

/** A caller without types may pass what `sigV4Signer` or `deviceDateKeys` takes. */
function refuseDeviceKey(options: SigV4aSignerOptions): void {
  const { secretAccessKey } = options
  const isSecret =
    typeof secretAccessKey === 'string' || secretAccessKey instanceof Uint8Array || secretAccessKey instanceof Secret
  if (isSecret && !('key' in options) && !('keys' in options)) return
  throw new HardkeyError('ERR_USAGE', 'SigV4a takes no key in a device', {
    hint: 'its derived key would be good until the access key is deactivated: sign with temporary credentials, which the device gets from STS',
  })
}

function keyOf(given: string | Uint8Array | Secret, accessKeyId: string): KeyObject {
  if (typeof given !== 'string') return sigV4aKey(given, accessKeyId)
  const bytes = new TextEncoder().encode(given)
  try {
    return sigV4aKey(bytes, accessKeyId)
  } finally {
    bytes.fill(0)
  }
}

function checkedRegions(regions: readonly string[]): string {
  const areRegions =
    Array.isArray(regions) &&
    regions.length > 0 &&
    regions.every((region) => /^(?:\*|[a-z0-9][a-z0-9-]{0,62}\*?)$/.test(region))
  if (areRegions) return regions.join(',')
  throw new HardkeyError('ERR_REQUEST_INVALID', 'the set of regions is not one', {
    hint: "write regions, each with a \"*\" at its end where it stands for several: ['us-east-1', 'eu-west-*'], or ['*']",
  })
}
