// Where an endpoint and a run program get their credentials. In: a role, or none. Out: credentials that are good now. The
// endpoint knows this contract and no device; what is behind it (a record, a cache, STS) is the command's.

import type { TemporaryCredentials } from '../sts/answer.ts'

export interface SessionSource {
  /**
   * The role that is given without asking for one; undefined for a session of the user itself.
   */
  readonly roleArn: string | undefined
  /**
   * Good credentials: of `roleArn`, which must be a role that this source lists, or its own without one. However many ask
   * at once, one session is fetched; the old one is given while it is good and another is on its way.
   *
   * @throws ERR_CONFIG_INVALID for a role that is not listed, before a device or STS is asked; what `stsClient` and
   * `openKey` throw, where no good session is left; the signal's reason, while the fetch goes on for the others
   */
  credentials(roleArn?: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<TemporaryCredentials>
  /** Wipes what it remembers of PINs and ends what is under way. May be called again; never throws. */
  close(): Promise<void>
}
