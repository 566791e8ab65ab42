// The variables of Vault's and OpenBao's own commands. In: variables by name. Out: settings by name; of each the BAO_ form
// comes before the VAULT_ one. A token is not read here: only the name of its variable is kept, and the pin source reads it.
// "Environment variables" of the commands `bao` and `vault`.

import { HardkeyError } from '../../errors.ts'

/** A setting, and the variable that it came from. */
export interface VaultSetting {
  readonly value: string
  readonly variable: string
}

export interface VaultVariables {
  /** AGENT_ADDR, else ADDR. */
  readonly address: VaultSetting | undefined
  /** The address is that of an Agent, which may add a token of its own. */
  readonly isAgent: boolean
  /** The name of the variable that holds a token. */
  readonly tokenVariable: string | undefined
  readonly namespace: VaultSetting | undefined
  /** CACERT, a file; else CAPATH, a folder. */
  readonly ca: VaultSetting | undefined
  /** CACERT_BYTES, PEM; only where there is no CACERT. */
  readonly caBytes: string | undefined
  readonly clientCert: VaultSetting | undefined
  readonly clientKey: VaultSetting | undefined
  /** CLIENT_CERT_BYTES and CLIENT_KEY_BYTES, PEM. */
  readonly clientCertificate: { readonly cert: string; readonly key: string } | undefined
  readonly serverName: VaultSetting | undefined
  readonly timeoutMilliseconds: number | undefined
  /** PROXY_ADDR, else HTTP_PROXY: for every request, whatever its scheme. */
  readonly proxy: string | undefined
  /** SKIP_VERIFY or SRV_LOOKUP, where it is on: hardkey does neither. */
  readonly refused: string | undefined
  /** Where the commands look for their own settings, and with them a token helper. */
  readonly configFiles: () => readonly string[]
  /** Where the commands keep the token of a login; undefined where there is no home folder. */
  readonly tokenFile: () => string | undefined
}

type Read = (name: string) => string | undefined

/** `raw` gives values that may have line ends. @throws ERR_CONFIG_INVALID, naming the variable */
export function readVaultVariables(
  read: Read,
  raw: Read,
  inHome: (name: string) => string | undefined,
): VaultVariables {
  const setting = (name: string): VaultSetting | undefined => named(read, name)
  const bytes = (name: string): string | undefined => named(raw, name)?.value
  const agent = setting('AGENT_ADDR')
  const ca = setting('CACERT')
  const caBytes = ca === undefined ? bytes('CACERT_BYTES') : undefined
  const [cert, key] = [bytes('CLIENT_CERT_BYTES'), bytes('CLIENT_KEY_BYTES')]
  const [given, tokenPath] = [setting('CONFIG_PATH'), setting('TOKEN_PATH')]
  return {
    address: agent ?? setting('ADDR'),
    isAgent: agent !== undefined,
    tokenVariable: named(raw, 'TOKEN')?.variable,
    namespace: setting('NAMESPACE'),
    ca: ca ?? (caBytes === undefined ? setting('CAPATH') : undefined),
    caBytes,
    clientCert: setting('CLIENT_CERT'),
    clientKey: setting('CLIENT_KEY'),
    clientCertificate: cert === undefined || key === undefined ? undefined : { cert, key },
    serverName: setting('TLS_SERVER_NAME'),
    timeoutMilliseconds: duration(setting('CLIENT_TIMEOUT')),
    proxy: (setting('PROXY_ADDR') ?? setting('HTTP_PROXY'))?.value,
    refused: [setting('SKIP_VERIFY'), setting('SRV_LOOKUP')].find(isOn)?.variable,
    configFiles: () => (given === undefined ? ['.bao', '.vault'].flatMap((name) => inHome(name) ?? []) : [given.value]),
    tokenFile: () => tokenPath?.value ?? inHome('.vault-token'),
  }
}

function named(read: Read, name: string): VaultSetting | undefined {
  for (const variable of [`BAO_${name}`, `VAULT_${name}`]) {
    const value = read(variable)
    if (value !== undefined && value !== '') return { value, variable }
  }
  return undefined
}

/** Go's strconv.ParseBool, which the commands use. */
function isOn(setting: VaultSetting | undefined): setting is VaultSetting {
  if (setting === undefined || /^(?:0|f|F|false|False|FALSE)$/.test(setting.value)) return false
  if (/^(?:1|t|T|true|True|TRUE)$/.test(setting.value)) return true
  throw new HardkeyError('ERR_CONFIG_INVALID', `the variable ${setting.variable} is neither true nor false`)
}

const units: Readonly<Record<string, number>> = { '': 1000, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Seconds, or a number with ms, s, m or h. */
function duration(setting: VaultSetting | undefined): number | undefined {
  if (setting === undefined) return undefined
  const [, number = '', unit = ''] = /^(\d{1,6})(ms|s|m|h)?$/.exec(setting.value) ?? []
  const milliseconds = Number(number) * (units[unit] ?? 0)
  if (number !== '' && milliseconds > 0 && milliseconds < 2 ** 31) return milliseconds
  throw new HardkeyError('ERR_CONFIG_INVALID', `the variable ${setting.variable} is not a time such as 30s`)
}
