// Rules for the scripted proxy: what a TPM or the bus can do wrong, each as one function. In: command names and numbers.
// Out: a rule. The format of commands and answers: TPM 2.0 Library, Part 1, 18.

import { setTimeout as sleep } from 'node:timers/promises'
import { type CommandName, commandCodes, type Reply, type Rule } from './tpm-proxy.ts'

const headerBytes = 10
const noSessions = 0x8001
/** TPM_RC_COMMAND_CODE. TPM 2.0 Library, Part 2, 6.6.3. */
const commandNotThere = 0x143

/** An answer that is a response code and nothing else. */
export function codeAnswer(responseCode: number): Buffer {
  const answer = Buffer.alloc(headerBytes)
  answer.writeUInt16BE(noSessions, 0)
  answer.writeUInt32BE(headerBytes, 2)
  answer.writeUInt32BE(responseCode, 6)
  return answer
}

/** The first n of them. */
export const first =
  (count: number) =>
  (nth: number): boolean =>
    nth <= count

type Names = CommandName | readonly CommandName[] | '*'

function codesOf(names: Names): Pick<Rule, 'codes'> {
  if (names === '*') return {}
  return { codes: [names].flat().map((name) => commandCodes[name]) }
}

/** The TPM is not asked; the client gets this code. */
export function refuse(names: Names, responseCode: number, which?: Rule['which']): Rule {
  return { ...codesOf(names), which, act: async () => ({ bytes: codeAnswer(responseCode) }) }
}

/** The TPM does it; the client gets this code all the same. */
export function deny(names: Names, responseCode: number, which?: Rule['which']): Rule {
  return changed(names, () => ({ bytes: codeAnswer(responseCode) }), which)
}

/** The answer comes late. */
export function delay(names: Names, milliseconds: number, which?: Rule['which']): Rule {
  const act: Rule['act'] = async (command, forward) => {
    const bytes = await forward(command)
    await sleep(milliseconds)
    return { bytes }
  }
  return { ...codesOf(names), which, act }
}

/** The command arrives, and no answer ever comes. */
export function silence(names: Names, which?: Rule['which']): Rule {
  return changed(names, () => undefined, which)
}

/** So many bytes of the answer, and then the connection ends; the TPM has done what it was told. */
export function cut(names: Names, bytes: number, which?: Rule['which']): Rule {
  return changed(names, (answer) => ({ bytes: answer.subarray(0, bytes), thenClose: true }), which)
}

/** More bytes behind the answer than its size says. */
export function lengthen(names: Names, bytes: number, which?: Rule['which']): Rule {
  return changed(names, (answer) => ({ bytes: Buffer.concat([answer, Buffer.alloc(bytes, 0x55)]) }), which)
}

/** More bytes at the end of the answer, and its size says so. */
export function pad(names: Names, bytes: number, which?: Rule['which']): Rule {
  const padded = (answer: Buffer): Reply => {
    const longer = Buffer.concat([answer, Buffer.alloc(bytes, 0x55)])
    longer.writeUInt32BE(longer.length, 2)
    return { bytes: longer }
  }
  return changed(names, padded, which)
}

/** Another size in the header. */
export function resize(names: Names, size: number, which?: Rule['which']): Rule {
  return changed(names, (answer) => ({ bytes: withWord(answer, 2, size) }), which)
}

/** Another tag in the header. */
export function retag(names: Names, tag: number, which?: Rule['which']): Rule {
  const tagged = (answer: Buffer): Reply => {
    const copy = Buffer.from(answer)
    copy.writeUInt16BE(tag, 0)
    return { bytes: copy }
  }
  return changed(names, tagged, which)
}

/** One bit of the answer is another; a negative place counts from the end. */
export function flip(names: Names, place: number, which?: Rule['which']): Rule {
  const flipped = (answer: Buffer): Reply => {
    const copy = Buffer.from(answer)
    const at = place < 0 ? copy.length + place : place
    copy.writeUInt8(copy.readUInt8(at) ^ 1, at)
    return { bytes: copy }
  }
  return changed(names, flipped, which)
}

/** The TPM is not asked; the client gets the first answer that was recorded for this command. */
export function replay(names: Names, which?: Rule['which']): Rule {
  const act: Rule['act'] = async (command, forward, earlier) => {
    const code = command.readUInt32BE(6)
    const old = earlier.find((one) => one.code === code && one.answer !== undefined)?.answer
    return { bytes: old ?? (await forward(command)) }
  }
  return { ...codesOf(names), which, act }
}

/** A TPM that has no TPM2_HMAC: it is neither listed nor done. */
export function withoutHmac(): readonly Rule[] {
  const hide: Rule['act'] = async (command, forward) => ({ bytes: withoutListing(await forward(command)) })
  return [refuse('HMAC', commandNotThere), { codes: [commandCodes.GetCapability], act: hide }]
}

/** Takes TPM2_HMAC out of TPML_CCA. TPM 2.0 Library, Part 2, 10.10.1; TPM_CAP_COMMANDS is 2. */
function withoutListing(answer: Buffer): Buffer {
  if (answer.readUInt32BE(6) !== 0 || answer.readUInt32BE(11) !== 2) return answer
  const count = answer.readUInt32BE(15)
  const entries = Array.from({ length: count }, (_, index) => answer.subarray(19 + 4 * index, 23 + 4 * index))
  // The low 16 bits of TPMA_CC are the command.
  const others = entries.filter((entry) => entry.readUInt16BE(2) !== commandCodes.HMAC)
  const shorter = Buffer.concat([answer.subarray(0, 19), ...others])
  return withWord(withWord(shorter, 2, shorter.length), 15, others.length)
}

function changed(names: Names, change: (answer: Buffer) => Reply, which?: Rule['which']): Rule {
  return { ...codesOf(names), which, act: async (command, forward) => change(await forward(command)) }
}

function withWord(bytes: Buffer, at: number, word: number): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt32BE(word, at)
  return copy
}
