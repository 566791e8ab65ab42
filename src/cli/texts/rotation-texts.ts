// What a rotation says. In: steps, questions and the outcome. Out: lines for a person, JSON for a program, and the exit
// status.

import {
  type RotationOutcome,
  type RotationQuestion,
  type RotationStep,
  timeText,
} from '../../lifecycle/rotation-parts.ts'
import type { CommandContext } from '../command.ts'
import { pairLines } from './table-lines.ts'

/** Each step when it is done. */
export const stepTexts: Readonly<Record<RotationStep, string>> = Object.freeze({
  journal: 'wrote the journal',
  list: 'looked at the keys of the user',
  create: 'made an access key at AWS',
  import: 'put it into the device, read its attributes back and compared it',
  prove: 'STS knows the new key, signed by the device',
  switch: 'the record names the other key',
  deactivate: 'the old access key is inactive',
  delete: 'the old access key is deleted at AWS',
  remove: 'the old key is gone from the device',
  activate: 'the old access key is active again',
  discard: 'a key that nobody uses is deleted',
})

/** The question without its mark. */
export function questionText(question: RotationQuestion): string {
  switch (question.about) {
    case 'end at once':
      return (
        `URLs presigned by ${question.accessKeyId} and programs that hold it end today (--overlap 7d keeps them); ` +
        'rotate now'
      )
    case 'orphan':
      return (
        `${question.key.accessKeyId} was made ${timeText(question.key.created)}, when a rotation was cut off, or by somebody ` +
        'else, and was never used; delete it'
      )
    case 'delete': {
      const { accessKeyId, retired, use } = question
      const last =
        use.date === undefined ? 'never used' : `last used ${timeText(use.date)} by ${use.service} in ${use.region}`
      return `${accessKeyId} is inactive since ${retired} and was ${last}; delete it for ever, at AWS and in the device`
    }
  }
}

/** Prints the outcome; gives the exit status. */
export function tellOutcome({ args, output, report }: CommandContext, name: string, outcome: RotationOutcome): number {
  const { state, switched, record, old, ended } = outcome
  const { accessKeyId } = record
  if (args.has('json')) {
    const other =
      old === undefined ? null : { accessKeyId: old.accessKeyId, active: old.isActive, until: timeText(old.until) }
    output.json({ name, state, switched, accessKeyId, record, old: other })
  } else {
    const end = old?.isActive === true ? 'active, to be switched off after' : 'inactive, to be deleted after'
    output.line(
      pairLines([
        ['rotation', `${name}: ${stateTexts[state]}`],
        ['access key ID', accessKeyId],
        [
          'old key',
          old === undefined ? ended && `${ended}, deleted` : `${old.accessKeyId}, ${end} ${timeText(old.until)}`,
        ],
      ]).join('\n'),
    )
  }
  if (old !== undefined) {
    const daily = 'or daily, by a timer, with --if-older-than 90d --yes'
    report.next(`hardkey rotate ${name} --resume, after ${timeText(old.until)}, ${daily}`)
  } else if (switched) report.next(`hardkey whoami ${name}`)
  return state === 'declined' ? 1 : 0
}

const stateTexts: Readonly<Record<RotationOutcome['state'], string>> = Object.freeze({
  'not due': 'not due, nothing was done',
  declined: 'nothing was deleted or begun',
  waiting: 'the new key is in use, the old one stays for a while',
  ended: 'the old key is gone',
  undone: 'taken back, the old key is in use',
  'nothing to resume': 'there is none under way',
})
