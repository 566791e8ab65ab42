// The answer of CreateAccessKey, the only one that holds a permanent secret. In: its body. Out: the access key with its
// secret as bytes. AWS IAM API Reference 2010-05-08, CreateAccessKey.
// 1. The secret is found among the bytes and copied into a Secret before anything becomes text; there it is written over.
// 2. The whole body is wiped, whatever it turned out to be.

import { ownCopy, Secret } from '../key/secret.ts'
import { leaf, one, resultOf, unreadable } from '../query/answer.ts'
import { accessKeyIdForm, iam, isoTime } from './answer.ts'

/** An access key that was made just now. */
export interface NewAccessKey {
  readonly accessKeyId: string
  readonly userName: string
  /** The bare secret access key. The caller wipes it. */
  readonly secret: Secret
}

const start = '<SecretAccessKey>'
const end = '</SecretAccessKey>'
/** Stands in the place of each byte of the secret while the rest is read. */
const blank = 0x2a

/** Takes the body over and wipes it. @throws ERR_STS_RESPONSE_INVALID; the key may exist all the same */
export function readNewAccessKey(body: Uint8Array, isAws: boolean): NewAccessKey {
  let secret: Secret | undefined
  try {
    secret = takeSecret(body)
    const { result } = resultOf(body, iam, 'CreateAccessKey')
    const key = one(iam, result, 'AccessKey')
    leaf(iam, key, 'SecretAccessKey', /^\*+$/)
    leaf(iam, key, 'CreateDate', isoTime)
    const accessKeyId = leaf(iam, key, 'AccessKeyId', accessKeyIdForm(isAws))
    return { accessKeyId, userName: leaf(iam, key, 'UserName', /^[\w+=,.@-]{1,128}$/), secret }
  } catch (error) {
    secret?.wipe()
    throw error
  } finally {
    body.fill(0)
  }
}

/** The bytes of the one secret, which are blanked in the body. */
function takeSecret(body: Uint8Array): Secret {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length)
  const from = bytes.indexOf(start) + start.length
  const to = bytes.indexOf(end, from)
  const isOne = from >= start.length && bytes.indexOf(start, from) < 0 && bytes.indexOf(end, to + 1) < 0
  // An entity in it, or a tag, would be another secret once it were read as XML.
  const isPlain = (byte: number): boolean => byte > 0x20 && byte < 0x7f && byte !== 0x26 && byte !== 0x3c
  if (!isOne || to <= from || !body.subarray(from, to).every(isPlain)) {
    throw unreadable(iam, 'has no SecretAccessKey of the form that AWS gives')
  }
  const found = body.subarray(from, to)
  const secret = Secret.take(ownCopy(found))
  found.fill(blank)
  return secret
}
