// The way to a TPM: one command in, one answer out, as bytes. In: a TpmAddress. Out: a TpmTransport.
// TPM 2.0 Library, Part 1, section "Command and Response Structure".
// 1. One command is under way at a time; the owner of the transport puts them in order.
// 2. After a deadline, an abort or an answer that cannot be right a transport is broken: it is closed and refuses further
//    use, since a late answer would be taken for that to the next command.

import { DeviceTransport } from './device-transport.ts'
import type { TimeLimit } from './in-time.ts'
import { SocketTransport } from './socket-transport.ts'
import { describeTpmAddress, type TpmAddress } from './tcti.ts'

/** Carries commands to one TPM. It knows nothing of what they mean. */
export interface TpmTransport {
  /** For messages: `/dev/tpmrm0`, `127.0.0.1:2321`. */
  readonly description: string
  /** True once nothing can be sent any more: the other side has gone, or an answer did not come or was wrong. */
  readonly isBroken: boolean
  /**
   * Sends one whole command and returns one whole answer, its size checked against its header. The command's bytes must
   * stay as they are until then.
   *
   * @throws ERR_TIMEOUT, ERR_DEVICE_UNAVAILABLE where the TPM is gone, ERR_DEVICE_FAILED for an answer that cannot be
   * right, and the signal's reason
   */
  transmit(command: Uint8Array, limit: TimeLimit): Promise<Uint8Array>
  /** Gives the TPM back. May be called again; never throws. */
  close(): Promise<void>
}

/**
 * Opens the way to a TPM. Nothing is sent.
 *
 * @throws ERR_DEVICE_UNAVAILABLE, ERR_TIMEOUT, and the signal's reason
 */
export async function openTransport(address: TpmAddress, limit: TimeLimit): Promise<TpmTransport> {
  const description = describeTpmAddress(address)
  if (address.kind === 'device') return await DeviceTransport.open(address.path, limit)
  const target = address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port }
  return await SocketTransport.connect(target, description, limit)
}
