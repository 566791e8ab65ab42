// A new key in a TPM. In: what an import asks for, the bytes of the key. Out: a key file or a persistent object, complete and
// with its attributes read back; or nothing at all.
// TPM 2.0 Library, Part 3, 12.1 TPM2_Create with data of the caller's, 12.2 TPM2_Load; Part 2, 8.3 TPMA_OBJECT.
// 1. The secret and the auth value cross the bus once, encrypted by a session that is salted to the parent.
// 2. fixedTPM and fixedParent are set: the key cannot leave, and TPM2_Import, which cannot set them, is not used here.
// 3. What the TPM made is loaded before anything is kept, so that a file that is written is one that this TPM takes.

import { HardkeyError } from '../../errors.ts'
import type { DeviceContext, ImportedKey, KeyInfo } from '../../key/hmac-key.ts'
import { ownCopy, Secret } from '../../key/secret.ts'
import type { KeyUri } from '../../key/uri.ts'
import { AuthValues, tooLong } from './auth-values.ts'
import { describeKey } from './describe-key.ts'
import type { KeyFileContent } from './documents/key-file.ts'
import { asHmacKey } from './documents/key-object.ts'
import { formatPcrList, type PcrEntry } from './documents/pcr.ts'
import { policyDigest } from './documents/policy.ts'
import type { PolicyWay } from './documents/policy-ways.ts'
import { type ImportTarget, keyExists, writeKeyFile } from './import-target.ts'
import { authTarget } from './key-auth.ts'
import { ownWay } from './key-policy.ts'
import { handleText, keyAddress } from './key-uri.ts'
import { authorizeParent, bringStorageKey, type StorageKey, usingParent } from './parent.ts'
import { completedPcrList, pcrStep } from './pcr-check.ts'
import { isPersistent, persist } from './persist.ts'
import { pinnedUri } from './pinned-uri.ts'
import { Stay } from './stay.ts'
import { TPM_ALG, TPM_RH, TPMA_OBJECT } from './wire/constants.ts'
import { type CreatedObject, create, load } from './wire/object-commands.ts'
import type { Entity } from './wire/plain-command.ts'
import { type KeyedHashPublic, readPublicArea } from './wire/public-area.ts'
import { Tpm } from './wire/tpm.ts'

/** The digest of nameAlg, which is the most that a TPM takes as auth value of such a key. */
const longestAuth = 32
/** 128 bits: nobody finds such a value by trying, so that no lockout is needed. */
const strongAuth = 16

interface Made extends CreatedObject {
  readonly area: KeyedHashPublic
  readonly key: Entity
  readonly parent: StorageKey
  readonly salt: StorageKey
  readonly way: PolicyWay
  readonly pcrs: readonly PcrEntry[]
}

/** What an import gives, but for its undoing. */
export type NewKeyResult = Omit<ImportedKey, 'remove'>

/** One import, from the first command to the file or handle. `run` is called once. */
export class NewKey {
  readonly #uri: KeyUri
  readonly #target: ImportTarget
  readonly #context: DeviceContext
  readonly #auths: AuthValues

  constructor(uri: KeyUri, target: ImportTarget, context: DeviceContext) {
    this.#uri = uri
    this.#target = target
    this.#context = context
    this.#auths = new AuthValues(uri, context, target.address.device)
  }

