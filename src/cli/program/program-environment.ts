// The environment of the program that `hardkey exec` runs. In: ours, and where the program finds its credentials. Out: its
// own, in which no other identity is left and nothing that unlocks a device.
// AWS SDKs and Tools Reference Guide, "Credential provider chain": in each SDK variables and the default profile come before
// the container endpoint, and the SDKs disagree about the other variables of that endpoint, so only two are left.

import { variablesOf } from '../../key/pin-source.ts'
import type { KeyUri } from '../../key/uri.ts'
import { regionVariables } from './credential-variables.ts'

type Variables = Readonly<Record<string, string>>

/** What the program is told. */
export interface ProgramSurroundings {
  /** HARDKEY_NAME, for the prompt of a shell. */
  readonly name: string
  /** How its URI says the device is unlocked: variables that it names are withheld. */
  readonly uri: KeyUri
  readonly region: string | undefined
  /** By which the program gets its credentials. */
  readonly credentials: Variables
}

/**
 * Who signs, by any SDK or the AWS CLI: keys, profiles, roles, endpoints of credentials, bearer tokens. AMAZON_ is read by the
 * SDK for Ruby, EC2_ by Ansible.
 */
const identities =
  /^AWS_(?:ACCESS_KEY(?:_ID)?|SECRET_(?:ACCESS_)?KEY|SESSION_TOKEN|SECURITY_TOKEN|CREDENTIAL_\w+|(?:DEFAULT_)?PROFILE|ACCOUNT_ID|WEB_IDENTITY_TOKEN_FILE|ROLE_ARN|ROLE_SESSION_NAME|CONTAINER_\w+|EC2_METADATA_\w+|BEARER_TOKEN_\w+)$|^AMAZON_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)$|^EC2_(?:ACCESS_KEY|SECRET_KEY|SECURITY_TOKEN)$/

/** Of ours those are kept that name folders, files and programs; Vault's and OpenBao's may open the key itself. */
const secrets =
  /^(?:_?HARDKEY_(?!(?:HOME|CACHE_DIR|ACCOUNT|ASKPASS|PINENTRY)$)\w+|(?:BAO|VAULT)_\w*(?:TOKEN|SECRET|PASSWORD|JWT|KEY_BYTES)\w*)$/

/** The variables of the program. */
export function programEnvironment(
  ours: Variables,
  { name, uri, region, credentials }: ProgramSurroundings,
): Variables {
  const unlocking = variablesOf(uri)
  const isWithheld = (variable: string): boolean => {
    // Names are not case-sensitive on Windows.
    const upper = variable.toUpperCase()
    return identities.test(upper) || secrets.test(upper) || unlocking.includes(variable)
  }
  const kept = Object.entries(ours).filter(([variable]) => !isWithheld(variable))
  return {
    ...Object.fromEntries(kept),
    ...regionVariables(region),
    // Where our credentials cannot be had, those of the machine must not sign.
    AWS_EC2_METADATA_DISABLED: 'true',
    HARDKEY_NAME: name,
    ...withoutProxy(ours),
    ...credentials,
  }
}

/** Both spellings, since programs read one of them; the SDK for Python sends requests to an endpoint through HTTP_PROXY. */
function withoutProxy({ NO_PROXY, no_proxy }: Variables): Variables {
  const added = (list = ''): string => {
    const hosts = list.split(',').map((host) => host.trim())
    // Alone it means every host; in a list it means nothing to some.
    if (list.trim() === '*') return list
    return [...new Set([...hosts, '127.0.0.1', 'localhost'])].filter((host) => host !== '').join(',')
  }
  return { NO_PROXY: added(NO_PROXY ?? no_proxy), no_proxy: added(no_proxy ?? NO_PROXY) }
}
