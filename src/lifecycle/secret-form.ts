// What is taken for a secret access key, and what is told apart from one. In: bytes that a person typed, pasted or piped.
// Out: the bare secret as a Secret, or ERR_SECRET_INVALID that says what was given instead and never shows any of it.
// IAM User Guide, "Manage access keys for IAM users": 40 characters of A-Z a-z 0-9 / +. Rows B-001 to B-012.

import { HardkeyError } from '../errors.ts'
import { Secret } from '../key/secret.ts'

export interface SecretFormOptions {
  /** For stores other than AWS: IDs and secrets of any length and of any visible ASCII characters. */
  readonly otherStore?: boolean | undefined
}

/** Bytes after which the reader of a stream stops: no secret access key comes near it. */
export const maxSecretBytes = 4096

/** AWS: what follows is one of the secrets that its documentation and its test vectors show. */
const exampleSecrets = ['wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY']

/**
 * The bare secret access key that the bytes are. One line ending at the end is taken off, nothing else. The bytes are
 * taken over: they are wiped here, also after a failure.
 * @throws ERR_SECRET_INVALID, which names the position and kind of a character, never the character of a secret
 */
export function readSecretAccessKey(bytes: Uint8Array, options: SecretFormOptions = {}): Secret {
  // First of all into a Secret: a small array of the caller's may lie in V8's heap, where a view of it leaves a copy.
  const given = Secret.take(bytes)
  try {
    return given.lend((own) => {
      const bare = own.subarray(0, own.length - lineEndingLength(own))
      refuseWrongForm(bare, options)
      return Secret.join(bare)
    })
  } finally {
    given.wipe()
  }
}

/** The same checks for a secret that was read from a file, where it stands alone. Its owner stays its owner. */
export function checkSecretAccessKey(secret: Secret, options: SecretFormOptions = {}): void {
  secret.lend((bare) => refuseWrongForm(bare, options))
}

function refuseWrongForm(bare: Uint8Array, { otherStore }: SecretFormOptions): void {
  refuseNothingOrTooMuch(bare)
  refuseOtherForms(bare)
  refuseStrangeCharacters(bare)
  if (otherStore !== true) refuseUnlikeAws(bare)
}

/**
 * Checks the form of an access key ID: `AKIA` and 16 of A-Z and 2-7; for other stores 1 to 128 visible ASCII characters
 * without `/` and `,`. It is never shown: a secret may have been given in its place.
 * @throws ERR_CONFIG_INVALID; ERR_SECRET_INVALID for the ID of temporary credentials, which are not checked in
 */
export function checkAccessKeyId(accessKeyId: string, options: SecretFormOptions = {}): void {
  if (/^ASIA[A-Z2-7]{16}$/.test(accessKeyId)) {
    throw new HardkeyError('ERR_SECRET_INVALID', 'this access key ID is one of temporary credentials', {
      hint: 'temporary credentials cannot be checked in; make an access key of the IAM user: its ID begins with AKIA',
    })
  }
  if (options.otherStore === true ? /^[\x21-\x2b\x2d\x2e\x30-\x7e]{1,128}$/.test(accessKeyId) : isAwsId(accessKeyId))
    return
  if (/^[A-Za-z0-9/+]{40}$/.test(accessKeyId)) {
    throw new HardkeyError('ERR_CONFIG_INVALID', 'this looks like a secret access key, not like the access key ID', {
      hint: 'treat that secret as seen by others if it stood on a command line, and deactivate its access key',
    })
  }
  throw new HardkeyError('ERR_CONFIG_INVALID', 'this is not an access key ID of AWS', {
    hint: 'an ID is AKIA and 16 of A-Z and 2-7; for another store, moto or a test add --other-store',
  })
}

function isAwsId(text: string): boolean {
  return /^AKIA[A-Z2-7]{16}$/.test(text)
}

function lineEndingLength(bytes: Uint8Array): number {
  if (bytes.at(-1) !== 0x0a) return 0
  return bytes.at(-2) === 0x0d ? 2 : 1
}

function refuseNothingOrTooMuch(bare: Uint8Array): void {
  if (bare.length > maxSecretBytes)
    throw refused('what was given is too long', `a secret has at most ${maxSecretBytes} bytes`)
  if (bare.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d))) {
    throw refused('no secret was given', 'give the secret access key alone, on one line')
  }
}

/** Looked for in this order: the first that matches names what was given. */
const otherForms: readonly (readonly [isForm: (bare: Uint8Array) => boolean, message: string, hint: string])[] = [
  [isUtf16, 'this is text in UTF-16', 'save it as UTF-8 or plain ASCII text'],
  [
    (bare) => isSection(bare) || startsLike(bare, ['aws_secret_access_key', 'aws_access_key_id']),
    'this is a part of an AWS configuration file, not a bare secret',
    'a profile is read with --from profile:NAME',
  ],
  [
    (bare) => startsLike(bare, ['{', '[']),
    'this is JSON, not a bare secret',
    'the answer of CreateAccessKey is read with --from json:FILE',
  ],
  [
    (bare) => startsLike(bare, ['access key id,', '"access key id"', 'user name,', '"user name"']),
    "this is the console's CSV, not a bare secret",
    'it is read with --from csv:FILE',
  ],
  [
    (bare) => startsLike(bare, ['export ', 'set ', 'set-item ', '$env:', 'setx ']),
    'this is a line of a shell, not a bare secret',
    'give only what stands behind the = sign, without quotes',
  ],
  [(bare) => startsLike(bare, ['"', "'", '`']), 'the secret is in quotes', 'give it without them'],
  [isId, 'this is the access key ID, not the secret', 'the secret access key is the other, longer text: 40 characters'],
  [
    (bare) => lineBreakAt(bare) >= 0,
    'two lines were given',
    'give the secret access key alone, on one line, not wrapped',
  ],
]

