// Errors in the words of the command line. In: a check of the library, whose errors begin with the API's name of an
// input. Out: its result, or the same error with the option that was typed in place of that name.

import { HardkeyError } from '../errors.ts'
import type { ParsedArguments } from './args.ts'

/** Options by the names of the STS API and of the record. */
const optionsByInput: Readonly<Record<string, string>> = Object.freeze({
  region: 'region',
  endpointUrl: 'endpoint-url',
  roleArn: 'role-arn',
  roleSessionName: 'role-session-name',
  externalId: 'external-id',
  durationSeconds: 'duration',
  mfaSerial: 'mfa-serial',
  serialNumber: 'mfa-serial',
  name: 'federation-name',
  policy: 'policy',
  policyArns: 'policy-arn',
  tags: 'tag',
  transitiveTagKeys: 'transitive-tag-key',
  sourceIdentity: 'source-identity',
})

/** Runs the check. A value from the record or a variable keeps the name that it has there. */
export function byOption<T>(args: ParsedArguments, check: () => T): T {
  try {
    return check()
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    // `tags[0].key has …`: entries of a list are counted from 0 in the API; the option alone says enough.
    const [, input = '', problem = ''] = /^(\w+)[\w.[\]]* (.+)$/s.exec(error.message) ?? []
    const option = Object.hasOwn(optionsByInput, input) ? optionsByInput[input] : undefined
    if (option === undefined || !args.has(option)) throw error
    const inTime = option === 'duration' ? problem.replace('whole seconds', 'seconds, or 15m and the like,') : problem
    throw new HardkeyError(error.code, `--${option} ${inTime}`, { hint: error.hint, cause: error })
  }
}
