// Who may use the key: authorizations for one TPM2_HMAC. In: a key in the TPM, its policy or auth value, the data. Out:
// sessions with their auth values, and whether the command's parameters may be encrypted.
// TPM 2.0 Library, Part 1, 19 "Authorizations and Acknowledgments" and 21 "Session-based encryption".
// 1. An auth value is proved by the HMAC of a session and never sent.
// 2. The key of parameter encryption holds the auth value of the key as well (Part 1, 21.2). Under a policy that does not
//    ask for it nobody may know it, and the answer would decrypt to other bytes without an error: then a session of its
//    own encrypts.

import { HardkeyError } from '../../errors.ts'
import { type Approvals, approvalOf } from './approvals.ts'
import { officePublic, tpmSignature } from './date-rule.ts'
import type { PolicyStep, SecretStep } from './documents/policy.ts'
import type { PolicyWay } from './documents/policy-ways.ts'
import { checkPcrs } from './pcr-check.ts'
import { type CallersPolicy, type PolicySession, PolicySteps, type StepContext } from './policy-session.ts'
import type { Authorization } from './wire/authorized-command.ts'
import { TPM_RH } from './wire/constants.ts'
import type { Entity } from './wire/plain-command.ts'
import { nameOf } from './wire/public-area.ts'
import { Session } from './wire/session.ts'

/** How the key is used. */
export type KeyRule =
  | { readonly kind: 'auth' }
  | { readonly kind: 'policy'; readonly ways: readonly PolicyWay[] }
  | { readonly kind: 'caller'; readonly policy: CallersPolicy }

/** The auth value of the key. */
export interface KeyAuth {
  /** Empty, what was given, or undefined where nobody has asked yet. */
  value(): Uint8Array | undefined
  /** Asks for it where that was not done. @throws ERR_PIN_REQUIRED and what the source throws */
  asked(): Promise<Uint8Array>
}

export interface AuthorizeWish extends StepContext {
  readonly key: Entity
  readonly rule: KeyRule
  readonly auth: KeyAuth
  /** `pcrs` of the URI, for the names of those that differ. */
  readonly pcrs: string | undefined
  /** For a date rule, and where it lies. */
  readonly approvals: { readonly file: Approvals; readonly path: string } | undefined
  /** A session that is there already, salted, of kind `hmac`. It is taken over. */
  readonly session?: Session | undefined
}

/** What a command takes. `end` is called in every case. */
export interface KeyUse {
  /** The first authorises the key and is not marked as last. */
  readonly key: Authorization
  /** Encrypts in the place of the first. */
  readonly encrypting: Authorization | undefined
  readonly mayEncryptCommand: boolean
  end(): Promise<void>
}

const nothing: Uint8Array = new Uint8Array(0)

/** @throws ERR_POLICY_REFUSED, ERR_PIN_REQUIRED, and as `Tpm.send` */
export async function authorizeUse(wish: AuthorizeWish): Promise<KeyUse> {
  const { tpm, salt, rule, auth, signal } = wish
  if (rule.kind === 'auth') {
    const session = wish.session ?? (await Session.start(tpm, { kind: 'hmac', salt, signal }))
    const key = { session, authValue: auth.value() ?? nothing, of: 'the key' }
    return { key, encrypting: undefined, mayEncryptCommand: true, end: () => session.end() }
  }
  await wish.session?.end()
  const session = await Session.start(tpm, { kind: 'policy', salt, signal })
  const sessions = [session]
  const end = async (): Promise<void> => {
    for (const one of sessions) await one.end()
  }
  try {
    const steps = await satisfied(wish, session)
    const authValue = session.needsAuthValue ? await auth.asked() : auth.value()
    const key = { session, authValue: authValue ?? nothing, of: 'the key' }
    const mayEncryptCommand = !steps.bindsParameters
    if (authValue !== undefined) return { key, encrypting: undefined, mayEncryptCommand, end }
    const other = await Session.start(tpm, { kind: 'hmac', salt, signal })
    sessions.push(other)
    return { key, encrypting: { session: other, authValue: undefined }, mayEncryptCommand, end }
  } catch (error) {
    await end()
    throw error
  }
}

