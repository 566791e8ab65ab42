// What every parser does with an input that it does not take: it refuses it by an error of ours, on one line, which does not
// show the secret of the seeds. In: the act. Out: what it gives, or nothing where it refused so.

import { HardkeyError } from '../../src/errors.ts'

/** Stands in the seeds where a secret access key would. */
export const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKE'

/** What the act gives, or undefined where it refused as it should. `other`: what must not be shown besides. */
export function orRefused<Value>(act: () => Value, other: string = secret): Value | undefined {
  try {
    return act()
  } catch (error) {
    checkRefusal(error, other)
    return undefined
  }
}

/** The same for an error that is given and not thrown. */
export function checkRefusal(error: unknown, other: string = secret): void {
  if (!(error instanceof HardkeyError) || error.code === 'ERR_INTERNAL') throw error
  const said = `${error.message} ${error.hint ?? ''}`
  if (/[\u0000-\u001f\u007f]/.test(said)) throw new Error(`refused on more than one line: ${JSON.stringify(said)}`)
  if (error.message.length > 2001) throw new Error('refused with a message of over 2000 characters')
  for (const hidden of [secret, other]) {
    for (let at = 0; at + 12 <= hidden.length; at++) {
      if (said.includes(hidden.slice(at, at + 12))) throw new Error(`the secret stands in: ${said}`)
    }
  }
}
