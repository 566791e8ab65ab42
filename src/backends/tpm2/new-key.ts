// A new key in a TPM. In: what an import asks for, the bytes of the key. Out: a key file or a persistent object, complete and
// with its attributes read back; or nothing at all.
// TPM 2.0 Library, Part 3, 12.1 TPM2_Create with data of the caller's, 12.2 TPM2_Load; Part 2, 8.3 TPMA_OBJECT.
// 1. The secret and the auth value cross the bus once, encrypted by a session that is salted to the parent.
// 2. fixedTPM and fixedParent are set: the key cannot leave, and TPM2_Import, which cannot set them, is not used here.

import { HardkeyError } from '../../errors.ts'
import type { DeviceContext } from '../../key/hmac-key.ts'
import { ownCopy, Secret } from '../../key/secret.ts'
import type { KeyUri } from '../../key/uri.ts'
import { AuthValues, tooLong } from './auth-values.ts'
import { asHmacKey } from './documents/key-object.ts'
import { policyDigest } from './documents/policy.ts'
import type { PolicyWay } from './documents/policy-ways.ts'
import type { ImportTarget } from './import-target.ts'
import {
  type Below,
  bringParent,
  type KeepWish,
  keepKey,
  loadBelow,
  type NewKeyResult,
  refuseTaken,
  type UnkeptKey,
} from './keep-key.ts'
import { authTarget } from './key-auth.ts'
import { ownWay } from './key-policy.ts'
import { authorizeParent, usingParent } from './parent.ts'
import { completedPcrList, pcrStep } from './pcr-check.ts'
import { TPM_ALG, TPMA_OBJECT } from './wire/constants.ts'
import { type CreatedObject, create } from './wire/object-commands.ts'
import { type KeyedHashPublic, readPublicArea } from './wire/public-area.ts'
import { Tpm } from './wire/tpm.ts'

/** The digest of nameAlg, which is the most that a TPM takes as auth value of such a key. */
const longestAuth = 32
/** 128 bits: nobody finds such a value by trying, so that no lockout is needed. */
const strongAuth = 16

/** One import, from the first command to the file or handle. `run` is called once. */
export class NewKey {
  readonly #wish: KeepWish
  readonly #context: DeviceContext

  constructor(uri: KeyUri, target: ImportTarget, context: DeviceContext) {
    const auths = new AuthValues(uri, context, target.address.device)
    this.#wish = { uri, target, auths, signal: context.signal }
    this.#context = context
  }

  /** @throws as `tpm2Importer().import` */
  async run(key: Secret): Promise<NewKeyResult> {
    const { target, auths, signal } = this.#wish
    const auth = await this.#newAuth()
    try {
      const tpm = await Tpm.open(target.address.device, { signal })
      try {
        await refuseTaken(tpm, this.#wish)
        return await keepKey(tpm, await this.#make(tpm, key, auth), this.#wish)
      } finally {
        await tpm.close()
      }
    } finally {
      auth.wipe()
      auths.wipe()
    }
  }

  /** The auth value of the new key, typed twice by a person; empty where it gets none. */
  async #newAuth(): Promise<Secret> {
    if (!this.#wish.target.hasAuth) return Secret.join()
    const { pin, signal } = this.#context
    const target = authTarget(this.#wish.target.address)
    const auth = Secret.take(await pin({ kind: 'auth value', target, isNew: true, signal }))
    if (auth.length <= longestAuth) return auth
    auth.wipe()
    throw tooLong('the key', longestAuth)
  }

  /** TPM2_Create and TPM2_Load: what comes back is what was asked for, and this TPM takes it. */
  async #make(tpm: Tpm, key: Secret, auth: Secret): Promise<UnkeptKey> {
    const { signal } = this.#wish
    const { address, office, hasAuth } = this.#wish.target
    const below = await bringParent(tpm, this.#wish, 'h2')
    const pcrs = address.pcrs === undefined ? [] : await completedPcrList(tpm, address.pcrs, signal)
    const needsPolicy = pcrs.length > 0 || office !== undefined
    const policy = needsPolicy ? ownWay(pcrs.length > 0 ? pcrStep(pcrs) : undefined, office, hasAuth) : []
    const template = this.#template(policy, auth)
    const created = await this.#create(tpm, below, template, key, auth)
    const area = asHmacKey(readPublicArea(created.publicArea), 'ERR_KEY_UNUSABLE', 'the object that the TPM made')
    refuseChanged(tpm, template, area)
    const loaded = await loadBelow(tpm, below, created, this.#wish)
    return { ...created, ...below, area, key: loaded, policy, pcrs }
  }

  /** Part 2, 8.3 TPMA_OBJECT. noDA but for a short value: that needs the lockout, and costs a try at each power cut. */
  #template(way: PolicyWay, auth: Secret): KeyedHashPublic {
    const isStrong = this.#wish.target.isUnattended && auth.length >= strongAuth
    const noDA = auth.length === 0 || isStrong ? TPMA_OBJECT.noDA : 0
    const use = way.length === 0 ? TPMA_OBJECT.userWithAuth : 0
    return {
      type: TPM_ALG.KEYEDHASH,
      nameAlg: TPM_ALG.SHA256,
      attributes: TPMA_OBJECT.fixedTPM | TPMA_OBJECT.fixedParent | TPMA_OBJECT.sign | use | noDA,
      authPolicy: way.length === 0 ? new Uint8Array(0) : digestOf(way),
      scheme: { scheme: TPM_ALG.HMAC, hash: TPM_ALG.SHA256 },
      unique: new Uint8Array(0),
    }
  }

  async #create(
    tpm: Tpm,
    { parent, salt }: Below,
    template: KeyedHashPublic,
    key: Secret,
    auth: Secret,
  ): Promise<CreatedObject> {
    const { auths, signal } = this.#wish
    const authorization = await authorizeParent(tpm, parent, { salt, auths, signal })
    const [data, userAuth] = [key.lend(ownCopy), auth.lend(ownCopy)]
    try {
      const sensitive = { userAuth, data }
      const wish = { parent, sensitive, template, authorization: { ...authorization, decrypt: true, last: true } }
      return await usingParent(tpm, parent, authorization, auths, () => create(tpm, wish, { signal }))
    } finally {
      data.fill(0)
      userAuth.fill(0)
      await authorization.session.end()
    }
  }
}

function digestOf(way: PolicyWay): Uint8Array {
  const digest = policyDigest(way)
  if (digest === undefined) throw new HardkeyError('ERR_INTERNAL', 'the policy of a new key has PCRs without values')
  return digest
}

/** What the TPM made is what was asked for, but for `unique`, which it computes. */
function refuseChanged(tpm: Tpm, wanted: KeyedHashPublic, made: KeyedHashPublic): void {
  const isSame =
    made.attributes === wanted.attributes &&
    made.nameAlg === wanted.nameAlg &&
    Buffer.compare(made.authPolicy, wanted.authPolicy) === 0
  if (isSame) return
  throw new HardkeyError(
    'ERR_KEY_UNUSABLE',
    `the TPM at ${tpm.description} made a key with other attributes than it was told`,
  )
}
