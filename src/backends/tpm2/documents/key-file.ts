// The TSS2 PRIVATE KEY file. In: the bytes of a PEM file, whoever made it. Out: what it says, and an HMAC key's public
// area checked; and a PEM again, in strict DER.
// "ASN.1 Specification for TPM 2.0 Key Files" (draft-bottomley-tpm2-keys), section 3.1 TPMKey and section 4 TPMPolicy.
// Read as makers write it: tpm2-tools' BOOLEAN of 01, the older object identifier, unknown context tags, any parent.

import { type Reader, readWhole, WireFault, written } from '../wire/codec.ts'
import { hexOf, type KeyedHashPublic, type PublicArea, readPublic2b } from '../wire/public-area.ts'
import {
  DerReader,
  derElement,
  derTag,
  derUint32,
  explicitTag,
  readBoolean,
  readObjectIdentifier,
  readUint32,
} from './der.ts'
import { asHmacKey } from './key-object.ts'
import { keyFileInvalid, orMalformed } from './malformed.ts'
import { parentsFor } from './parents.ts'
import { readPem, writePem } from './pem.ts'
import type { PolicyStep } from './policy.ts'
import { policyCommand, readPolicyStep } from './policy-list.ts'

/** What stands in a key file. */
export interface KeyFileContent {
  /** For TPM2_Load, or for TPM2_Import first. */
  readonly form: 'loadable' | 'importable'
  /** As the file has it; tpm2-tools write the opposite, so that it proves nothing. Undefined where it is left out. */
  readonly emptyAuth?: boolean | undefined
  /** The list as it is written, empty where there is none: `waysOf` says how to satisfy it. */
  readonly policy: readonly PolicyStep[]
  /** The content of TPM2B_ENCRYPTED_SECRET: inSymSeed of TPM2_Import. Importable keys have one. */
  readonly encryptedSecret?: Uint8Array | undefined
  readonly description?: string | undefined
  /** The parent is the RSA storage root key. */
  readonly rsaParent?: boolean | undefined
  /** A handle of a hierarchy, persistent, or a transient one that says nothing: `parentsFor` says where to look. */
  readonly parent: number
  /** TPMT_PUBLIC. */
  readonly publicArea: Uint8Array
  /** The content of TPM2B_PRIVATE; for an importable key, of `duplicate`. */
  readonly privateArea: Uint8Array
}

/** A key file that was read. */
export interface KeyFile extends KeyFileContent {
  /** What `publicArea` says. */
  readonly object: KeyedHashPublic
}

/** Draft, section 3.1.1; the last is that of the engine before it (go-tpm-keyfiles reads it too). */
const forms: Readonly<Record<string, 'loadable' | 'importable' | 'sealed'>> = {
  '2.23.133.10.1.3': 'loadable',
  '2.23.133.10.1.4': 'importable',
  '2.23.133.10.1.5': 'sealed',
  '2.23.133.10.2': 'loadable',
}
/** 2.23.133.10.1.3 and .4 as content of an OBJECT IDENTIFIER. */
const formBytes = { loadable: '6781050a0103', importable: '6781050a0104' } as const
/** Room for eight branches and what is common to them; a longer one is nobody's. */
const longestPolicy = 32

/**
 * @param what the subject of the errors, where it is a part of another file
 * @throws ERR_KEY_FILE_INVALID, with the line of the PEM or the byte of the DER
 */
export function parseKeyFile(bytes: Uint8Array, what = 'the key file'): KeyFile {
  return parseKeyDer(readPem(bytes, what), what)
}

/** Who must not need it: all but `parseKeyFile` and tests. @throws ERR_KEY_FILE_INVALID */
export function parseKeyDer(der: Uint8Array, what = 'the key file'): KeyFile {
  const { content, area } = orMalformed(what, 'its DER', () => readWhole(der, (reader) => readKey(reader, what)))
  if (parentsFor(content.parent) === undefined) {
    throw keyFileInvalid(
      what,
      `names the parent ${hexOf(content.parent, 8)}, which is neither a hierarchy for keys nor a persistent handle`,
    )
  }
  return { ...content, object: asHmacKey(area, 'ERR_KEY_FILE_INVALID', what) }
}

/** The text of a file. emptyAuth is written where it is true, and left out, which means false, elsewhere. */
export function formatKeyFile(content: KeyFileContent): string {
  return writePem(formatKeyDer(content))
}

/** What stands between the lines of the PEM. */
export function formatKeyDer(content: KeyFileContent): Uint8Array {
  const { form, policy, encryptedSecret, description } = content
  const octets = (value: Uint8Array): Uint8Array =>
    derElement(
      derTag.octetString,
      written((writer) => {
        writer.tpm2b(value)
      }),
    )
  return derElement(
    derTag.sequence,
    derElement(derTag.objectIdentifier, Buffer.from(formBytes[form], 'hex')),
    ...optional(0, content.emptyAuth === true ? derElement(derTag.boolean, Uint8Array.of(0xff)) : undefined),
    ...optional(1, policy.length === 0 ? undefined : derElement(derTag.sequence, ...policy.map(policyElement))),
    ...optional(2, encryptedSecret === undefined ? undefined : octets(encryptedSecret)),
    ...optional(4, description === undefined ? undefined : derElement(derTag.utf8String, Buffer.from(description))),
    ...optional(5, content.rsaParent === true ? derElement(derTag.boolean, Uint8Array.of(0xff)) : undefined),
    derUint32(content.parent),
    octets(content.publicArea),
    octets(content.privateArea),
  )
}

