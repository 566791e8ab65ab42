// What a stop list says. In: the list, and what came of it where it was carried out. Out: numbered steps for a person, JSON for a
// program; commands that a POSIX shell takes as they stand.

import { timeText } from '../../lifecycle/rotation-parts.ts'
import type { StopList, StopOutcome, StopStep } from '../../lifecycle/stop-list.ts'
import type { CommandContext } from '../command.ts'
import { shellLine } from './shell-word.ts'
import { pairLines } from './table-lines.ts'

/** Prints the list in order; without outcomes nothing was done. */
export function tellStopList(
  { args, output }: CommandContext,
  { until, steps, byHand }: StopList,
  outcomes: readonly StopOutcome[] = [],
): void {
  const outcomeOf = (step: StopStep): StopOutcome | undefined => outcomes.find((outcome) => outcome.step === step)
  if (args.has('json')) {
    const json = (step: StopStep) => jsonOf(step, outcomeOf(step))
    output.json({ sessionsBefore: timeText(until), steps: steps.map(json), byHand: byHand.map(json) })
    return
  }
  const blocks = steps.map((step, index) => block(`${index + 1}.`, step, outcomeOf(step)))
  const later = byHand.map((step) => block('-', step, undefined))
  output.line([...blocks, 'afterwards, by hand:', ...later].join('\n'))
}

const titles: Readonly<Record<StopStep['id'], string>> = Object.freeze({
  'access-key': 'switch the access key off',
  'user-sessions': 'end the sessions of the user',
  'role-sessions': 'end the sessions of a role',
  'kept-sessions': 'forget the sessions on this machine',
  'look-up': 'look at what was done with it',
  deletion: 'delete the access key',
  device: 'take the key out of the device',
  links: 'end presigned URLs',
})

function block(mark: string, step: StopStep, outcome: StopOutcome | undefined): string {
  const { id, effect, otherwise, command } = step
  const lines = pairLines([
    ['effect', effect],
    ['otherwise', otherwise],
    ['command', shellLine(command)],
    ['result', outcome && resultText(outcome)],
  ])
  return [`${mark} ${titles[id]}`, ...lines.map((line) => `   ${line}`)].join('\n')
}

function resultText({ failure }: StopOutcome): string {
  if (failure === undefined) return 'done'
  const { message, hint } = failure
  return `not done: ${message}${hint === undefined ? '' : ` (${hint})`}`
}

function jsonOf({ id, effect, otherwise, command, iam }: StopStep, outcome: StopOutcome | undefined): object {
  const { failure } = outcome ?? {}
  return {
    id,
    effect,
    otherwise: otherwise ?? null,
    command: shellLine(command),
    right: iam?.right ?? null,
    done: outcome === undefined ? null : failure === undefined,
    error: failure === undefined ? null : { code: failure.code, message: failure.message },
  }
}
