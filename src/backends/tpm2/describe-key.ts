// What is told of an opened key. In: the key in the TPM, its public area, how it is used. Out: its attributes by the names of
// the specification, its parent and policy in words, what they promise, and what is weaker than it should be.
// TPM 2.0 Library, Part 2, 8.3 TPMA_OBJECT. Holds no secret.

import type { KeyInfo } from '../../key/hmac-key.ts'
import { keyWarnings } from './documents/key-object.ts'
import { waysOf } from './documents/policy-ways.ts'
import { policyWords } from './documents/policy-words.ts'
import type { KeyMaterial } from './key-material.ts'
import { handleText, type KeyAddress } from './key-uri.ts'
import { choiceText, choiceWords } from './parent.ts'
import type { Stay } from './stay.ts'
import { describeTpm } from './wire/capability.ts'
import { TPMA_OBJECT } from './wire/constants.ts'
import type { KeyedHashPublic } from './wire/public-area.ts'

export interface DescribeWish {
  readonly address: KeyAddress
  readonly material: KeyMaterial | undefined
  readonly auth: 'yes' | 'no' | 'unknown'
  /** The TPM is asked who made it. */
  readonly describes: boolean
  readonly signal?: AbortSignal | undefined
}

export async function describeKey(stay: Stay, wish: DescribeWish): Promise<KeyInfo> {
  const { address } = wish
  const device = `TPM at ${stay.tpm.description}`
  const maker = wish.describes ? await describeTpm(stay.tpm, { signal: wish.signal }) : undefined
  return {
    scheme: 'tpm2',
    // A TPM behind a socket is a program, whose state lies in a file.
    protection: address.device.kind === 'device' ? 'hardware' : 'memory',
    device: maker === undefined ? device : `${device} (${maker})`,
    attributes: Object.freeze(attributesOf(stay, wish)),
    warnings: Object.freeze(warningsOf(stay, wish, maker)),
  }
}

function attributesOf(stay: Stay, wish: DescribeWish): Record<string, string | number | boolean> {
  const { area, salt, parent } = stay
  const { address, material } = wish
  const place =
    address.place.kind === 'handle' ? { handle: handleText(address.place.handle) } : { form: formOf(material) }
  const told = area === undefined ? {} : ofArea(area, wish)
  return {
    ...place,
    name: Buffer.from(stay.key.name).toString('hex'),
    ...(parent === undefined ? {} : { parent: choiceText(parent.choice) }),
    saltedTo: choiceText(salt.choice),
    saltName: Buffer.from(salt.name).toString('hex'),
    saltNamePinned: address.saltName !== undefined,
    ...told,
  }
}

function formOf(material: KeyMaterial | undefined): string {
  return material?.form === 'importable' ? 'importable key file' : 'key file'
}

/** In the order of Part 2, 8.3; those that say something of an HMAC key. */
const shownAttributes = [
  'fixedTPM',
  'fixedParent',
  'sensitiveDataOrigin',
  'userWithAuth',
  'noDA',
  'encryptedDuplication',
  'restricted',
  'decrypt',
  'sign',
] as const

function ofArea(area: KeyedHashPublic, wish: DescribeWish): Record<string, string | boolean> {
  const attributes = shownAttributes.map((name) => [name, (area.attributes & TPMA_OBJECT[name]) !== 0] as const)
  return {
    ...Object.fromEntries(attributes),
    policy: policyText(area, wish),
    authValue: wish.auth,
    promises: promisesOf(area, wish).join('; '),
  }
}

/** The policy in words: of the key file, else as far as the URI tells. */
function policyText(area: KeyedHashPublic, { address, material }: DescribeWish): string {
  if (area.authPolicy.length === 0) return 'none'
  const ways = waysOf(material?.policy ?? [], area.authPolicy)
  if (ways.length > 0) return ways.map((way) => policyWords(way).join(', and ')).join('; or ')
  const told = [
    address.pcrs === undefined ? '' : `PCRs ${address.pcrs.replace(/=[0-9a-fA-Fx]+/g, '')}`,
    address.approvals === undefined ? '' : 'a date rule',
    address.hasAuth === true ? 'the auth value of the key' : '',
  ].filter((one) => one !== '')
  const digest = `authPolicy ${Buffer.from(area.authPolicy).toString('hex')}`
  return told.length === 0 ? digest : `${told.join(', ')} (${digest})`
}

function promisesOf(area: KeyedHashPublic, { auth }: DescribeWish): readonly string[] {
  const has = (bit: number): boolean => (area.attributes & bit) !== 0
  return [
    placeWords(area),
    has(TPMA_OBJECT.userWithAuth) ? useWords[auth] : 'it is used by its policy alone',
    has(TPMA_OBJECT.noDA)
      ? 'wrong auth values do not lock the TPM'
      : 'wrong auth values count in the lockout of the TPM, and so does each power cut after a use',
  ]
}

/** TPM2_Duplicate wants the role DUP, which only a policy can give: Part 1, 19.2 and 23.3.1. */
function placeWords({ attributes, authPolicy }: KeyedHashPublic): string {
  const fixed = TPMA_OBJECT.fixedTPM | TPMA_OBJECT.fixedParent
  if ((attributes & fixed) === fixed) return 'the key cannot leave this TPM, not even wrapped'
  if (authPolicy.length > 0) return 'the key can be moved to another TPM, if its policy allows that'
  return 'the key came from outside and may be kept there; it cannot go on to another TPM, since it has no policy'
}

const useWords: Readonly<Record<DescribeWish['auth'], string>> = {
  no: 'whoever reaches the TPM and has the key file or its handle can use it',
  yes: 'it is used with its auth value',
  unknown: 'it is used with its auth value, which may be empty',
}

/** As new-key.ts decides it. */
const countedWarning =
  'a wrong auth value counts in the lockout of the TPM; one of 16 bytes or more does not, where pin-source in the key URI ' +
  'gives it at the import'

function warningsOf(stay: Stay, { address, auth }: DescribeWish, maker: string | undefined): string[] {
  const { area, salt } = stay
  const isOpen = area !== undefined && (area.attributes & TPMA_OBJECT.userWithAuth) !== 0 && auth === 'no'
  const isCounted = area !== undefined && (area.attributes & TPMA_OBJECT.noDA) === 0 && auth === 'yes'
  const isSoftware = address.device.kind !== 'device' || (maker !== undefined && /^SW\b/.test(maker))
  return [
    ...(address.saltName === undefined
      ? [
          `nothing is proved: the Name of ${choiceWords(salt.choice)}, which protects what crosses the bus, is not pinned; ` +
            `pin it in the key URI: salt-name=${Buffer.from(salt.name).toString('hex')}`,
        ]
      : []),
    ...(area === undefined ? [] : keyWarnings(area)),
    ...(isOpen ? ['the key has no auth value and no policy: whoever reaches the TPM and the key file can use it'] : []),
    ...(isCounted ? [countedWarning] : []),
    ...(isSoftware ? ['this TPM is a program: its state, and with it the key, lies in a file of some machine'] : []),
  ]
}
