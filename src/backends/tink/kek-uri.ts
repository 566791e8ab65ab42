// Which key encrypts the keyset. In: the `kek` of a key URI, in the forms of Tink's own key URIs. Out: its parts, checked.
// Tink, "Key management system" (aws-kms://, gcp-kms://, hcvault://), and our own passphrase:. Nobody is asked here.

import { HardkeyError } from '../../errors.ts'

/** A key of AWS KMS. */
export interface AwsKmsAddress {
  readonly kind: 'aws-kms'
  /** Of a key or of an alias. */
  readonly arn: string
  readonly partition: string
  readonly region: string
  readonly account: string
  readonly isAlias: boolean
}

/** A key of Google Cloud KMS. */
export interface GcpKmsAddress {
  readonly kind: 'gcp-kms'
  /** projects/P/locations/L/keyRings/R/cryptoKeys/K */
  readonly name: string
}

/** A key of the transit engine of Vault or OpenBao. */
export interface HcvaultAddress {
  readonly kind: 'hcvault'
  /** `https://vault.example:8200`; without a port it is 443, as for Tink. */
  readonly origin: string
  readonly mount: string
  readonly key: string
}

export type ServiceAddress = AwsKmsAddress | GcpKmsAddress | HcvaultAddress
export type KekAddress = { readonly kind: 'passphrase' } | ServiceAddress

const forms = {
  'aws-kms': 'aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID',
  'gcp-kms': 'gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K',
  hcvault: 'hcvault://HOST:PORT/transit/keys/NAME',
} as const

/** @throws ERR_URI_INVALID with the form that it should have */
export function readKek(text: string | undefined): KekAddress {
  if (text === undefined) throw unknownKek('tink: does not say which key encrypts the keyset')
  if (text === 'passphrase:') return { kind: 'passphrase' }
  const [, scheme, rest = ''] = /^([a-z-]+):\/\/(.*)$/s.exec(text) ?? []
  switch (scheme) {
    case 'aws-kms':
      return readAwsKms(rest)
    case 'gcp-kms':
      return readGcpKms(rest)
    case 'hcvault':
      return readHcvault(rest)
    default:
      throw unknownKek('tink: needs a key-encryption key that hardkey knows')
  }
}

function readAwsKms(arn: string): AwsKmsAddress {
  const form = /^arn:(aws[a-z0-9-]*):kms:([a-z0-9-]+):(\d{12}):(key\/[A-Za-z0-9-]{1,256}|alias\/[A-Za-z0-9/_-]{1,256})$/
  const [, partition, region, account, key] = form.exec(arn) ?? []
  if (partition === undefined || region === undefined || account === undefined || key === undefined) {
    throw malformed('aws-kms')
  }
  return { kind: 'aws-kms', arn, partition, region, account, isAlias: key.startsWith('alias/') }
}

function readGcpKms(name: string): GcpKmsAddress {
  const part = '[A-Za-z0-9_.:-]{1,128}'
  const form = new RegExp(`^projects/${part}/locations/${part}/keyRings/${part}/cryptoKeys/${part}$`)
  if (!form.test(name) || /\/\.{1,2}(\/|$)/.test(name)) throw malformed('gcp-kms')
  return { kind: 'gcp-kms', name }
}

function readHcvault(rest: string): HcvaultAddress {
  const [, authority, path] = /^([A-Za-z0-9.-]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?)\/(.+)$/.exec(rest) ?? []
  const parts = path?.split('/') ?? []
  const isPath = parts.every((part) => /^[A-Za-z0-9_.~-]{1,255}$/.test(part) && !/^\.{1,2}$/.test(part))
  const key = parts.at(-1)
  if (authority === undefined || key === undefined || !isPath || parts.length < 3 || parts.at(-2) !== 'keys') {
    throw malformed('hcvault')
  }
  const origin = `https://${authority}`
  if (!URL.canParse(origin)) throw malformed('hcvault')
  return { kind: 'hcvault', origin, mount: parts.slice(0, -2).join('/'), key }
}

function malformed(kind: keyof typeof forms): HardkeyError {
  const shape = `kek=${kind}:// in the key URI is not of the form ${forms[kind]}`
  return new HardkeyError('ERR_URI_INVALID', shape, { hint: 'copy the name of the key from the service' })
}

function unknownKek(message: string): HardkeyError {
  return new HardkeyError('ERR_URI_INVALID', message, {
    hint: `write kek=passphrase: after the "?", or ${Object.values(forms).join(', ')}`,
  })
}
