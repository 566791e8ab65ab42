// A `vault:` key URI with what the variables of Vault and OpenBao say. In: a URI and the environment. Out: the URI with its
// address, CA, client certificate and namespace where it had none, each noted; and options that no URI holds.

import { readAddresses } from '../../backends/vault/address.ts'
import type { VaultOptions } from '../../backends/vault/backend.ts'
import { HardkeyError } from '../../errors.ts'
import type { KeyUri } from '../../key/uri.ts'
import type { CommandContext } from '../command.ts'
import type { VaultSetting } from '../settings/vault-variables.ts'

/** Where the kubelet puts a pod's token. */
const podToken = 'file:/var/run/secrets/kubernetes.io/serviceaccount/token'

/**
 * The URI as this run uses it. A record has its own address and namespace: `isRecord` keeps those.
 * @throws ERR_CONFIG_INVALID where a variable switches verification off
 */
export function withVault(context: CommandContext, uri: KeyUri, isRecord: boolean): KeyUri {
  if (uri.scheme !== 'vault') return uri
  const { vault } = context.environment
  if (vault.refused !== undefined) throw refused(vault.refused)
  const isNamed = uri.has('address')
  const fromHere = isNamed ? uri : filled(context, uri, { address: vault.address })
  const placed = isRecord && isNamed ? fromHere : filled(context, fromHere, { namespace: vault.namespace })
  const addsToken = vault.isAgent && !isNamed && vault.tokenVariable === undefined
  return withLogin(context, withTrust(context, placed), addsToken)
}

/** The same of a `tink:` URI whose keyset a transit key opens; `kek` names the server. */
export function withTransit(context: CommandContext, uri: KeyUri, isRecord: boolean): KeyUri {
  const { vault } = context.environment
  if (vault.refused !== undefined) throw refused(vault.refused)
  return withTrust(context, isRecord ? uri : filled(context, uri, { namespace: vault.namespace }))
}

function withTrust(context: CommandContext, uri: KeyUri): KeyUri {
  const { vault } = context.environment
  const trusted = filled(context, uri, { ca: vault.ca, 'server-name': vault.serverName })
  const hasCertificate = trusted.has('client-cert') || trusted.has('client-key')
  const certificate = { 'client-cert': vault.clientCert, 'client-key': vault.clientKey }
  return hasCertificate ? trusted : filled(context, trusted, certificate)
}

/** Proxy, deadline and what came as PEM in a variable. */
export function vaultOptions({ environment }: CommandContext, strict: boolean): VaultOptions {
  const { vault, proxy } = environment
  return {
    ca: vault.caBytes,
    clientCertificate: vault.clientCertificate,
    // Theirs is for every server, ours knows exceptions.
    proxy: vault.proxy === undefined ? proxy : { https: vault.proxy, http: vault.proxy },
    timeoutMilliseconds: vault.timeoutMilliseconds,
    strict,
  }
}

function withLogin({ report }: CommandContext, uri: KeyUri, addsToken: boolean): KeyUri {
  const sources = ['token-source', 'jwt-source', 'pin-source', 'pin-value']
  if (sources.some((name) => uri.has(name))) return uri
  if (!uri.has('login') && addsToken) {
    report.note('login is none: the Agent adds its own token')
    return uri.with({ query: { login: 'none' } })
  }
  if (uri.get('login') !== 'kubernetes') return uri
  report.note(`jwt-source is ${podToken}`)
  return uri.with({ query: { 'jwt-source': podToken } })
}

function filled(
  { report }: CommandContext,
  uri: KeyUri,
  settings: Readonly<Record<string, VaultSetting | undefined>>,
): KeyUri {
  let complete = uri
  for (const [name, setting] of Object.entries(settings)) {
    if (setting === undefined || uri.has(name)) continue
    if (name === 'address') refuseOdd(setting)
    report.note(`${name} is ${setting.value}, from ${setting.variable}`)
    complete = complete.with({ query: { [name]: setting.value } })
  }
  return complete
}

/** Names the variable, where the backend would name the key URI. */
function refuseOdd({ value, variable }: VaultSetting): void {
  try {
    readAddresses(value)
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    const message = error.message.replace(/^address /, '').replace(/ in the key URI$/, '')
    throw new HardkeyError('ERR_CONFIG_INVALID', `the variable ${variable} ${message}`, { hint: error.hint })
  }
}

function refused(variable: string): HardkeyError {
  if (variable.endsWith('SRV_LOOKUP')) {
    return new HardkeyError('ERR_CONFIG_INVALID', `${variable} is set, and hardkey looks up no SRV records`, {
      hint: 'unset it, and name the addresses in the key URI: address=https://…,https://…',
    })
  }
  return new HardkeyError(
    'ERR_CONFIG_INVALID',
    `${variable} is set, and hardkey talks to no server that it cannot verify`,
    {
      hint: 'unset it, and name the CA of the server: ca=file:/PATH in the key URI, or VAULT_CACERT',
    },
  )
}