function refuseOtherForms(bare: Uint8Array): void {
  const form = otherForms.find(([isForm]) => isForm(bare))
  if (form !== undefined) throw refused(form[1], form[2])
}

function refuseStrangeCharacters(bare: Uint8Array): void {
  const at = bare.findIndex((byte) => byte < 0x21 || byte > 0x7e)
  if (at < 0) return
  throw refused(`character ${at + 1} is ${kindOf(bare, at)}`, 'nothing is trimmed: give the secret access key alone')
}

function refuseUnlikeAws(bare: Uint8Array): void {
  if (bare.length === 44 && startsLike(bare, ['AWS4'])) {
    throw refused('this already has the prefix AWS4', 'give the bare secret, the 40 characters behind it')
  }
  if (bare.length !== 40) {
    const hint = 'check that all of it was pasted; for another store add --other-store'
    throw refused(`a secret access key of AWS has 40 characters, this has ${bare.length}`, hint)
  }
  const at = bare.findIndex((byte) => !isSecretCharacter(byte))
  if (at >= 0) {
    const hint = 'AWS uses A-Z a-z 0-9 / and +; for another store add --other-store'
    throw refused(`character ${at + 1} is a sign that no secret access key of AWS has`, hint)
  }
  if (exampleSecrets.some((example) => Buffer.from(example).equals(bare))) {
    throw refused("this is the example secret of AWS's documentation", 'give your own; in a test add --other-store')
  }
}

function isSecretCharacter(byte: number): boolean {
  const isDigit = byte >= 0x30 && byte <= 0x39
  const isLetter = (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a)
  return isDigit || isLetter || byte === 0x2b || byte === 0x2f
}

/** True where the bytes begin with one of the ASCII words, in any case. Compared byte by byte: nothing becomes text. */
function startsLike(bare: Uint8Array, words: readonly string[]): boolean {
  const from = startsWithMark(bare) ? 3 : 0
  const lower = (byte: number | undefined): number =>
    byte !== undefined && byte >= 0x41 && byte <= 0x5a ? byte + 32 : (byte ?? -1)
  return words.some((word) => Buffer.from(word).every((byte, at) => lower(bare[from + at]) === lower(byte)))
}

/** `[work]` alone on the first line; JSON in brackets does not end there. */
function isSection(bare: Uint8Array): boolean {
  const end = lineBreakAt(bare)
  return startsLike(bare, ['[']) && end > 0 && bare[end - 1] === 0x5d && !startsLike(bare, ['[{', '["'])
}

function isId(bare: Uint8Array): boolean {
  const isOfId = (byte: number): boolean => (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x32 && byte <= 0x37)
  return bare.length === 20 && startsLike(bare, ['AKIA', 'ASIA']) && bare.every(isOfId)
}

function isUtf16(bare: Uint8Array): boolean {
  const [first, second] = bare
  const hasMark = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)
  const alternates = (offset: number): boolean => bare.length >= 4 && [0, 2].every((at) => bare[at + offset] === 0)
  return hasMark || (alternates(0) && bare[1] !== 0) || (alternates(1) && bare[0] !== 0)
}

function lineBreakAt(bare: Uint8Array): number {
  return bare.findIndex((byte) => byte === 0x0a || byte === 0x0d)
}

function startsWithMark(bare: Uint8Array): boolean {
  return bare[0] === 0xef && bare[1] === 0xbb && bare[2] === 0xbf
}

function kindOf(bare: Uint8Array, at: number): string {
  const byte = bare[at] ?? 0
  if (byte === 0x20) return 'a space'
  if (byte === 0x09) return 'a tab'
  if (byte === 0) return 'a NUL byte'
  if (byte < 0x20 || byte === 0x7f) return 'a control character'
  const second = bare[at + 1]
  const third = bare[at + 2] ?? 0
  if (startsWithMark(bare.subarray(at))) return 'a byte order mark'
  if (byte === 0xc2 && second === 0xa0) return 'a no-break space'
  // U+200B to U+200F and U+2060: no width, so they come along unseen when text is copied.
  if (byte === 0xe2 && ((second === 0x80 && third >= 0x8b && third <= 0x8f) || (second === 0x81 && third === 0xa0))) {
    return 'a zero-width space'
  }
  return 'not ASCII'
}

function refused(message: string, hint: string): HardkeyError {
  return new HardkeyError('ERR_SECRET_INVALID', message, { hint })
}
