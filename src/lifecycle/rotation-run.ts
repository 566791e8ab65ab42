// One run of a rotation: its parts, its keys and its journal. In: parts. Out: what the steps share. Whoever makes a run
// closes its keys.

import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { HardkeyError } from '../errors.ts'
import type { KeyUri } from '../key/uri.ts'
import type { KeyRecord } from '../profiles/record.ts'
import { replaceRecord } from '../profiles/record-store.ts'
import { type Rotation, writeJournal } from './rotation-journal.ts'
import { RotationKeys } from './rotation-keys.ts'
import type { RotationParts, RotationStep } from './rotation-parts.ts'

export class RotationRun {
  readonly parts: RotationParts
  readonly keys: RotationKeys
  /** Of the record. */
  readonly path: string
  readonly folder: string
  /** A key that this run has deleted; IAM may go on listing it for some seconds. */
  discarded: string | undefined

  constructor(parts: RotationParts) {
    this.parts = parts
    this.keys = new RotationKeys(parts)
    this.path = parts.stored.path
    this.folder = dirname(this.path)
  }

  /** For calls of a client. */
  get options(): { readonly signal: AbortSignal | undefined } {
    return { signal: this.parts.signal }
  }

  done(step: RotationStep): void {
    this.parts.onDone?.(step)
  }

  /** Writes the journal, on the disk when it returns, and gives it back. */
  async write(rotation: Rotation): Promise<Rotation> {
    this.parts.signal?.throwIfAborted()
    await writeJournal(this.path, rotation)
    return rotation
  }

  /** Lets the record name the key of another one. Its settings stay, as they are by now. */
  async replaceRecord({ accessKeyId, uri, protection, created, made, check }: KeyRecord): Promise<void> {
    const of = { accessKeyId, uri, protection, created, made, check }
    await replaceRecord(this.path, { ...this.parts.stored.record, ...of })
  }

  /** Removes a key of this rotation from the device; one that is not there any more is gone. `damaged`: a file that is no key. */
  async removeFromDevice(uri: KeyUri, damaged: 'goes' | 'stays' = 'stays'): Promise<void> {
    const { entry, forThisRun, pin, signal } = this.parts
    const place = await forThisRun(uri)
    const importer = await (await entry(place)).importer()
    try {
      await importer.remove(place, { pin: pin.source, signal })
    } catch (error) {
      if (!(error instanceof HardkeyError)) throw error
      const { code, message } = error
      if (code === 'ERR_KEY_NOT_FOUND') return
      const file = uri.get('file')
      if (code !== 'ERR_KEY_FILE_INVALID' || file === undefined) throw error
      if (damaged === 'goes') return await rm(file)
      throw new HardkeyError(code, message, { hint: 'it is damaged, or of somebody else: remove it', cause: error })
    }
  }
}
