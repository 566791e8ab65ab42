// AWS KMS as moto plays it. In: a running moto. Out: answers of any of its KMS actions, signed by the user or by another
// access key, and fresh keys. Its keys are real AES-GCM; key policies are not looked at, those of IAM are.

import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { sigV4Signer } from '../../src/sigv4/signer.ts'
import type { Moto } from './moto.ts'

/** Where moto's keys are. */
export const kmsRegion = 'eu-west-1'

export interface KmsUser {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** The answer to a KMS action that must succeed. */
export async function kmsDone(
  moto: Moto,
  action: string,
  input: Readonly<Record<string, unknown>>,
  user: KmsUser = moto,
): Promise<Readonly<Record<string, unknown>>> {
  const { accessKeyId, secretAccessKey } = user
  const keys = secretDateKeys({ accessKeyId, secretAccessKey })
  const signer = sigV4Signer({ keys, region: kmsRegion, service: 'kms' })
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${action}` }
  const body = JSON.stringify(input)
  const signed = await signer.sign({ method: 'POST', url: `${moto.url}/`, headers, body })
  const answer = await fetch(signed.url, { method: 'POST', headers: signed.headers, body })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`moto refused ${action}: ${text}`)
  return text === '' ? {} : JSON.parse(text)
}

/** The ARN of a fresh symmetric key. */
export async function kmsKey(moto: Moto): Promise<string> {
  const { KeyMetadata } = await kmsDone(moto, 'CreateKey', {})
  return String(Object(KeyMetadata).Arn)
}

/**
 * An access key of another user, who may encrypt and decrypt with KMS and nothing else. Three calls, which moto must leave
 * unchecked: it encodes a policy anew before it checks the signature.
 */
export async function kmsOnlyUser(moto: Moto): Promise<KmsUser> {
  const Statement = [{ Effect: 'Allow', Action: ['kms:Encrypt', 'kms:Decrypt'], Resource: '*' }]
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement })
  await iamDone(moto, { Action: 'CreateUser', UserName: 'opener' })
  await iamDone(moto, { Action: 'PutUserPolicy', UserName: 'opener', PolicyName: 'kms', PolicyDocument })
  const made = await iamDone(moto, { Action: 'CreateAccessKey', UserName: 'opener' })
  const within = (name: string): string => new RegExp(`<${name}>([^<]+)</${name}>`).exec(made)?.[1] ?? ''
  return { accessKeyId: within('AccessKeyId'), secretAccessKey: within('SecretAccessKey') }
}

async function iamDone(moto: Moto, call: Readonly<Record<string, string>>): Promise<string> {
  const { accessKeyId, secretAccessKey } = moto
  const keys = secretDateKeys({ accessKeyId, secretAccessKey })
  const signer = sigV4Signer({ keys, region: 'us-east-1', service: 'iam' })
  const body = new URLSearchParams({ ...call, Version: '2010-05-08' }).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const signed = await signer.sign({ method: 'POST', url: `${moto.url}/`, headers, body })
  const answer = await fetch(signed.url, { method: 'POST', headers: signed.headers, body })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`moto refused ${call.Action}: ${text}`)
  return text
}