/** The policy session after the steps of the first way that holds, or the caller's own. */
async function satisfied(wish: AuthorizeWish, session: Session): Promise<PolicySteps> {
  const steps = new PolicySteps(session, wish)
  if (wish.rule.kind === 'caller') {
    await wish.rule.policy(onlyPublic(steps))
    return steps
  }
  const way = await firstThatHolds(wish)
  for (const step of way) await run(wish, steps, step)
  return steps
}

/** The first way whose PCRs and approvals are as they must be; the TPM is asked for nothing else yet. */
async function firstThatHolds(wish: AuthorizeWish): Promise<PolicyWay> {
  const ways = wish.rule.kind === 'policy' ? wish.rule.ways : []
  let refusal: unknown
  for (const way of ways) {
    try {
      for (const step of way) {
        if (step.kind === 'signed') approved(wish, step.key)
        if (step.kind === 'pcr') await checkPcrs(wish.tpm, step, wish.pcrs, wish.signal)
      }
      return way
    } catch (error) {
      if (!(error instanceof HardkeyError) || error.code !== 'ERR_POLICY_REFUSED') throw error
      refusal ??= error
    }
  }
  throw refusal
}

async function run(wish: AuthorizeWish, steps: PolicySteps, step: PolicyStep): Promise<void> {
  switch (step.kind) {
    case 'pcr':
      return await steps.pcrStep(step)
    case 'authValue':
      return await steps.authValue()
    case 'or':
      return await steps.or(step.digests)
    case 'commandCode':
      return await steps.commandCode(step.code)
    case 'cpHash':
      return await steps.commandHash(step.cpHash)
    case 'secret':
      return await steps.secret(hierarchyOf(step), step.policyRef)
    case 'signed':
      return await steps.signedStep(step.key, { policyRef: step.policyRef, signature: approved(wish, step.key) })
    case 'duplicationSelect':
      throw new HardkeyError('ERR_POLICY_REFUSED', 'this way of the policy moves the key and does not use it')
  }
}

/** The approval for this input. @throws ERR_POLICY_REFUSED before the TPM is asked */
function approved({ approvals, keyName, data }: AuthorizeWish, signer: Uint8Array): ReturnType<typeof tpmSignature> {
  if (approvals === undefined) {
    throw new HardkeyError('ERR_POLICY_REFUSED', 'the key has a date rule, and its URI names no approvals', {
      hint: 'add approvals=NAME.approvals.json to the key URI; hardkey approve writes that file',
    })
  }
  const { file, path } = approvals
  if (Buffer.compare(nameOf(officePublic(file.officeKey)), nameOf(signer)) !== 0) {
    throw new HardkeyError('ERR_POLICY_REFUSED', `"${path}" is signed by another office key than that of the key`, {
      hint: 'approve with the private half of the key that the import was given',
    })
  }
  return tpmSignature(file.officeKey, approvalOf(file, keyName, data, path))
}

function hierarchyOf({ entityName }: SecretStep): 'owner' | 'endorsement' {
  const handle = entityName.length === 4 ? Buffer.from(entityName).readUInt32BE() : 0
  if (handle === TPM_RH.OWNER) return 'owner'
  if (handle === TPM_RH.ENDORSEMENT) return 'endorsement'
  throw new HardkeyError('ERR_POLICY_REFUSED', 'the policy of the key asks for the auth value of an object', {
    hint: 'hardkey knows those of the owner and the endorsement hierarchy; run it yourself: tpm2Backend({ policy })',
  })
}

/** What a caller may do with the session, and no more. */
function onlyPublic(steps: PolicySteps): PolicySession {
  return {
    pcr: (list) => steps.pcr(list),
    authValue: () => steps.authValue(),
    or: (digests) => steps.or(digests),
    secret: (hierarchy, policyRef) => steps.secret(hierarchy, policyRef),
    signed: (key, sign, policyRef) => steps.signed(key, sign, policyRef),
    commandCode: (code) => steps.commandCode(code),
    digest: () => steps.digest(),
  }
}
