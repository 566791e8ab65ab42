// The frame of an answer. In: the first bytes that came from a TPM. Out: how long the answer is, or why it is none.
// TPM 2.0 Library, Part 1, section "Response Header": tag (2 bytes), size (4), response code (4), all big-endian.

import { HardkeyError } from '../../../errors.ts'
import { TPM_ST } from './constants.ts'

/** Bytes of the header of commands and answers. */
export const headerSize = 10

/** The longest command and answer: MAX_RESPONSE_SIZE of every TPM known, and what one read of a device asks for. */
export const longestAnswer = 4096

/**
 * The length that the header says, 10 to 4096; undefined where the header is not whole yet.
 *
 * @throws ERR_DEVICE_FAILED for a tag or a size that no answer has
 */
export function answerSize(bytes: Uint8Array, device: string): number | undefined {
  const [tagHigh = 0, tagLow = 0, a = 0, b = 0, c = 0, d = 0] = bytes
  if (bytes.length < headerSize) return undefined
  const tag = tagHigh * 0x100 + tagLow
  // RSP_COMMAND is how a TPM 2.0 answers a command with the tag of a TPM 1.2; a TPM 1.2 answers us like that.
  if (tag !== TPM_ST.SESSIONS && tag !== TPM_ST.NO_SESSIONS && tag !== TPM_ST.RSP_COMMAND) {
    throw answerError(device, `with the tag 0x${tag.toString(16).padStart(4, '0')}`)
  }
  const size = ((a * 0x100 + b) * 0x100 + c) * 0x100 + d
  if (size < headerSize || size > longestAnswer) throw answerError(device, `with a size of ${size}`)
  return size
}

/** The answer cannot be one of a TPM. `how` follows "answered". */
export function answerError(device: string, how: string): HardkeyError {
  return new HardkeyError('ERR_DEVICE_FAILED', `the TPM at ${device} answered ${how}, which no TPM does`, {
    hint: 'is it a TPM 2.0, and nothing in between that changes its answers?',
  })
}