function optional(number: number, element: Uint8Array | undefined): readonly Uint8Array[] {
  return element === undefined ? [] : [derElement(explicitTag(number), element)]
}

function policyElement(step: PolicyStep): Uint8Array {
  const { commandCode, commandPolicy } = policyCommand(step)
  return derElement(
    derTag.sequence,
    ...optional(0, derUint32(commandCode)),
    ...optional(1, derElement(derTag.octetString, commandPolicy)),
  )
}

/** TPMKey ::= SEQUENCE { type, [0] emptyAuth, [1] policy, [2] secret, [3] authPolicy, [4] description, …, parent, pubkey, privkey } */
function readKey(reader: Reader, what: string): { content: KeyFileContent; area: PublicArea } {
  const whole = new DerReader(reader)
  const key = whole.enter(derTag.sequence, 'the key')
  const form = readForm(key, what)
  const fields = readOptionalFields(key)
  const parent = readUint32(key, 'the parent')
  const pubkey = key.content(derTag.octetString, 'the public area')
  const { bytes: publicArea, area } = readPublic2b(pubkey)
  pubkey.end()
  const privateArea = readTpm2b(key, 'the private area')
  key.end()
  if (form === 'importable' && fields.encryptedSecret === undefined) {
    throw new WireFault('an importable key has no secret', whole.offset)
  }
  return { content: { form, ...fields, parent, publicArea, privateArea }, area }
}

function readForm(key: DerReader, what: string): 'loadable' | 'importable' {
  const identifier = readObjectIdentifier(key, 'the type')
  const form = forms[identifier]
  if (form === 'sealed') throw keyFileInvalid(what, `is of the type ${identifier}: sealed data, no key`)
  if (form === undefined) throw keyFileInvalid(what, `is of the type ${identifier}, which is no key of a TPM`)
  return form
}

type OptionalFields = Pick<KeyFileContent, 'emptyAuth' | 'policy' | 'encryptedSecret' | 'description' | 'rsaParent'>

/** In the order of their numbers, as in every SEQUENCE. [3] authPolicy, ways that someone else signs, is passed over. */
function readOptionalFields(key: DerReader): OptionalFields {
  let fields: OptionalFields = { policy: [] }
  let last = -1
  for (let tag = key.peek(); tag !== undefined && (tag & 0xc0) === 0x80; tag = key.peek()) {
    const number = tag & 0x1f
    if (number <= last) throw new WireFault('the optional fields are not in their order', key.offset)
    last = number
    const isKnown = number === 0 || number === 1 || number === 2 || number === 4 || number === 5
    if (isKnown) fields = { ...fields, ...readOptionalField(key, number) }
    else key.skip()
  }
  return fields
}

function readOptionalField(key: DerReader, number: 0 | 1 | 2 | 4 | 5): Partial<OptionalFields> {
  const names = ['emptyAuth', 'the policy', 'the secret', '', 'the description', 'rsaParent'] as const
  const field = key.enter(explicitTag(number), names[number])
  const value = ((): Partial<OptionalFields> => {
    switch (number) {
      case 0:
        return { emptyAuth: readBoolean(field, names[0]) }
      case 1:
        return { policy: readPolicy(field) }
      case 2:
        return { encryptedSecret: readTpm2b(field, names[2]) }
      case 4:
        return { description: readText(field, names[4]) }
      case 5:
        // Younger than most readers, so that another maker may have put something else there.
        if (field.peek() === derTag.boolean) return { rsaParent: readBoolean(field, names[5]) }
        field.pass()
        return {}
    }
  })()
  field.end()
  return value
}

/** SEQUENCE OF TPMPolicy ::= SEQUENCE { [0] commandCode INTEGER, [1] commandPolicy OCTET STRING } */
function readPolicy(field: DerReader): readonly PolicyStep[] {
  const list = field.enter(derTag.sequence, 'the policy')
  const start = list.offset
  const steps: PolicyStep[] = []
  while (list.left > 0) {
    if (steps.length === longestPolicy) throw new WireFault(`the policy has more than ${longestPolicy} commands`, start)
    steps.push(readPolicyEntry(list.enter(derTag.sequence, 'a policy command')))
  }
  if (steps.length === 0) throw new WireFault('the policy is empty', start)
  return steps
}

function readPolicyEntry(entry: DerReader): PolicyStep {
  const codeOffset = entry.offset
  const codeField = entry.enter(explicitTag(0), 'a command code')
  const code = readUint32(codeField, 'a command code')
  codeField.end()
  const policyField = entry.enter(explicitTag(1), 'commandPolicy')
  const parameters = policyField.content(derTag.octetString, 'commandPolicy')
  policyField.end()
  entry.end()
  return readPolicyStep(code, parameters, codeOffset)
}

/** An OCTET STRING that holds a TPM2B with its size. */
function readTpm2b(reader: DerReader, what: string): Uint8Array {
  const octets = reader.content(derTag.octetString, what)
  const start = octets.offset
  const value = octets.tpm2b()
  octets.end()
  if (value.length === 0) throw new WireFault(`${what} is empty`, start)
  return value
}

function readText(reader: DerReader, what: string): string {
  const content = reader.content(derTag.utf8String, what)
  const { offset } = content
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content.rest())
  } catch {
    // The decoder says no more than that.
    throw new WireFault(`${what} is not UTF-8`, offset)
  }
}
