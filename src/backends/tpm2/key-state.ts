// What an opened key knows beside its stays in the TPM. In: the key URI, the files it names. Out: what each stay and each
// use needs. No connection is held here.
// 1. What was found at the opening (the parent that fits, an auth value) is kept, so that nobody is asked twice.
// 2. Approvals are read again for each use: they are brought anew while a program runs.

import { HardkeyError } from '../../errors.ts'
import type { DeviceContext, KeyInfo } from '../../key/hmac-key.ts'
import type { KeyUri } from '../../key/uri.ts'
import { type Approvals, readApprovals } from './approvals.ts'
import { AuthValues, changedOnItsWay, isWrongAuth } from './auth-values.ts'
import type { AuthorizeWish, KeyRule } from './authorize.ts'
import { anotherKey } from './begin-stay.ts'
import { describeKey } from './describe-key.ts'
import { AskedAuth } from './key-auth.ts'
import { type KeyMaterial, readKeyMaterial } from './key-material.ts'
import { policyWays } from './key-policy.ts'
import { type KeyAddress, keyAddress, type ParentChoice } from './key-uri.ts'
import type { CallersPolicy } from './policy-session.ts'
import type { Stay, StayWish } from './stay.ts'
import { TPMA_OBJECT } from './wire/constants.ts'
import { readPublic } from './wire/object-commands.ts'
import { readPublicArea } from './wire/public-area.ts'
import { type PreparedSalt, prepareSalt, wipeSalt } from './wire/salt.ts'
import type { Session } from './wire/session.ts'
import { Tpm } from './wire/tpm.ts'

export interface KeyWish {
  readonly uri: KeyUri
  readonly context: DeviceContext
  /** A caller's own steps, in the place of every policy known here. */
  readonly policy?: CallersPolicy | undefined
  readonly commandMilliseconds?: number | undefined
  /** The TPM is asked for all that it tells of the key. */
  readonly describes: boolean
}

export class OpenKeyState {
  readonly #wish: KeyWish
  readonly #address: KeyAddress
  readonly #material: KeyMaterial | undefined
  readonly #auths: AuthValues
  readonly #auth: AskedAuth
  /** Auth value and policy are known to be wanted, or it has shown. */
  #readsPublic: boolean
  #parent: ParentChoice | undefined
  #prepared: PreparedSalt | undefined
  #provesAuth = false

  private constructor(wish: KeyWish, address: KeyAddress, material: KeyMaterial | undefined) {
    this.#wish = wish
    this.#address = address
    this.#material = material
    this.#auths = new AuthValues(wish.uri, wish.context, address.device)
    this.#auth = new AskedAuth(wish.uri, address, wish.context)
    const told = [address.pcrs, address.approvals, wish.policy].some((one) => one !== undefined)
    this.#readsPublic = wish.describes || told || this.#wantsAuth
  }

  /** Reads the files that the URI names. @throws ERR_URI_INVALID, ERR_KEY_NOT_FOUND, ERR_KEY_FILE_INVALID */
  static async read(wish: KeyWish): Promise<OpenKeyState> {
    const address = keyAddress(wish.uri)
    if (address.dateRule !== undefined) {
      throw new HardkeyError('ERR_URI_INVALID', 'date-rule in the key URI is for a key that is being made', {
        hint: 'a key with a date rule is opened with approvals=FILE',
      })
    }
    return new OpenKeyState(wish, address, await readKeyMaterial(address.place))
  }

