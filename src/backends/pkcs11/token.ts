// Which token is meant, and what it says of itself. In: the tokens of a module and an address. Out: exactly one token.
// Nothing here touches a device. RFC 7512, section 2.3; OASIS PKCS#11 Specification 3.1, section 3.2 (CK_TOKEN_INFO).

import { HardkeyError, onOneLine } from '../../errors.ts'
import { KeyUri } from '../../key/uri.ts'
import type { TokenAddress } from './address.ts'
import { tokenFlags } from './constants.ts'
import type { LibraryInfo, TokenInfo } from './messages.ts'

const noToken = 'the module sees no token; what sets it up may be wrong, as SOFTHSM2_CONF for SoftHSM'

/**
 * The one token that matches.
 *
 * @throws ERR_DEVICE_UNAVAILABLE where none does, ERR_KEY_AMBIGUOUS where several do; the hint lists what is there
 */
export function chooseToken(address: TokenAddress, tokens: readonly TokenInfo[], library: LibraryInfo): TokenInfo {
  const found = matchingTokens(address, tokens, library)
  const [token, second] = found
  const wanted = describeAddress(address)
  if (token === undefined) {
    const there = tokens.filter(isInitialized).map(describeToken)
    throw new HardkeyError('ERR_DEVICE_UNAVAILABLE', `${wanted} is not there`, {
      hint: there.length === 0 ? noToken : `the module sees ${there.join(', ')}`,
    })
  }
  if (second !== undefined) {
    throw new HardkeyError('ERR_KEY_AMBIGUOUS', `${found.length} tokens match ${wanted}`, {
      hint: `add ;serial= to the key URI: ${found.map(describeToken).join(', ')}`,
    })
  }
  return token
}

/** Every token that matches and is initialised, in the module's order. */
export function matchingTokens(
  address: TokenAddress,
  tokens: readonly TokenInfo[],
  library: LibraryInfo,
): readonly TokenInfo[] {
  const agrees = (wanted: string | undefined, has: string) => wanted === undefined || wanted === has
  const isLibrary =
    agrees(address.libraryManufacturer, library.manufacturer) &&
    agrees(address.libraryDescription, library.description) &&
    [undefined, library.version].includes(fullVersion(address.libraryVersion))
  // A slot's index counts every token, as the tools that write it do.
  return tokens.filter(
    (token, index) =>
      isLibrary &&
      isInitialized(token) &&
      (address.slotIndex === undefined || address.slotIndex === index) &&
      agrees(address.slotId, token.slotId) &&
      agrees(address.slotDescription, token.slotDescription) &&
      agrees(address.slotManufacturer, token.slotManufacturer) &&
      agrees(address.label, token.label) &&
      agrees(address.manufacturer, token.manufacturer) &&
      agrees(address.model, token.model) &&
      agrees(address.serial, token.serial),
  )
}

/** The address of this very token, wherever it is plugged in next: the slot may be another one then. */
export function addressOf(token: TokenInfo, address: TokenAddress): TokenAddress {
  const { label, manufacturer, model, serial } = token
  return { ...address, label, manufacturer, model, serial, slotId: undefined, slotIndex: undefined }
}

/** A URI that names the token and the module, and no key. */
export function uriOf(token: TokenInfo, modulePath: string): KeyUri {
  const { label, manufacturer, model, serial } = token
  const told = Object.entries({ token: label, serial, manufacturer, model }).filter(([, value]) => value !== '')
  return KeyUri.of('pkcs11', Object.fromEntries(told), { 'module-path': modulePath })
}

/** `token "prod" (serial 4711, SoftHSM v2)` */
export function describeToken(token: TokenInfo): string {
  const facts = [token.serial === '' ? '' : `serial ${token.serial}`, token.model].filter((fact) => fact !== '')
  const name = `token "${token.label}"`
  return onOneLine(facts.length === 0 ? name : `${name} (${facts.join(', ')})`)
}

export function hasFlag(token: TokenInfo, flag: keyof typeof tokenFlags): boolean {
  return (token.flags & tokenFlags[flag]) !== 0
}

/**
 * Refuses a login that could lock the token: a locked PIN, the last try, and after a wrong PIN every try that no
 * person watches over, unless that is agreed to.
 *
 * @throws ERR_PIN_LOCKED
 */
export function refuseRiskyLogin(token: TokenInfo, isAgreed: boolean): void {
  const device = describeToken(token)
  if (hasFlag(token, 'CKF_USER_PIN_LOCKED')) {
    throw new HardkeyError('ERR_PIN_LOCKED', `the PIN of ${device} is locked`, {
      hint: 'the security officer must set a new PIN (pkcs11-tool --init-pin)',
      serviceCode: 'CKF_USER_PIN_LOCKED',
    })
  }
  if (hasFlag(token, 'CKF_USER_PIN_FINAL_TRY')) {
    throw new HardkeyError('ERR_PIN_LOCKED', `the next wrong PIN would lock ${device}, so none was tried`, {
      hint: 'log in once by hand with the right PIN (pkcs11-tool --login --test), which sets the count back',
      serviceCode: 'CKF_USER_PIN_FINAL_TRY',
    })
  }
  if (hasFlag(token, 'CKF_USER_PIN_COUNT_LOW') && !isAgreed) {
    throw new HardkeyError('ERR_PIN_LOCKED', `a wrong PIN was given to ${device} before, so none was tried again`, {
      hint: 'check the pin-source, then log in once by hand (pkcs11-tool --login --test) or with pin-source=prompt:',
      serviceCode: 'CKF_USER_PIN_COUNT_LOW',
    })
  }
}

function isInitialized(token: TokenInfo): boolean {
  // Old modules do not set the flag; an initialised token has a label.
  return hasFlag(token, 'CKF_TOKEN_INITIALIZED') || token.label !== ''
}

/** RFC 7512: a missing minor version is 0. */
function fullVersion(version: string | undefined): string | undefined {
  return version === undefined || version.includes('.') ? version : `${version}.0`
}

function describeAddress(address: TokenAddress): string {
  const facts = [
    address.serial === undefined ? '' : `serial ${address.serial}`,
    address.model ?? '',
    address.slotId === undefined ? '' : `slot ${address.slotId}`,
    address.slotIndex === undefined ? '' : `slot index ${address.slotIndex}`,
  ].filter((fact) => fact !== '')
  const name = address.label === undefined ? 'the token' : `token "${address.label}"`
  return facts.length === 0 ? name : `${name} (${facts.join(', ')})`
}
