// The primary keys that TPM keys lie under. In: a name. Out: the template that makes such a parent anew, its hierarchy,
// and what it is called. The same template gives the same key until the hierarchy is cleared.
// TCG TPM v2.0 Provisioning Guidance 7.5.1 (SRK), TCG EK Credential Profile 2.5 B.3.3 and B.3.4 (L-1, L-2), and the TSS2
// key file draft 3.1.8 (H-2: the EK profile's H-2 template, made in the owner hierarchy without a policy).

import { TPM_ALG, TPM_ECC, TPM_HT, TPM_RH, TPMA_OBJECT } from '../wire/constants.ts'
import { aes128Cfb, type PublicArea } from '../wire/public-area.ts'
import { ekPolicyDigest } from './policy.ts'

/** As `parent=` in a key URI says it. */
export type ParentKind = 'h2' | 'rsa-ek' | 'ecc-ek' | 'rsa-srk' | 'ecc-srk'

export interface Parent {
  readonly name: ParentKind
  /** For a person. */
  readonly words: string
  readonly hierarchy: typeof TPM_RH.OWNER | typeof TPM_RH.ENDORSEMENT
  /** The inPublic of TPM2_CreatePrimary. */
  readonly template: PublicArea
  /** True where its use asks for TPM2_PolicySecret with the endorsement hierarchy's auth value. */
  readonly usedByPolicy: boolean
}

/** In the order in which a key file that does not tell is tried. */
export const parentKinds: readonly ParentKind[] = ['h2', 'rsa-ek', 'ecc-ek', 'rsa-srk', 'ecc-srk']

const { fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, adminWithPolicy, noDA, restricted, decrypt } =
  TPMA_OBJECT
/** 0x00030472 */
const srkAttributes = fixedTPM | fixedParent | sensitiveDataOrigin | userWithAuth | noDA | restricted | decrypt
/** 0x000300b2 */
const ekAttributes = fixedTPM | fixedParent | sensitiveDataOrigin | adminWithPolicy | restricted | decrypt

/** A new object each time, so that no caller shares its buffers with another. */
export function parentOf(name: ParentKind): Parent {
  switch (name) {
    case 'h2':
      return {
        name,
        words: 'the H-2 ECC primary key of the owner hierarchy',
        ...owner,
        template: eccTemplate(0, owner),
      }
    case 'rsa-ek':
      return { name, words: 'the RSA endorsement key', ...endorsement, template: rsaTemplate(endorsement) }
    case 'ecc-ek':
      return { name, words: 'the ECC endorsement key', ...endorsement, template: eccTemplate(32, endorsement) }
    case 'rsa-srk':
      return { name, words: 'the RSA storage root key', ...owner, template: rsaTemplate(owner) }
    case 'ecc-srk':
      return { name, words: 'the ECC storage root key', ...owner, template: eccTemplate(32, owner) }
  }
}

/**
 * Where to look for the parent of a key file: a persistent handle as it is, or the primary keys to try in order.
 * Makers write the owner hierarchy, TPM_RH_FW_OWNER or a transient handle under whatever parent they used.
 * @returns undefined where no key can lie under such a number
 */
export function parentsFor(parentInFile: number, rsaFirst = false): number | readonly ParentKind[] | undefined {
  switch (parentInFile >>> 24) {
    case TPM_HT.PERSISTENT:
      return parentInFile
    case TPM_HT.TRANSIENT:
      return inOrder(rsaFirst)
    default:
      if (parentInFile === TPM_RH.ENDORSEMENT) return ['rsa-ek', 'ecc-ek']
      return parentInFile === TPM_RH.OWNER || parentInFile === TPM_RH.FW_OWNER ? inOrder(rsaFirst) : undefined
  }
}

/** The TSS2 key file draft's rsaParent: the parent is the RSA storage root key. */
function inOrder(rsaFirst: boolean): readonly ParentKind[] {
  return rsaFirst ? ['rsa-srk', ...parentKinds.filter((name) => name !== 'rsa-srk')] : parentKinds
}

const owner = { hierarchy: TPM_RH.OWNER, usedByPolicy: false } as const
const endorsement = { hierarchy: TPM_RH.ENDORSEMENT, usedByPolicy: true } as const

type Hierarchy = typeof owner | typeof endorsement

function eccTemplate(coordinateBytes: number, { usedByPolicy }: Hierarchy): PublicArea {
  return {
    type: TPM_ALG.ECC,
    ...protection(usedByPolicy),
    symmetric: aes128Cfb,
    scheme: null,
    curve: TPM_ECC.NIST_P256,
    kdf: null,
    unique: { x: new Uint8Array(coordinateBytes), y: new Uint8Array(coordinateBytes) },
  }
}

function rsaTemplate({ usedByPolicy }: Hierarchy): PublicArea {
  return {
    type: TPM_ALG.RSA,
    ...protection(usedByPolicy),
    symmetric: aes128Cfb,
    scheme: null,
    keyBits: 2048,
    exponent: 0,
    unique: new Uint8Array(256),
  }
}

function protection(usedByPolicy: boolean): Pick<PublicArea, 'nameAlg' | 'attributes' | 'authPolicy'> {
  return {
    nameAlg: TPM_ALG.SHA256,
    attributes: usedByPolicy ? ekAttributes : srkAttributes,
    authPolicy: usedByPolicy ? ekPolicyDigest() : new Uint8Array(0),
  }
}