  /** @throws as `tpm2Importer().import` */
  async run(key: Secret): Promise<NewKeyResult> {
    const { signal } = this.#context
    const auth = await this.#newAuth()
    try {
      const tpm = await Tpm.open(this.#target.address.device, { signal })
      try {
        return await this.#runOn(tpm, key, auth)
      } finally {
        await tpm.close()
      }
    } finally {
      auth.wipe()
      this.#auths.wipe()
    }
  }

  async #runOn(tpm: Tpm, key: Secret, auth: Secret): Promise<NewKeyResult> {
    await this.#refuseTaken(tpm)
    const made = await this.#make(tpm, key, auth)
    const { place } = this.#target.address
    const info = await this.#describe(tpm, made)
    this.#context.signal?.throwIfAborted()
    if (place.kind === 'file') await writeKeyFile(place.path, this.#fileContent(made))
    else {
      const { key, salt } = made
      const { device } = this.#target.address
      await persist(tpm, { key, handle: place.handle, salt, auths: this.#auths, device, signal: this.#context.signal })
    }
    const waits = this.#target.office === undefined ? {} : { awaitsApproval: true }
    return { uri: this.#importedUri(made), info, ...waits }
  }

  /** The auth value of the new key, typed twice by a person; empty where it gets none. */
  async #newAuth(): Promise<Secret> {
    if (!this.#target.hasAuth) return Secret.join()
    const { pin, signal } = this.#context
    const target = authTarget(this.#target.address)
    const auth = Secret.take(await pin({ kind: 'auth value', target, isNew: true, signal }))
    if (auth.length <= longestAuth) return auth
    auth.wipe()
    throw tooLong('the key', longestAuth)
  }

  async #refuseTaken(tpm: Tpm): Promise<void> {
    const { place } = this.#target.address
    if (place.kind !== 'handle') return
    if (await isPersistent(tpm, place.handle, this.#context.signal)) {
      throw keyExists(`an object at ${handleText(place.handle)} of the TPM at ${tpm.description}`)
    }
  }

  /** TPM2_Create and TPM2_Load: what comes back is what was asked for, and this TPM takes it. */
  async #make(tpm: Tpm, key: Secret, auth: Secret): Promise<Made> {
    const { signal } = this.#context
    const { address, office, hasAuth } = this.#target
    const { parent, salt } = await this.#parentAndSalt(tpm)
    const pcrs = address.pcrs === undefined ? [] : await completedPcrList(tpm, address.pcrs, signal)
    const needsPolicy = pcrs.length > 0 || office !== undefined
    const way = needsPolicy ? ownWay(pcrs.length > 0 ? pcrStep(pcrs) : undefined, office, hasAuth) : []
    const template = this.#template(way, auth)
    const created = await this.#create(tpm, parent, salt, template, key, auth)
    const area = asHmacKey(readPublicArea(created.publicArea), 'ERR_KEY_UNUSABLE', 'the object that the TPM made')
    refuseChanged(tpm, template, area)
    const authorization = await authorizeParent(tpm, parent, { salt, auths: this.#auths, signal })
    try {
      const loaded = await load(
        tpm,
        { parent, authorization: { ...authorization, last: true }, ...created },
        { signal },
      )
      return { ...created, area, key: loaded, parent, salt, way, pcrs }
    } finally {
      await authorization.session.end()
    }
  }

  async #parentAndSalt(tpm: Tpm): Promise<{ readonly parent: StorageKey; readonly salt: StorageKey }> {
    const { address } = this.#target
    const { signal } = this.#context
    const pinned = { pinnedName: address.saltName, auths: this.#auths, signal }
    const choice = address.parent ?? 'h2'
    if (address.salt === undefined) {
      const parent = await bringStorageKey(tpm, { choice, ...pinned })
      return { parent, salt: parent }
    }
    const salt = await bringStorageKey(tpm, { choice: address.salt, ...pinned })
    return { salt, parent: await bringStorageKey(tpm, { choice, auths: this.#auths, signal }) }
  }

  /** Part 2, 8.3 TPMA_OBJECT. noDA but for a short value: that needs the lockout, and costs a try at each power cut. */
  #template(way: PolicyWay, auth: Secret): KeyedHashPublic {
    const isStrong = this.#target.isUnattended && auth.length >= strongAuth
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
    parent: StorageKey,
    salt: StorageKey,
    template: KeyedHashPublic,
    key: Secret,
    auth: Secret,
  ): Promise<CreatedObject> {
    const { signal } = this.#context
    const authorization = await authorizeParent(tpm, parent, { salt, auths: this.#auths, signal })
    const [data, userAuth] = [key.lend(ownCopy), auth.lend(ownCopy)]
    try {
      const sensitive = { userAuth, data }
      const wish = { parent, sensitive, template, authorization: { ...authorization, decrypt: true, last: true } }
      return await usingParent(tpm, parent, authorization, this.#auths, () => create(tpm, wish, { signal }))
    } finally {
      data.fill(0)
      userAuth.fill(0)
      await authorization.session.end()
    }
  }

  async #describe(tpm: Tpm, made: Made): Promise<KeyInfo> {
    const { key, parent, area, salt } = made
    const stay = new Stay(tpm, { key, parent, area, isLoaded: true }, salt)
    const address = keyAddress(this.#importedUri(made))
    const auth = this.#target.hasAuth ? 'yes' : 'no'
    const material = { ...this.#fileContent(made), object: area }
    return await describeKey(stay, { address, material, auth, describes: true, signal: this.#context.signal })
  }

  #fileContent({ private: privateArea, publicArea, parent, way }: Made): KeyFileContent {
    return {
      form: 'loadable',
      emptyAuth: !this.#target.hasAuth,
      policy: way,
      parent: parentInFile(parent),
      rsaParent: parent.choice === 'rsa-srk' ? true : undefined,
      publicArea,
      privateArea,
    }
  }

  #importedUri({ key, parent, salt, pcrs }: Made): KeyUri {
    const pinned = pinnedUri(this.#uri, { name: key.name, parent: parent.choice, salt })
    // With their values, so that an error can name the PCRs that differ.
    const query = {
      pcrs: pcrs.length === 0 ? undefined : formatPcrList(pcrs),
      auth: this.#target.hasAuth ? 'yes' : 'no',
    }
    return pinned.with({ query })
  }
}

/** The TSS2 key file draft, 3.1.8: the owner hierarchy means the H-2 template; a search finds the others. */
function parentInFile({ choice }: StorageKey): number {
  if (typeof choice === 'number') return choice
  return choice === 'rsa-ek' || choice === 'ecc-ek' ? TPM_RH.ENDORSEMENT : TPM_RH.OWNER
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
