// Whether a key asks a person at each use: what a check-in says beside an AWS profile, whose programs cannot be asked.

import { expect, it } from 'vitest'
import { asksAPerson } from '../../src/cli/ask/pin-prompt.ts'
import { KeyUri } from '../../src/key/uri.ts'

it.each([
  'pkcs11:token=prod;object=aws',
  'pkcs11:token=prod;object=aws?pin-source=pinentry:',
  'vault:key=aws?address=https://vault.example:8200&token-source=prompt:',
  'tpm2:file=prod.tss2.pem?auth=yes',
  'vault:key=aws?address=https://vault.example:8200',
  'vault:key=aws?address=https://vault.example:8200&login=approle&role-id=edge',
  'tink:file=prod.keyset.json?kek=passphrase:',
  'tink:file=prod.keyset.json?kek=hcvault://vault.example:8200/transit/keys/kek',
])('a person is asked by %s', (uri) => {
  expect(asksAPerson(KeyUri.parse(uri))).toBe(true)
})

it.each([
  'pkcs11:token=prod;object=aws?pin-source=file:/run/pin',
  'pkcs11:token=prod;object=aws?pin-source=keyring:prod',
  'tpm2:file=prod.tss2.pem',
  'tpm2:file=prod.tss2.pem?auth=yes&pin-source=file:/run/auth',
  'vault:key=aws?address=https://vault.example:8200&token-source=file:/run/token',
  'vault:key=aws?address=https://vault.example:8200&login=cert',
  'vault:key=aws?address=https://vault.example:8200&login=none',
  'tink:file=prod.keyset.json?kek=aws-kms://arn:aws:kms:eu-west-1:111122223333:key/kek',
  'tink:file=prod.keyset.json?kek=gcp-kms://projects/p/locations/l/keyRings/r/cryptoKeys/k',
])('nobody is asked by %s', (uri) => {
  expect(asksAPerson(KeyUri.parse(uri))).toBe(false)
})
