// The chain of keys in formulas, for a person. In: date, region, service. Out: the five HMACs in their order, the first of
// which is the device's. Computes nothing. AWS General Reference, Signature Version 4, steps 3 and 4.

/** One HMAC: what comes out, and of what. */
export interface ChainFormula {
  readonly name: 'DateKey' | 'RegionKey' | 'ServiceKey' | 'SigningKey' | 'signature'
  readonly formula: string
}

/** @param date "YYYYMMDD" */
export function chainFormulas(date: string, region: string, service: string): readonly ChainFormula[] {
  return [
    { name: 'DateKey', formula: `HMAC("AWS4" + secret, "${date}")` },
    { name: 'RegionKey', formula: `HMAC(DateKey, "${region}")` },
    { name: 'ServiceKey', formula: `HMAC(RegionKey, "${service}")` },
    { name: 'SigningKey', formula: 'HMAC(ServiceKey, "aws4_request")' },
    { name: 'signature', formula: 'HMAC(SigningKey, string to sign)' },
  ]
}
