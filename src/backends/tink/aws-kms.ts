// A key of AWS KMS as key-encryption key. In: its ARN, credentials. Out: a keyset encrypted and decrypted, one signed
// request each. AWS KMS API Reference, Encrypt and Decrypt (AWS JSON 1.1, TrentService); Tink's AWS KMS AEAD.
// 1. The answer must name the key that was asked: another one is refused (F-K06).
// 2. Tink puts associated data into the EncryptionContext; that of a keyset is empty, so there is none (F-K05).
// 3. Credentials are asked for anew with each attempt, since they may have been renewed, and within its time.

import { HardkeyError } from '../../errors.ts'
import type { HttpAnswer, OutgoingRequest } from '../../http/client.ts'
import type { Secret } from '../../key/secret.ts'
import { secretDateKeys } from '../../sigv4/date-key.ts'
import { sigV4Signer } from '../../sigv4/signer.ts'
import { awsKmsRefusal } from './aws-kms-status.ts'
import type { AwsKmsAddress } from './kek-uri.ts'
import { callService, givenInTime, type ServiceParts, type Verdict } from './service-call.ts'
import { bodyWithBytes, SecretJson, unlike } from './service-json.ts'
import type { ServiceKek } from './service-kek.ts'

/** Credentials of whoever may use the key in AWS KMS: not those that the keyset holds. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string | Uint8Array | Secret
  readonly sessionToken?: string | undefined
}

/** What a call to AWS KMS needs besides the key. */
export interface AwsKmsOptions {
  /** Bytes and a Secret among them are taken over and wiped. It ends when the signal aborts. */
  readonly credentials: (signal: AbortSignal) => Promise<AwsCredentials>
  /** In place of the regional endpoint. */
  readonly endpoint: string | undefined
}

/** The endings of host names by partition; a test compares them with those that STS is reached by. */
const dnsSuffixes: ReadonlyMap<string, string> = new Map([
  ['aws', 'amazonaws.com'],
  ['aws-cn', 'amazonaws.com.cn'],
  ['aws-us-gov', 'amazonaws.com'],
  ['aws-iso', 'c2s.ic.gov'],
  ['aws-iso-b', 'sc2s.sgov.gov'],
  ['aws-iso-e', 'cloud.adc-e.uk'],
  ['aws-iso-f', 'csp.hci.ic.gov'],
  ['aws-eusc', 'amazonaws.eu'],
])

/** The key-encryption key. @throws ERR_URI_INVALID for a partition whose endpoints nobody named */
export function awsKmsKek(address: AwsKmsAddress, options: AwsKmsOptions, parts: ServiceParts): ServiceKek {
  const endpoint = options.endpoint ?? regionalEndpoint(address)
  const where = new URL(endpoint).host
  const ask = async (action: Action, body: Uint8Array, member: Member, signal: AbortSignal | undefined) => {
    try {
      return await callService(
        parts,
        {
          where,
          mostAttempts: 3,
          request: (ended) => signed({ address, options, parts, endpoint, action, body, signal: ended }),
          read: (answer) => readAnswer(answer, { address, where, action, now: parts.now() }, member),
        },
        signal,
      )
    } finally {
      body.fill(0)
    }
  }
  return {
    title: `AWS KMS key ${address.arn}`,
    encrypt: (keyset, signal) =>
      ask('Encrypt', bodyWithBytes({ KeyId: address.arn }, 'Plaintext', keyset), 'CiphertextBlob', signal),
    decrypt: (encrypted, signal) =>
      ask('Decrypt', bodyWithBytes({ KeyId: address.arn }, 'CiphertextBlob', encrypted), 'Plaintext', signal),
    close: () => parts.http.close(),
  }
}

/** @throws ERR_URI_INVALID */
function regionalEndpoint({ partition, region }: AwsKmsAddress): string {
  const suffix = dnsSuffixes.get(partition)
  if (suffix !== undefined) return `https://kms.${region}.${suffix}`
  throw new HardkeyError('ERR_URI_INVALID', `hardkey knows no endpoints of the partition "${partition}"`, {
    hint: 'add kek-endpoint=https://… to the key URI',
  })
}

type Action = 'Encrypt' | 'Decrypt'
type Member = 'CiphertextBlob' | 'Plaintext'

interface Signing {
  readonly address: AwsKmsAddress
  readonly options: AwsKmsOptions
  readonly parts: ServiceParts
  readonly endpoint: string
  readonly action: Action
  readonly body: Uint8Array
  readonly signal: AbortSignal
}

async function signed({ address, options, parts, endpoint, action, body, signal }: Signing): Promise<OutgoingRequest> {
  const given = options.credentials(signal)
  const credentials = await givenInTime('credentials for AWS KMS', given, parts, signal)
  const { accessKeyId, secretAccessKey, sessionToken } = credentials
  const keys = secretDateKeys({ accessKeyId, secretAccessKey, sessionToken })
  wipeCredentials(credentials)
  const signer = sigV4Signer({ keys, region: address.region, service: 'kms', now: parts.now })
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${action}` }
  const request = await signer.sign({ method: 'POST', url: `${endpoint}/`, headers, body }, { signal })
  return { ...request, headers: { ...request.headers, 'user-agent': 'hardkey' }, body }
}

/** A secret that is text cannot be wiped. */
export function wipeCredentials({ secretAccessKey: secret }: AwsCredentials): void {
  if (secret instanceof Uint8Array) secret.fill(0)
  else if (typeof secret !== 'string') secret.wipe()
}

/** What was asked. */
export interface Asked {
  readonly address: AwsKmsAddress
  readonly where: string
  readonly action: Action
  readonly now: Date
}

/** The bytes of the member, for the key that was asked alone. */
export function readAnswer(answer: HttpAnswer, asked: Asked, member: Member): Verdict<Uint8Array> {
  if (answer.status !== 200) return awsKmsRefusal(answer, { ...asked, arn: asked.address.arn })
  const json = new SecretJson(answer.body, asked.where)
  refuseOtherKey(json.text('KeyId'), asked)
  return { value: json.bytes(member) }
}

/** KMS answers with the ARN of the key, also where it was asked by an alias. */
function refuseOtherKey(answered: string | undefined, { address, where }: Asked): void {
  const { arn, partition, region, account, isAlias } = address
  const keysOfAccount = `arn:${partition}:kms:${region}:${account}:key/`
  if (isAlias ? answered?.startsWith(keysOfAccount) === true : answered === arn) return
  throw unlike(where, `names another key than ${arn}`)
}
