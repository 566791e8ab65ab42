// A policy for a person to read. In: the steps of one way to satisfy it. Out: one phrase for each step that asks for
// something. TPM 2.0 Library, Part 3, section 23; words of the house for what each command demands.

import { TPM_CC, TPM_RH } from '../wire/constants.ts'
import { hexOf, nameOf } from '../wire/public-area.ts'
import { entriesOf, formatPcrList } from './pcr.ts'
import type { PolicyStep } from './policy.ts'
import type { PolicyWay } from './policy-ways.ts'

/** Phrases such as "sha256:7,23 hold the values the key was bound to", in the order of the steps. */
export function policyWords(way: PolicyWay): readonly string[] {
  return way.map(stepWords)
}

function stepWords(step: PolicyStep): string {
  switch (step.kind) {
    case 'pcr':
      return `PCRs ${formatPcrList(entriesOf(step.selections))} hold the values that the key was bound to`
    case 'authValue':
      return 'the auth value of the key is known'
    case 'secret':
      return `the auth value of ${entityWords(step.entityName)} is known`
    case 'signed':
      return `the key with the Name ${hexText(nameOf(step.key))} has signed for it`
    case 'commandCode':
      return `the command is ${commandWords(step.code)}`
    case 'cpHash':
      return `the command's parameters have the hash ${hexText(step.cpHash)}`
    case 'duplicationSelect':
      return `the key is moved under the parent with the Name ${hexText(step.newParentName)}`
    case 'or':
      return `this is one of ${step.digests.length} ways`
  }
}

function entityWords(name: Uint8Array): string {
  if (name.length !== 4) return `the entity with the Name ${hexText(name)}`
  const handle = Buffer.from(name).readUInt32BE()
  switch (handle) {
    case TPM_RH.OWNER:
      return 'the owner hierarchy'
    case TPM_RH.ENDORSEMENT:
      return 'the endorsement hierarchy'
    case TPM_RH.PLATFORM:
      return 'the platform hierarchy'
    case TPM_RH.LOCKOUT:
      return 'the lockout hierarchy'
    default:
      return `the entity ${hexOf(handle, 8)}`
  }
}

function commandWords(code: number): string {
  const name = Object.entries(TPM_CC).find(([, number]) => number === code)?.[0]
  return name === undefined ? `command ${hexOf(code, 8)}` : `TPM2_${name}`
}

function hexText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