  /** A connection; a salt is made while it opens, where the salting key is known. */
  async connect(signal: AbortSignal | undefined): Promise<Tpm> {
    const { commandMilliseconds } = this.#wish
    const opening = Tpm.open(this.#address.device, { signal, commandMilliseconds })
    try {
      this.#prepare()
      return await opening
    } catch (error) {
      this.#dropPrepared()
      await opening.then(
        (tpm) => tpm.close(),
        () => undefined,
      )
      throw error
    }
  }

  stayWish(signal: AbortSignal | undefined): StayWish {
    return {
      address: this.#address,
      material: this.#material,
      auths: this.#auths,
      parent: this.#parent,
      takePrepared: () => {
        const prepared = this.#prepared
        this.#prepared = undefined
        return prepared
      },
      readsPublic: this.#readsPublic,
      signal,
    }
  }

  /** After the first stay has begun: keeps what was found, asks for the auth value where there is one, describes the key. */
  async found(stay: Stay, signal: AbortSignal | undefined): Promise<KeyInfo> {
    if (this.#material !== undefined) this.#parent = stay.parent?.choice
    const { describes, policy } = this.#wish
    if (this.#wantsAuth) {
      await this.#auth.ask(stay)
      this.#provesAuth = this.#address.approvals === undefined && policy === undefined
    }
    const auth = this.#auth.isUnknown ? 'unknown' : this.#wantsAuth ? 'yes' : 'no'
    return await describeKey(stay, { address: this.#address, material: this.#material, auth, describes, signal })
  }

  /** An auth value was asked for, and a use of the key shows at the opening whether it is right. */
  get provesAuth(): boolean {
    return this.#provesAuth
  }

  /** Nobody has said whether the key has an auth value. */
  get mayLackAuth(): boolean {
    return this.#auth.isUnknown && !this.#wantsAuth
  }

  /** An auth value was asked for, and goes into the proof of each use. */
  get givesAuth(): boolean {
    return this.#auth.isGiven
  }

  /** What one use of the key takes. `session` is that of the stay, taken over. */
  async useWish(
    stay: Stay,
    data: Uint8Array,
    session: Session | undefined,
    signal: AbortSignal | undefined,
  ): Promise<AuthorizeWish> {
    const { tpm, key, salt } = stay
    try {
      const approvals = await this.#approvals()
      const rule = await this.#ruleOf(stay, approvals?.file, signal)
      if (rule.kind === 'auth') await this.#auth.askIfRisky(stay, this.#material?.emptyAuth)
      const auth = this.#auth.forUse(stay)
      const { pcrs } = this.#address
      return {
        tpm,
        key,
        keyName: key.name,
        salt,
        auths: this.#auths,
        rule,
        auth,
        data,
        pcrs,
        approvals,
        session,
        signal,
      }
    } catch (error) {
      await session?.end()
      throw error
    }
  }

  /**
   * True where a refusal has taught something: the key has an auth value, which was asked for now, or a policy. The next stay
   * then goes another way.
   *
   * @throws ERR_KEY_NOT_FOUND where another key is there now
   */
  async learnsFrom(error: unknown, stay: Stay, signal: AbortSignal | undefined): Promise<boolean> {
    if (!(error instanceof HardkeyError)) return false
    const isRefused = isWrongAuth(error) || error.code === 'ERR_POLICY_REFUSED'
    if (!isRefused) return false
    const isWrong = isWrongAuth(error)
    if (stay.area === undefined && isWrong) {
      // The key's Name goes into the proof, so that another key at its place looks like a wrong auth value.
      const object = await readPublic(stay.tpm, stay.key.handle, { signal })
      if (Buffer.compare(object.name, stay.key.name) !== 0) throw anotherKey(stay.tpm, stay.key.handle)
    }
    if (isWrong && this.#address.hasAuth === false) throw changedOnItsWay(stay.tpm, error)
    // A record says all of a key; a URI that a person wrote may say too little.
    if (!this.#auth.isUnknown) return false
    if (stay.area === undefined) {
      this.#readsPublic = true
      return true
    }
    if (!isWrong) return false
    await this.#auth.ask(stay)
    return true
  }

  wipe(): void {
    this.#auths.wipe()
    this.#auth.wipe()
    this.#dropPrepared()
  }

  /** The URI says that there is one: by itself, or by naming where it comes from. */
  get #wantsAuth(): boolean {
    const { uri } = this.#wish
    const hasSource = uri.has('pin-source') || uri.has('pin-value')
    return this.#address.hasAuth ?? hasSource
  }

  async #approvals(): Promise<{ file: Approvals; path: string } | undefined> {
    const path = this.#address.approvals
    return path === undefined ? undefined : { file: await readApprovals(path), path }
  }

  async #ruleOf(stay: Stay, approvals: Approvals | undefined, signal: AbortSignal | undefined): Promise<KeyRule> {
    const { policy } = this.#wish
    if (policy !== undefined) return { kind: 'caller', policy }
    const { area, parent, salt, tpm } = stay
    if (area === undefined || (area.attributes & TPMA_OBJECT.userWithAuth) !== 0) return { kind: 'auth' }
    if (area.authPolicy.length === 0) {
      throw new HardkeyError('ERR_KEY_UNUSABLE', 'nobody may use the key: userWithAuth is clear and it has no policy', {
        hint: 'check the secret in again with hardkey import',
      })
    }
    const knowledge = {
      authPolicy: area.authPolicy,
      list: this.#material?.policy ?? [],
      address: this.#address,
      office: approvals?.officeKey,
      parentNames: [(parent ?? salt).name],
    }
    return { kind: 'policy', ways: await policyWays(tpm, knowledge, signal) }
  }

  #prepare(): void {
    const { salt, parent, saltPublic } = this.#address
    if (saltPublic === undefined || typeof (salt ?? parent) !== 'number') return
    this.#dropPrepared()
    this.#prepared = prepareSalt(readPublicArea(saltPublic))
  }

  #dropPrepared(): void {
    if (this.#prepared !== undefined) wipeSalt(this.#prepared)
    this.#prepared = undefined
  }
}
