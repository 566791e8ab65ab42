// How a new key is asked for. In: its label and id. Out: templates from the narrowest on, for tokens that know less.
// OASIS PKCS#11 Specification 3.1, section 4.10 (secret key objects) and 5.1 (what C_CreateObject and C_UnwrapKey refuse).

import { HardkeyError } from '../../errors.ts'
import type { KeyAddress } from './address.ts'
import { type AttributeName, keyTypes } from './constants.ts'
import { protectedTemplate } from './key-object.ts'
import type { Template } from './messages.ts'

/** How the value of a new key comes to the token. */
export type Arrival = 'given' | 'unwrapped'

/** What an importer may leave out of a template, in this order, for tokens that do not know it. */
const optionalSets: readonly (readonly AttributeName[])[] = [
  [],
  ['CKA_ALLOWED_MECHANISMS'],
  ['CKA_COPYABLE'],
  ['CKA_ALLOWED_MECHANISMS', 'CKA_COPYABLE'],
  ['CKA_ALLOWED_MECHANISMS', 'CKA_COPYABLE', 'CKA_MODIFIABLE'],
]
/** SoftHSM 2.6 writes what it unwraps into an object that it has made before, and so wants one that can be modified. */
const unwrappedSets: readonly (readonly AttributeName[])[] = [[], ['CKA_MODIFIABLE'], ...optionalSets.slice(1)]

/** Statuses that find fault with the template and not with the token, the session or the value. */
const templateStatuses: readonly (string | undefined)[] = [
  'CKR_ATTRIBUTE_TYPE_INVALID',
  'CKR_ATTRIBUTE_VALUE_INVALID',
  'CKR_ATTRIBUTE_READ_ONLY',
  'CKR_TEMPLATE_INCONSISTENT',
  'CKR_TEMPLATE_INCOMPLETE',
  'CKR_MECHANISM_INVALID',
  'CKR_KEY_TYPE_INCONSISTENT',
  'CKR_FUNCTION_FAILED',
  'CKR_GENERAL_ERROR',
]

/** True for a refusal after which a less narrow template may be taken. */
export function isTemplateFault(error: unknown): boolean {
  return error instanceof HardkeyError && templateStatuses.includes(error.serviceCode)
}

/** The narrowest first, each with the names of the key. */
export function templates(
  { label, id }: Pick<KeyAddress, 'label' | 'id'>,
  hasLogin: boolean,
  arrival: Arrival,
): readonly Template[] {
  const names = {
    ...(label === undefined ? {} : { CKA_LABEL: Buffer.from(label).toString('hex') }),
    ...(id === undefined ? {} : { CKA_ID: Buffer.from(id).toString('hex') }),
  }
  return Object.values(keyTypes).flatMap((type) =>
    (arrival === 'given' ? optionalSets : unwrappedSets).map((omitted) => {
      const whole = { ...protectedTemplate(hasLogin), ...names, CKA_KEY_TYPE: type }
      const kept = Object.entries(whole).filter(([name]) => !omitted.some((one) => one === name))
      return Object.fromEntries(kept)
    }),
  )
}
