// What a TPM says of itself, asked in raw bytes and read without any code of hardkey: handles in use, the counter of
// wrong auth values, PCRs. In: a way to send a command. Out: numbers. TPM 2.0 Library, Part 3, 30.2 TPM2_GetCapability.

/** Anything that brings a command to the TPM and its answer back: swtpm itself, or the proxy in front of it. */
export interface TpmSender {
  send(command: Uint8Array): Promise<Buffer>
}

/** First handle of each kind. TPM 2.0 Library, Part 2, 7.4 TPM_RH. */
export const firstHandles = {
  loadedSessions: 0x02000000,
  savedSessions: 0x03000000,
  transient: 0x80000000,
  persistent: 0x81000000,
} as const

const capabilityHandles = 1
const capabilityProperties = 6
/** TPM_PT_LOCKOUT_COUNTER. TPM 2.0 Library, Part 2, 6.13. */
const lockoutCounterProperty = 0x20e

/** The handles of a kind that are in use. */
export async function handlesOf(tpm: TpmSender, kind: keyof typeof firstHandles): Promise<readonly number[]> {
  const answer = await capability(tpm, capabilityHandles, firstHandles[kind], 254)
  const count = answer.readUInt32BE(15)
  return Array.from({ length: count }, (_, index) => answer.readUInt32BE(19 + 4 * index))
}

/** What a client that ends in order leaves: nothing but persistent objects. */
export async function leftInTpm(tpm: TpmSender): Promise<readonly string[]> {
  const kinds = ['loadedSessions', 'savedSessions', 'transient'] as const
  const left: string[] = []
  for (const kind of kinds) {
    for (const handle of await handlesOf(tpm, kind)) left.push(`${kind} 0x${handle.toString(16)}`)
  }
  return left
}

/** How many wrong auth values the TPM has counted against the lockout. */
export async function wrongAuthCount(tpm: TpmSender): Promise<number> {
  const answer = await capability(tpm, capabilityProperties, lockoutCounterProperty, 1)
  if (answer.readUInt32BE(19) !== lockoutCounterProperty) throw new Error('the TPM does not tell its lockout counter')
  return answer.readUInt32BE(23)
}

async function capability(tpm: TpmSender, kind: number, property: number, count: number): Promise<Buffer> {
  const command = Buffer.alloc(22)
  command.writeUInt16BE(0x8001, 0)
  command.writeUInt32BE(22, 2)
  for (const [index, word] of [0x17a, kind, property, count].entries()) command.writeUInt32BE(word, 6 + 4 * index)
  for (let tries = 0; tries < 10; tries += 1) {
    const answer = await tpm.send(command)
    if (answer.readUInt32BE(6) === 0) return answer
  }
  throw new Error('the TPM does not tell its capabilities')
}
