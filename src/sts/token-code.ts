// The MFA code of a call. In: a checked input. Out: what goes to the endpoint, with the code asked for when it is sent.
// AWS STS API Reference 2011-06-15, TokenCode.

import type { QueryInput } from '../query/call.ts'
import type { Parameter } from '../query/form.ts'
import type { CheckedInput } from './inputs.ts'
import { invalid } from './parameter-rules.ts'

/** What goes to the endpoint; the MFA code is asked for when it is sent. */
export function queryOf({ action, parameters, mfa }: CheckedInput): QueryInput {
  if (mfa === undefined) return { action, parameters }
  const { serialNumber, tokenCode } = mfa
  const withCode = async (
    signal: AbortSignal | undefined,
  ): Promise<{ parameters: readonly Parameter[]; code: string }> => {
    const code = await tokenCode({ serialNumber, signal })
    return { parameters: withTokenCode(parameters, code), code }
  }
  return { action, parameters, withCode }
}

/**
 * The parameters with the MFA code, which the API lists after the serial number. @throws ERR_CONFIG_INVALID unless six
 * digits
 */
export function withTokenCode(parameters: readonly Parameter[], code: string): readonly Parameter[] {
  if (!/^\d{6}$/.test(code))
    throw invalid('tokenCode', 'is not six digits', 'type the six digits that the device shows')
  return parameters.flatMap((parameter): Parameter[] =>
    parameter[0] === 'SerialNumber' ? [parameter, ['TokenCode', code]] : [parameter],
  )
}
